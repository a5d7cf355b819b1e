// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

// endless is a pipe from which nothing comes. Who reads it interrupts the program.
type endless struct {
	interrupt context.CancelFunc
	end       chan struct{}
}

func (e *endless) Read([]byte) (int, error) {
	e.interrupt()
	<-e.end
	return 0, context.Canceled
}

// TestInterruptEndsRunAtOnce interrupts run while it computes: it does not wait for the image to be done.
func TestInterruptEndsRunAtOnce(t *testing.T) {
	r := trained(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	e := &endless{interrupt, make(chan struct{})}
	defer close(e.end)
	var out, log bytes.Buffer
	if code := command.Execute(ctx, newRoot(), []string{"run", r.model(), "-"}, e, &out, &log); code != command.Interrupted || out.Len() > 0 {
		t.Errorf("exit %d, %q, %q", code, out.String(), log.String())
	}
}

// TestWorkOfAModelIsLimited raises and lowers what a model may ask for.
func TestWorkOfAModelIsLimited(t *testing.T) {
	r := trained(t)
	image := t.TempDir() + "/x.png"
	if err := writePNG(image, drawShape("cross", rand.New(rand.NewPCG(1, 1)))); err != nil {
		t.Fatal(err)
	}
	mustFail(t, command.Failed, []string{"run", r.model(), image, "--work", "100"}, "limit of 100", "--work")
	mustFail(t, command.Failed, []string{"eval", r.model(), "--data", r.data, "--work", "100"}, "limit of 100", "--work")
	mustFail(t, command.Failed, []string{"bench", r.model(), "--work", "100"}, "limit of 100", "--work")
	for _, verb := range [][]string{{"run", r.model(), image}, {"eval", r.model(), "--data", r.data}, {"bench", r.model()}} {
		mustFail(t, command.Usage, append(verb, "--work", "-1"), "--work -1")
	}
	mustRun(t, "run", r.model(), image, "--work", "100000000")
}

// TestVerifySaysWhereClassesDiffer has verifications in which the top classes agree for more and for less than 99 %.
func TestVerifySaysWhereClassesDiffer(t *testing.T) {
	for agreement, warns := range map[float64]bool{1: false, 0.99: false, 0.985: true, 0: true} {
		v := export.Verification{Images: 200, FakequantTop1Agreement: agreement}
		var b strings.Builder
		printVerification(term.NewPage(&b), v)
		if got := strings.Contains(b.String(), "warning: the integers find another class"); got != warns || (v.Warning() != "") != warns {
			t.Errorf("agreement %v: %q", agreement, b.String())
		}
	}
}
