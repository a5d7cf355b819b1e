// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// join makes the run that of a rank of a group. Only rank 0 tells what happens.
func (t *run) join(o Options) error {
	g := o.Group
	if g == nil {
		return nil
	}
	t.group = g
	if g.Rank() > 0 {
		t.on = nil
	}
	if g.Size() > t.r.Shards {
		return fmt.Errorf("pipeline: %d processes cannot share a batch of so many shards: shards is %d; set it to %d or more, or start fewer", g.Size(), t.r.Shards, g.Size())
	}
	if g.Size() > 1 && o.Time > 0 {
		return errors.New("pipeline: several processes cannot plan a training by time; set float.epochs and qat.epochs")
	}
	return nil
}

// goOnAlone does without the group.
func (t *run) goOnAlone() { t.group, t.folder.group = dist.Local{}, dist.Local{} }

// newNetwork builds the network that the run trains.
func (t *run) newNetwork(in layers.Input) (*layers.Network, error) {
	return build(t.r, in, t.data.Classes, t.pool, layers.Config{Batch: t.shards().Most(), Parts: t.r.Shards > 1})
}

// shards returns how the batches of the run are cut, and who computes them.
func (t *run) shards() *train.Shards {
	return &train.Shards{Group: t.group, Count: t.r.Shards, Batch: t.r.Batch, Pool: t.pool}
}

// calibrate starts all quantizers from some training images. Every rank does all of it.
func (t *run) calibrate() error {
	images := t.data.train.Head(calibrationImages)
	return calibrate(t.network, images, t.r.Batch, t.shards(), t.on.counter("ranges", images.Len()))
}

// sharedCheckpoint reads the checkpoint in a file of rank 0, on every rank.
func sharedCheckpoint(g dist.Group, path string) (*train.Checkpoint, error) {
	if g.Size() == 1 {
		return train.ReadCheckpoint(path)
	}
	data, err := sharedFile(g, path)
	if err != nil {
		return nil, err
	}
	return train.ParseCheckpoint(data, path)
}

// sharedFile reads a file of rank 0 on every rank. If that fails it is an error of fs.ErrNotExist
// on the others.
func sharedFile(g dist.Group, path string) ([]byte, error) {
	var data []byte
	var failed error
	if g.Rank() == 0 {
		data, failed = os.ReadFile(path)
	}
	data, err := dist.Share(g, data)
	switch {
	case failed != nil:
		return nil, fmt.Errorf("pipeline: %w", failed)
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, fmt.Errorf("pipeline: rank 0 cannot read %s: %w", path, fs.ErrNotExist)
	}
	return data, nil
}

// SharedRun is LoadRun for a folder of rank 0. It is an error on every rank if it is one on rank 0, or if the ranks lose each
// other.
func SharedRun(g dist.Group, folder string) (*recipe.Recipe, error) {
	if g.Size() == 1 {
		return LoadRun(folder)
	}
	path := runFile(folder)
	text, err := sharedFile(g, path)
	if err == nil {
		var r *recipe.Recipe
		if r, err = recipe.Parse(text, path); err == nil {
			r.Out = folder
			return r, nil
		}
	}
	return nil, noRun(folder, err)
}

// identity is what all ranks must have in common for their numbers to agree.
type identity struct {
	Program  string // digest of its file
	Platform string
	Kernels  string
	Recipe   string
	Data     string
}

// identity describes this rank.
func (t *run) identity() (identity, error) {
	program, err := programDigest()
	if err != nil {
		return identity{}, err
	}
	return identity{program, runtime.GOOS + "/" + runtime.GOARCH, computes(), string(t.r.YAML()), t.data.Digest}, nil
}

// programDigest is of the file of this program.
func programDigest() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("pipeline: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("pipeline: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("pipeline: %s: %w", path, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// agree refuses ranks that are not like rank 0, since their numbers would not be.
func (t *run) agree() error {
	if t.group.Size() == 1 {
		return nil
	}
	own, err := t.identity()
	if err != nil {
		return err
	}
	text, err := json.Marshal(own)
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	if text, err = dist.Share(t.group, text); err != nil {
		return err
	}
	var first identity
	if err := json.Unmarshal(text, &first); err != nil {
		return fmt.Errorf("pipeline: what rank 0 is: %w", err)
	}
	complaint, err := t.compare(own, first)
	if err != nil {
		return err
	}
	return t.unanimous(complaint)
}

// compare says what of this rank is other than of rank 0, "" if nothing is.
func (t *run) compare(own, first identity) (complaint string, err error) {
	before, err := recipe.Parse([]byte(first.Recipe), "recipe of rank 0")
	if err != nil {
		return "", err
	}
	alike(before, t.r)
	switch d := t.r.Differences(before); {
	case own.Platform != first.Platform:
		return fmt.Sprintf("runs on %s, rank 0 on %s; start all ranks on machines of one kind", own.Platform, first.Platform), nil
	case own.Kernels != first.Kernels:
		return fmt.Sprintf("computes with the kernels %s, rank 0 with %s; start all ranks on processors of one kind, or set GOQAT_TRAIN_KERNELS to what all have", own.Kernels, first.Kernels), nil
	case own.Program != first.Program:
		return "runs another build of the program than rank 0; install the same file on all machines", nil
	case len(d) > 0:
		return "has another recipe than rank 0: " + strings.ReplaceAll(strings.Join(d, ", "), ", was ", ", there "), nil
	case own.Data != first.Data:
		return "has other data than rank 0; give all ranks the same files", nil
	}
	return "", nil
}

// complaintSize is the length of what a rank can say in unanimous.
const complaintSize = 512

// unanimous returns an error on all ranks if one of them has a complaint about itself.
func (t *run) unanimous(complaint string) error {
	parts := make([][]byte, t.group.Size())
	for r := range parts {
		parts[r] = make([]byte, complaintSize)
	}
	copy(parts[t.group.Rank()], complaint)
	if err := t.group.Gather(parts); err != nil {
		return err
	}
	for r, part := range parts {
		if text := strings.TrimRight(string(part), "\x00"); text != "" {
			return fmt.Errorf("pipeline: rank %d %s", r, text)
		}
	}
	return nil
}

// agreeOnNumbers refuses ranks whose numbers have come to differ from those of rank 0, which a
// fault of a machine may do.
func (p *phase) agreeOnNumbers() error {
	if p.group.Size() == 1 {
		return nil
	}
	h := sha256.New()
	sum := func(values []float32) error { return binary.Write(h, binary.LittleEndian, values) }
	for _, q := range p.network.Graph.Params() {
		if err := sum(q.Value); err != nil {
			return err
		}
	}
	for _, s := range p.network.State() {
		if err := sum(s.Data); err != nil {
			return err
		}
	}
	if p.teacher != nil {
		for _, q := range p.teacher.Network.Graph.Params() {
			if err := sum(q.Value); err != nil {
				return err
			}
		}
	}
	own := h.Sum(nil)
	first := append([]byte(nil), own...)
	if err := p.group.Broadcast(first); err != nil {
		return err
	}
	complaint := ""
	if string(first) != string(own) {
		complaint = fmt.Sprintf("has other numbers than rank 0 in epoch %d of the %s phase: checkpoints that the recipe names differ, or a machine computes wrongly", p.loop.Position.Epoch+1, p.name)
	}
	return p.unanimous(complaint)
}
