// SPDX-License-Identifier: Apache-2.0

package recipe

import "github.com/goqat/goqat/qat/settings"

// Default returns the quick start: a quarter-width LeNet on the embedded
// images, to 4-bit weights and activations with PACT.
func Default() *Recipe {
	return &Recipe{
		Model: Model{Name: "lenet", Width: 0.25},
		Data:  Data{Name: "fashion-sample", Resize: "stretch", Augment: Augment{Crop: Length{Percent: 4}}},
		Batch: 64, Shards: 1,
		Seed: 1,
		Float: Phase{
			Epochs:    24,
			Optimizer: "sgd",
			LR:        0.05,
			Momentum:  0.9,
			Nesterov:  true,
			Schedule:  "cosine",
			Warmup:    0.5,
			Decay:     5e-4,
		},
		QAT: QAT{
			Phase: Phase{
				Epochs:    6,
				Optimizer: "sgd",
				LR:        0.003,
				Momentum:  0.9,
				Nesterov:  true,
				Schedule:  "cosine",
				Decay:     5e-4,
			},
			Method:          "pact",
			FirstLast:       "8",
			Residuals:       "narrow",
			ClipDecay:       5e-4,
			Granularity:     "per_channel",
			Ranges:          "offline",
			Observer:        "moving_average",
			ObserverFreeze:  0.5,
			BatchNormFreeze: 2,
			Scales:          "float",
			Bias:            "free",
			Packing:         "aligned",
			All:             settings.Default(),
		},
		Transfer: Transfer{Head: "none", BodyRate: 1},
		Loss:     "cross_entropy",
		Best:     "auto",
		Teacher:  Teacher{Temperature: 1, Weight: 0.5},
	}
}
