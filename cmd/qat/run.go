// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/images"
	_ "github.com/goqat/goqat/images/formats" // so that they are read, too
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/term"
)

// classified are the top classes of one image.
type classified struct {
	Image string      `json:"image"`
	Top   []candidate `json:"top"`             // the most probable first; none after an error
	Error string      `json:"error,omitempty"` // why it has no classes
}

type candidate struct {
	Index       int     `json:"index"` // of the class
	Class       string  `json:"class"`
	Logit       int32   `json:"logit"`
	Probability float64 `json:"probability"` // softmax of the logits times their scale
}

func runCommand() *cobra.Command {
	var top, threads int
	var work int64
	var kernel string
	var asJSON bool
	c := &cobra.Command{
		Use:   "run MODEL.qmodel IMAGE...",
		Short: "Classify image files on integers",
		Long: `Classify PNG, JPEG, WebP, BMP, TIFF or GIF files with a .qmodel: decoded, turned
upright by the orientation that cameras note, brought to the size and colour of the
model's input and run, all in integers. Probabilities are computed from the
logits for display; they decide nothing.
A folder stands for the images in it and below, - for standard input.
Of a file that is no image the error is shown; the others are classified all the same.
A transparent pixel lies on white.`,
		Example: `  qat run runs/lenet-pact-w4a4/model.qmodel shoe.png
  qat run model.qmodel --top 1 --json pictures
  curl -s https://example.org/shoe.jpg | qat run model.qmodel -`,
		Args: arguments(2, -1, "a .qmodel and at least one image"),
		RunE: func(c *cobra.Command, args []string) error {
			if top < 1 {
				return usagef(c, "--top %d shows nothing, want 1 or more", top)
			}
			m, err := openModel(args[0])
			if err != nil {
				return err
			}
			r, err := m.NewRunner(infer.Options{Threads: threadsOf(threads), Kernel: kernel, Work: work})
			if err != nil {
				return err
			}
			defer r.Close()
			paths, err := imageFiles(args[1:], func(sentence string) { fmt.Fprintln(c.ErrOrStderr(), "note: "+sentence) })
			if err != nil {
				return err
			}
			results := []classified{}
			var failed []error
			turned := 0
			for _, path := range paths {
				result := classified{Image: path, Top: []candidate{}}
				got, err := atOnce(c.Context(), func() (answer, error) { return classify(m, r, path, c.InOrStdin()) })
				if c.Context().Err() != nil {
					return c.Context().Err()
				}
				if got.file.Orientation > 1 {
					turned++
				}
				if err == nil {
					result.Top = candidates(m, got.logits, top)
				} else {
					result.Error = err.Error()
					failed = append(failed, err)
				}
				results = append(results, result)
			}
			if turned > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "note: turned upright, by the orientation noted in the file: %d of %d images\n", turned, len(results))
			}
			if asJSON {
				err = printJSON(c.OutOrStdout(), results)
			} else if len(failed) < len(results) {
				err = printClasses(c.OutOrStdout(), results)
			}
			if err != nil || len(failed) == 0 {
				return err
			}
			if len(failed) == 1 {
				return failed[0]
			}
			for _, err := range failed {
				fmt.Fprintln(c.ErrOrStderr(), oneLine(err))
			}
			return fmt.Errorf("%d of %d images have no classes, see above", len(failed), len(results))
		},
	}
	c.Flags().IntVar(&top, "top", 3, "classes to show for an image")
	addThreads(c, &threads)
	addWork(c, &work)
	addKernel(c, &kernel)
	addJSON(c, &asJSON)
	return c
}

// printClasses writes the classes of the images for people.
func printClasses(w io.Writer, results []classified) error {
	var rows [][]string
	for _, result := range results {
		image := result.Image
		for _, t := range result.Top {
			rows = append(rows, []string{image, t.Class, percent(&t.Probability)})
			image = ""
		}
	}
	return term.Table(w, []string{"image", "class", "probability"}, rows)
}

func addKernel(c *cobra.Command, kernel *string) {
	c.Flags().StringVar(kernel, "kernel", "", "kernels of the integer runtime, see qat version; all give the same integers (default the fastest)")
}

// addWork adds the flag that lets a model take long.
func addWork(c *cobra.Command, work *int64) {
	c.Flags().Int64Var(work, "work", infer.DefaultWork, "most additions and comparisons an image that a model may ask for")
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if *work < 1 {
			return usagef(c, "--work %d: want 1 or more", *work)
		}
		if before == nil {
			return nil
		}
		return before(c, args)
	}
}

// imageFiles replaces each folder by the images in it, in the order of their names. Files that are images by their names
// are among them even if they cannot be read, and what is left out is noted.
func imageFiles(paths []string, note func(string)) ([]string, error) {
	var list []string
	for _, path := range paths {
		if info, err := os.Stat(path); path == stdin || err != nil || !info.IsDir() {
			list = append(list, path)
			continue
		}
		found, err := datasets.ImageFiles(path, func(sentence string) { note(path + ": " + sentence) })
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no images in this folder", path)
		}
		list = append(list, found...)
	}
	return list, nil
}

// imageLimits bound an image that the user names.
var imageLimits = images.Limits{Pixels: images.MaxPixels, Bytes: 256 << 20}

// stdin is the path of standard input.
const stdin = "-"

// An answer is what a model makes of an image, and what the file says of the image.
type answer struct {
	logits []int32
	file   images.Info
}

// classify runs a model on an image file.
func classify(m *infer.Model, r *infer.Runner, path string, input io.Reader) (answer, error) {
	if path != stdin {
		f, err := os.Open(path)
		if err != nil {
			return answer{}, err
		}
		defer f.Close()
		input = f
	}
	in := m.Input()
	image, info, err := imageLimits.Read(input)
	if err != nil {
		return answer{file: info}, fmt.Errorf("%s: %w", path, err)
	}
	a := answer{make([]int32, len(m.Classes())), info}
	return a, r.Run(a.logits, image.Recolor(in.Channels).Resize(in.Height, in.Width).Pixels)
}

// candidates returns the classes with the greatest logits, the first of equal
// ones first.
func candidates(m *infer.Model, logits []int32, top int) []candidate {
	scale := float64(math.Float32frombits(m.LogitScale()))
	greatest := slices.Max(logits)
	var sum float64
	all := make([]candidate, len(logits))
	for i, name := range m.Classes() {
		e := math.Exp(scale * float64(int64(logits[i])-int64(greatest)))
		sum += e
		all[i] = candidate{i, name, logits[i], e}
	}
	for i := range all {
		all[i].Probability /= sum
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.Logit, a.Logit) })
	return all[:min(top, len(all))]
}
