// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/pipeline/pipelinetest"
)

func TestFiles(t *testing.T) {
	run := pipelinetest.Train(t)
	m, err := artifact.Open(run.File("model.qmodel"))
	if err != nil {
		t.Fatal(err)
	}
	notes := 0
	note := func(string) { notes++ }
	paths, err := classify.Images([]string{run.Data, classify.Stdin, run.File("config.yaml")}, note)
	if err != nil || len(paths) != 82 || notes != 0 {
		t.Fatalf("%d images, %d notes, %v", len(paths), notes, err)
	}
	light, err := os.ReadFile(filepath.Join(run.Data, "light", "39.png"))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := classify.Files(t.Context(), m, paths, classify.Options{Top: 1, Stdin: bytes.NewReader(light)})
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, a := range answers[:80] {
		if strings.Contains(a.Image, string(filepath.Separator)+a.Top[0].Class+string(filepath.Separator)) {
			right++
		}
	}
	if right < 70 || answers[80].Top[0].Class != "light" || len(answers[80].Top) != 1 || answers[80].Top[0].Probability < 0.5 {
		t.Errorf("%d of 80 right, %+v", right, answers[80])
	}
	if list := classify.Errors(answers); len(list) != 1 || len(answers[81].Top) != 0 || answers[81].Error != list[0].Error() || classify.Turned(answers) != 0 {
		t.Errorf("%+v", answers[81])
	}
	if _, err := classify.Images([]string{t.TempDir()}, note); err == nil {
		t.Error("an empty folder has images")
	}
	ctx, stop := context.WithCancel(t.Context())
	never, _ := io.Pipe()
	stop()
	if _, err := classify.Files(ctx, m, []string{classify.Stdin}, classify.Options{Top: 1, Stdin: never}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
