// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/sweep"
)

func sweepCommand() *cobra.Command {
	var o sweep.Options
	var list bool
	c := &cobra.Command{
		Use:   "sweep GRID.yaml",
		Short: "Train every recipe of a grid, or a part of them",
		Long: `Train the recipes of a grid: a recipe in which a key has a list of values, as in
qat.method: [pact, lsq] and seed: [1, 2, 3], stands for one of each. Each has a run
folder of its own, named after its values and ending in its seed, in the folder out
of the grid. What is done is left as it is, what was stopped or killed goes on, what
another process trains is left to it: the same command does the rest. A training that
fails does not keep the others from being done.

With --part i/n, i from 0 to n-1, every n-th is trained, so that n processes, here or on
other machines that see the folder, do all: as a Slurm array, a Kubernetes job or by
xargs, see examples/sweep. qat table makes the table of the folder.`,
		Example: `  qat sweep grid.yaml
  qat sweep grid.yaml --list
  qat sweep grid.yaml --part 2/8 --set threads=4`,
		Args: command.Arguments(1, 1, "a grid, which is a recipe with lists"),
		RunE: func(c *cobra.Command, args []string) error {
			trainings, err := sweep.Read(args[0], o)
			if errors.Is(err, sweep.ErrOther) {
				return err
			}
			if err != nil {
				return command.Wrong(c, "%w", err)
			}
			if !list {
				screen := command.Screen(c)
				err = sweep.Train(c.Context(), trainings, screen.Show, func(i int, t *sweep.Training) {
					screen.Stop()
					fmt.Fprintf(c.ErrOrStderr(), "%d of %d: %s\n", i+1, len(trainings), term.Plain(t.Folder))
				})
				screen.Stop()
			}
			if shown := command.Result(c, trainings, func(p *term.Page) { printTrainings(p, trainings) }); shown != nil {
				return shown
			}
			return err
		},
	}
	c.Flags().Var(&o.Part, "part", "the part of the trainings to do, as in 0/4; all without it")
	c.Flags().StringVar(&o.Out, "out", "", "`folder` of the run folders, instead of that of the grid")
	c.Flags().StringArrayVar(&o.Set, "set", nil, "value of all recipes, as `path=value`; repeatable")
	c.Flags().BoolVar(&list, "list", false, "train nothing: show the trainings and what is done")
	command.AddJSON(c)
	return c
}

// addPart adds the flag that takes a part of many images.
func addPart(c *cobra.Command, p *share.Part) {
	c.Flags().Var(p, "part", "the part of the images to take, as in 0/4; all without it")
}

// printTrainings writes a table of trainings for people.
func printTrainings(p *term.Page, list []*sweep.Training) {
	if len(list) == 0 {
		p.Printf("no training is of this part\n")
		return
	}
	var rows [][]string
	for _, t := range list {
		state := t.State
		if t.Error != "" {
			state += ": " + t.Error
		}
		rows = append(rows, []string{t.Folder, term.Percent(t.Accuracy), state})
	}
	p.Table([]string{"run folder", "accuracy", "state"}, rows)
}
