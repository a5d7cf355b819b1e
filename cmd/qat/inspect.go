// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func inspectCommand() *cobra.Command {
	var kernel string
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a .qmodel or a checkpoint",
		Long: `Show the layers of a .qmodel or a checkpoint: operators, shapes, bits, MACs, bytes,
the bits that accumulators need, and an estimate of the energy of one image against
the same network in float32. A checkpoint of the quantized phase is shown as the
integers it exports to.

The kernels are those of this processor, or of --kernel. By AVX2, one with 16-bit
products sums in 32 bits; one with 8-bit products sums in 16 bits as long as the
weights and the bits of the input prove that nothing overflows, twice as fast. One
with 1-bit products counts the signs that differ. By AMX, layers that gain nothing by
tiles run by AVX-512.

The estimate is from the bits and the operations, with the energies of a 45 nm chip
at 0.9 V (Horowitz, ISSCC 2014; Dally, NIPS 2015 tutorial). Multiplications of other
widths cost in proportion to the product of the widths, memory to the bits moved,
each number once an image. It compares networks; it does not measure one.

An operator online takes the range of its codes from the values of each image, which the
operator before makes.

The bits of a layer are w4a8 for weights of 4 bits and an input of 8, with the word dense
where the file packs these weights densely; acc are the bits of its accumulators.
--json has the method, the kernel and the energies of each layer.`,
		Example: `  qat inspect runs/lenet-pact-w4a4/model.qmodel
  qat inspect runs/lenet-pact-w4a4/model.qmodel --kernel avx2
  qat inspect runs/lenet-pact-w4a4/checkpoint-float.safetensors --json`,
		Args: command.Arguments(1, 1, "a .qmodel or a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := describe.File(args[0], kernel)
			if err == nil && !d.OnIntegers() {
				err = command.Unread(c, "is for integers, "+args[0]+" is a float network", "kernel")
			}
			if err != nil {
				return err
			}
			return command.Result(c, d, func(p *term.Page) { printDescription(p, d) })
		},
	}
	addKernel(c, &kernel)
	command.AddJSON(c)
	return c
}
