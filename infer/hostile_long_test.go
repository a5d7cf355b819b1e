// SPDX-License-Identifier: Apache-2.0

//go:build long

package infer

// mutations are how many models the tests of hostile ones change.
const mutations = 20000
