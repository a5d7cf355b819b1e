// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/internal/version"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "qat",
		Short: "Train networks with quantization in the graph and run them on integers",
		Long: `Train networks with quantization in the graph, export them to integers, and
prove tensor by tensor that both agree.`,
		Example: `  qat train                                  # the quick start, on images that come with the program
  qat run runs/lenet-pact-w4a4/model.qmodel shoe.png
  qat eval runs/lenet-pact-w4a4/model.qmodel --data fashion-sample`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, args []string) error {
			if err := command.Filled(c, args); err != nil {
				return err
			}
			if err := kernel.CheckEnvironment(); err != nil {
				return command.Wrong(c, "%w", err)
			}
			return nil
		},
	}
	command.Group(root,
		trainCommand(), evalCommand(), exportCommand(), verifyCommand(), compareCommand(), runCommand(), benchCommand(), inspectCommand(), tableCommand(),
		methodsCommand(), recipeCommand(), dataCommand(), versionCommand(), calibrateCommand(), sensitivityCommand(), searchCommand(), diagnoseCommand(),
		importCommand(), reportCommand(), sweepCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Version = version.Read().String()
	root.SetVersionTemplate("{{.Version}}")
	return root
}
