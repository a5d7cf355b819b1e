// SPDX-License-Identifier: Apache-2.0

// Package artifact opens the files that goqat makes, tells them apart, and keeps
// programs from writing over what they read. Its errors say what a file is instead, and
// what to do.
package artifact

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/qmodel"
)

// IsModel says whether a file is a .qmodel; otherwise it is some other safetensors
// file, such as a checkpoint. A file that is neither is an error.
func IsModel(path string) (bool, error) {
	content, err := container(path)
	return err == nil && isModel(content), err
}

func isModel(content *safetensors.File) bool {
	format, _ := content.Value("format")
	return format == "qmodel"
}

// container reads a safetensors file.
func container(path string) (*safetensors.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if stat.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name a file in it, such as model.qmodel", path)
	}
	content, err := safetensors.Read(f, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as a checkpoint or .qmodel: %w; make or copy it again", path, err)
	}
	return content, nil
}

// Open opens a .qmodel to run it. Of a file that is none, or damaged, the error says what it is instead, or what to do; of a
// newer version it is qmodel.ErrNewer.
func Open(path string) (*infer.Model, error) {
	m, err := infer.Open(path)
	if err == nil || errors.Is(err, qmodel.ErrNewer) {
		return m, err
	}
	return nil, explain(path, err)
}

// Read reads a .qmodel as data, with the SHA-256 of its file in hexadecimal digits. It fails as Open does.
func Read(path string) (m *qmodel.Model, digest string, err error) {
	if _, err := IsModel(path); err != nil {
		return nil, "", err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	m, err = qmodel.Read(bytes.NewReader(file), int64(len(file)))
	switch {
	case errors.Is(err, qmodel.ErrNewer):
		return nil, "", fmt.Errorf("%s: %w", path, err)
	case err != nil:
		return nil, "", explain(path, err)
	}
	sum := sha256.Sum256(file)
	return m, hex.EncodeToString(sum[:]), nil
}

// explain says of a file that cannot be read as a .qmodel what it is and what to do.
func explain(path string, err error) error {
	content, other := container(path)
	switch {
	case other != nil: // says more of a file of any kind
		return other
	case !isModel(content):
		return fmt.Errorf("%s is not a .qmodel but %s", path, instead(content))
	}
	return fmt.Errorf("%w; export or copy it again", err)
}

// instead says what a safetensors file is that is no .qmodel, and what makes a .qmodel of it. Package train writes checkpoints.
func instead(content *safetensors.File) string {
	var checkpoint struct{ Phase string }
	if text, ok := content.Value("goqat"); !ok || json.Unmarshal([]byte(text), &checkpoint) != nil {
		return "a safetensors file of another program; name a file that qat export has written"
	}
	if checkpoint.Phase == "float" {
		return "a checkpoint of the float phase; qat calibrate makes a .qmodel of it"
	}
	return "a checkpoint; qat export makes a .qmodel of it"
}
