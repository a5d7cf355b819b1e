// SPDX-License-Identifier: Apache-2.0

//go:build long

package pipeline_test

// goldenAll says whether TestGoldenModels trains all models, or only lenet.
const goldenAll = true
