// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/goqat/goqat/internal/kernel"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Finish ends building: it adds the loss of the logits, has Gorgonia derive
// the gradients of all parameters, and schedules the training and the forward
// run. It returns the first error of building, or that the graph is larger than
// Memory.
func (g *Graph) Finish(logits *Node, loss Loss) error {
	if g.err == nil && g.input == nil {
		g.Errorf("graph: there is no input")
	}
	if g.err == nil && (logits.Height != 1 || logits.Width != 1) {
		g.Errorf("graph: the logits are %d×%d×%d, not a vector: end with a linear layer", logits.Height, logits.Width, logits.Channels)
	}
	if g.err != nil {
		return g.err
	}
	classes := logits.Channels
	soft, _ := g.leaf("soft", g.batch, classes)
	g.soft = &Node{Height: 1, Width: 1, Channels: classes, node: soft}
	g.logits = logits
	f := &classify{loss: loss, classes: classes, soft: make([]float64, classes), target: make([]float64, classes), dlogits: make([]float32, g.batch*classes)}
	cost := g.apply("loss", f, &Node{Height: 1, Width: 1, Channels: 1}, tensor.ScalarShape(), []*Node{logits, g.labels, g.soft})
	if g.err != nil {
		return g.err
	}
	g.loss = cost.node

	wrt := make(G.Nodes, len(g.params))
	for i, p := range g.params {
		wrt[i] = p.node.node
	}
	var err error
	if g.grads, err = G.Grad(g.loss, wrt...); err != nil {
		return fmt.Errorf("graph: gradients: %w", err)
	}
	if err := g.checkHashes(); err != nil {
		return err
	}
	outputs := G.Nodes{logits.node, g.loss}
	for _, n := range slices.Backward(g.grads) { // the order in which their gradients come
		outputs = append(outputs, n)
	}
	if g.train, err = newExecutor(g.expr, g.run.pool, g.constants(), outputs...); err != nil {
		return err
	}
	g.train.codes = true
	g.train.ahead()
	if g.forward, err = newExecutor(g.expr, g.run.pool, nil, logits.node); err != nil {
		return err
	}
	if err := g.checkMemory(); err != nil {
		return err
	}
	g.bind()
	return nil
}

// largeArena is the number of values of an arena that is large beside the rest of a
// process: garbage of what came before it, as of reading images, goes back to the system
// first, since the arena cannot lie in its place.
const largeArena = 1 << 22

// bind gives the executors their memory: an arena of both, of which those parts alone
// are resident that a run has written, in large pages.
func (g *Graph) bind() {
	if n := max(g.train.memory, g.forward.memory); n > len(g.arena) {
		if n > largeArena {
			debug.FreeOSMemory()
		}
		g.arena = make([]float32, n)
		kernel.LargePages(g.arena)
	}
	g.train.bind(g.arena)
	g.forward.bind(g.arena)
}

// constants returns the leaves whose readers compute once a step, none where steps are
// single runs.
func (g *Graph) constants() map[*G.Node]bool {
	leaves := map[*G.Node]bool{}
	for _, p := range g.params {
		leaves[p.node.node] = g.Parts
	}
	return leaves
}

// checkHashes refuses a graph in which Gorgonia's 32-bit node hashes collide: a
// TapeMachine would merge the two nodes.
func (g *Graph) checkHashes() error {
	seen := map[uint32]*G.Node{}
	for _, n := range g.expr.AllNodes() {
		if m, ok := seen[n.Hashcode()]; ok {
			return fmt.Errorf("graph: the nodes %v and %v have one hash; rename a layer", m, n)
		}
		seen[n.Hashcode()] = n
	}
	return nil
}

// Feed binds the next batch: count images as floats, [count, H, W, C], which
// fill must write to x, and their labels.
func (g *Graph) Feed(labels []int32, fill func(x []float32)) error {
	if len(labels) == 0 || len(labels) > g.batch {
		return fmt.Errorf("graph: a batch of %d images does not fit a graph for %d", len(labels), g.batch)
	}
	g.run.Batch = len(labels)
	for i, l := range labels {
		values(g.labels)[i] = float32(l)
	}
	fill(values(g.input)[:len(labels)*g.input.size()])
	return nil
}

// FeedSoft binds the soft targets of the batch, [count, classes]; see
// CrossEntropy.
func (g *Graph) FeedSoft(targets []float32) { copy(values(g.soft), targets) }

// values returns the numbers of a leaf.
func values(n *Node) []float32 { return n.node.Value().(*tensor.Dense).Float32s() }

// Step computes the loss and the gradients of the batch, in the mode Train.
func (g *Graph) Step(p Pass) (loss float32, err error) {
	g.run.Pass = p.In(Train)
	g.encode()
	g.run.coded = true
	defer func() { g.run.coded = false }()
	g.run.again, g.within = g.within, false
	g.train.again = g.run.again
	if err := guard(g.train); err != nil {
		return 0, err
	}
	g.within = g.Parts && p.Of > 0
	for i, q := range g.params {
		q.Grad = g.train.result(g.grads[i])
	}
	return g.train.result(g.loss)[0], nil
}

// Forward runs the graph up to its logits.
func (g *Graph) Forward(p Pass) error {
	g.run.Pass = p
	return guard(g.forward)
}

// Logits returns the logits of the last Step or Forward, [Run.Batch, classes],
// in memory of the graph.
func (g *Graph) Logits() []float32 {
	e := g.forward
	if g.run.Mode == Train {
		e = g.train
	}
	return e.result(g.logits.node)[:g.run.Batch*g.logits.Channels]
}

// guard runs e and turns a panic of a kernel into an error.
func guard(e *Executor) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("graph: %v", p)
		}
	}()
	return e.RunAll()
}
