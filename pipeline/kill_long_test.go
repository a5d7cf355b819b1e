// SPDX-License-Identifier: Apache-2.0

//go:build unix && long

package pipeline_test

// killMoments is the number of kills of TestKill.
const killMoments = 20
