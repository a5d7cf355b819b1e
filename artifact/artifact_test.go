// SPDX-License-Identifier: Apache-2.0

package artifact_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/internal/safetensors"
)

// files makes a .qmodel, a safetensors file that is none, and one that is neither.
func files(t *testing.T) (model, other, text string) {
	t.Helper()
	dir := t.TempDir()
	model, other, text = filepath.Join(dir, "m.qmodel"), filepath.Join(dir, "c.safetensors"), filepath.Join(dir, "t.txt")
	var m, c bytes.Buffer
	if err := qmodeltest.Tiny(rand.New(rand.NewPCG(1, 1))).Write(&m); err != nil {
		t.Fatal(err)
	}
	if err := (&safetensors.File{}).Write(&c); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{model: m.Bytes(), other: c.Bytes(), text: []byte("hello")} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return model, other, text
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestKinds(t *testing.T) {
	model, other, text := files(t)
	for path, want := range map[string]bool{model: true, other: false} {
		if is, err := artifact.IsModel(path); err != nil || is != want {
			t.Errorf("%s: %v, %v", path, is, err)
		}
	}
	_, err := artifact.IsModel(text)
	wantError(t, err, "cannot be read as a checkpoint or .qmodel")
	_, err = artifact.IsModel(filepath.Dir(model))
	wantError(t, err, "is a folder")

	m, digest, err := artifact.Read(model)
	content, _ := os.ReadFile(model)
	if err != nil || digest != fmt.Sprintf("%x", sha256.Sum256(content)) {
		t.Fatalf("%s, %v", digest, err)
	}
	if r, err := artifact.Open(model); err != nil || len(r.Classes()) != len(m.Classes) {
		t.Error(err)
	}
	for path, want := range map[string]string{other: "is not a .qmodel but a safetensors file of another program", text: "cannot be read", model + "x": "no such file"} {
		_, _, err := artifact.Read(path)
		wantError(t, err, want)
		_, err = artifact.Open(path)
		wantError(t, err, want)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(model, content, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = artifact.Open(model)
	wantError(t, err, "copy it again")
}
