// SPDX-License-Identifier: Apache-2.0

//go:build long

package main

// randomRecipes are how many recipes TestRandomRecipes trains to a verified model.
const randomRecipes = 200
