// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/network"
)

// Named returns the network of a name for the given number of classes, all its
// channels but the last times width, and at least 1. A name that is none of Names, and a width that is not above 0 and up to
// 64, are errors.
func Named(name string, width float64, classes int) (Module, error) {
	if !(width > 0) || width > 64 {
		return nil, fmt.Errorf("layers: a width of %v is not in (0, 64]", width)
	}
	w := scaler(width)
	switch name {
	case "mlp":
		return mlp(w, classes), nil
	case "lenet":
		return leNet(w, classes), nil
	case "cnv":
		return cnv(w, classes), nil
	case "resnet20":
		return resNet(w, 3, classes), nil
	case "resnet32":
		return resNet(w, 5, classes), nil
	case "resnet56":
		return resNet(w, 9, classes), nil
	case "mobilenet":
		return mobileNet(w, classes), nil
	case "resnet8":
		return resNet8(w, classes), nil
	case "dscnn":
		return dsCNN(w, classes), nil
	}
	return nil, fmt.Errorf("layers: there is no network %q; choose one of %s, or list its layers", name, strings.Join(Names(), ", "))
}

// Names returns the names that Named knows.
func Names() []string {
	return []string{"mlp", "lenet", "cnv", "resnet20", "resnet32", "resnet56", "mobilenet", "resnet8", "dscnn"}
}

// DefaultInput returns the height, width and channels of the images a named
// network is usually given.
func DefaultInput(name string) (height, width, channels int) {
	if slices.Contains([]string{"mlp", "lenet"}, name) {
		return 28, 28, 1
	}
	if name == "dscnn" {
		return 49, 10, 1
	}
	return 32, 32, 3
}

// scaler scales numbers of channels.
type scaler float64

func (s scaler) of(channels int) int {
	return max(1, int(math.Round(float64(channels)*float64(s))))
}

// mlp is three hidden layers of 256.
func mlp(w scaler, classes int) Module {
	hidden := Linear{Channels: w.of(256), Norm: true, Activation: network.ReLU}
	return Chain{Flatten{}, hidden, hidden, hidden, Linear{Channels: classes}}
}

// leNet is LeNet-5 (LeCun et al. 1998) in its modern form: two 5×5 convolutions
// of 32 and 64 channels and a hidden layer of 512.
func leNet(w scaler, classes int) Module {
	conv := func(channels int) Module {
		return Conv2D{Channels: w.of(channels), Kernel: 5, Pad: 2, Activation: network.ReLU}
	}
	return Chain{
		conv(32), MaxPool{Size: 2},
		conv(64), MaxPool{Size: 2},
		Flatten{},
		Linear{Channels: w.of(512), Activation: network.ReLU},
		Linear{Channels: classes},
	}
}

// cnv is the small VGG of BinaryNet and FINN (Courbariaux et al. 2016; Umuroglu
// et al. 2017): three pairs of 3×3 convolutions without padding.
func cnv(w scaler, classes int) Module {
	conv := func(channels int) Module {
		return Conv2D{Channels: w.of(channels), Kernel: 3, Activation: network.ReLU}
	}
	hidden := Linear{Channels: w.of(512), Norm: true, Activation: network.ReLU}
	return Chain{
		conv(64), conv(64), MaxPool{Size: 2},
		conv(128), conv(128), MaxPool{Size: 2},
		conv(256), conv(256),
		Flatten{}, hidden, hidden, Linear{Channels: classes},
	}
}

// resNet is the residual network for 32×32 images of 6·blocks + 2 layers (He et
// al. 2016, section 4.2), with 1×1 convolutions where the shape changes.
func resNet(w scaler, blocks, classes int) Module {
	net := Chain{Conv2D{Channels: w.of(16), Kernel: 3, Pad: 1, Activation: network.ReLU}}
	for stage, channels := range []int{16, 32, 64} {
		for b := range blocks {
			stride := 1
			if stage > 0 && b == 0 {
				stride = 2
			}
			net = append(net, Residual{
				Body: Chain{
					Conv2D{Channels: w.of(channels), Kernel: 3, Stride: stride, Pad: 1, Activation: network.ReLU},
					Conv2D{Channels: w.of(channels), Kernel: 3, Pad: 1},
				},
				Activation: network.ReLU,
			})
		}
	}
	return append(net, GlobalAvgPool{}, Linear{Channels: classes})
}

// mobileNet is MobileNet V1 (Howard et al. 2017, table 1) for 32×32 images.
func mobileNet(w scaler, classes int) Module {
	net := Chain{Conv2D{Channels: w.of(32), Kernel: 3, Pad: 1, Activation: network.ReLU}}
	for i, p := range []struct{ channels, stride int }{
		{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2},
		{512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1},
	} {
		net = append(net,
			Conv2D{Name: fmt.Sprintf("depthwise%d", i+1), Kernel: 3, Stride: p.stride, Pad: 1, Depthwise: true, Activation: network.ReLU},
			Conv2D{Name: fmt.Sprintf("pointwise%d", i+1), Channels: w.of(p.channels), Kernel: 1, Activation: network.ReLU},
		)
	}
	return append(net, GlobalAvgPool{}, Linear{Channels: classes})
}

// resNet8 is the image network of MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597): a
// residual block each of 16, 32 and 64 channels, whose shortcuts have no batch
// normalization.
func resNet8(w scaler, classes int) Module {
	net := Chain{Conv2D{Channels: w.of(16), Kernel: 3, Pad: 1, Activation: network.ReLU}}
	for stage, channels := range []int{16, 32, 64} {
		block := Residual{Activation: network.ReLU}
		stride := 1
		if stage > 0 {
			stride = 2
			block.Shortcut = Conv2D{Channels: w.of(channels), Kernel: 1, Stride: stride, NoNorm: true}
		}
		block.Body = Chain{
			Conv2D{Channels: w.of(channels), Kernel: 3, Stride: stride, Same: true, Activation: network.ReLU},
			Conv2D{Channels: w.of(channels), Kernel: 3, Pad: 1},
		}
		net = append(net, block)
	}
	return append(net, GlobalAvgPool{}, Linear{Channels: classes})
}

// dsCNN is the keyword-spotting network of MLPerf Tiny (Banbury et al. 2021; Zhang et
// al. 2017, arXiv:1711.07128), for 49 frames of 10 features: a convolution of 10×4 taps
// and four depthwise-separable blocks, all of 64 channels.
func dsCNN(w scaler, classes int) Module {
	first := geometry.Window{Kernel: [2]int{10, 4}, Stride: [2]int{2, 2}}
	net := Chain{Conv2D{Channels: w.of(64), Window: first, Same: true, Activation: network.ReLU}}
	for i := range 4 {
		net = append(net,
			Conv2D{Name: fmt.Sprintf("depthwise%d", i+1), Kernel: 3, Pad: 1, Depthwise: true, Activation: network.ReLU},
			Conv2D{Name: fmt.Sprintf("pointwise%d", i+1), Channels: w.of(64), Kernel: 1, Activation: network.ReLU},
		)
	}
	return append(net, GlobalAvgPool{}, Linear{Channels: classes})
}
