// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

func (g *Gate) vectorSums(sum, dot []float64, src, add, dy []float32) {
	n := len(g.Scale)
	shift := g.Shift[:n]
	var s [2][wideColumns]float32
	for c, wide := 0, 0; c < n; c += wide {
		wide = wideOf(n, c)
		for at, step := c, sumStep(n); at < len(dy); at += step {
			rows := min(step, len(dy)-at+c) / n
			if tier >= AVX512 && n%tileCols == 0 {
				gateSumsAVX512(&sum[c], &dot[c], &s, &src[at], &dy[at], place(add, at), &g.Scale[c], &shift[c], rows, n, wide, g.Least, g.Most)
			} else {
				gateSumsAVX2(&sum[c], &dot[c], &s, &src[at], &dy[at], place(add, at), &g.Scale[c], &shift[c], rows, n, wide, g.Least, g.Most)
			}
		}
	}
}

func (g *Gate) vectorStore(s *[3][sumLanes]float64, dst, src, add, dy []float32) {
	n := len(g.Scale)
	shift := g.Shift[:n]
	for at, step := 0, callRows(n)*n; at < len(dst); at += step {
		rows := min(step, len(dst)-at) / n
		if tier >= AVX512 && n%tileCols == 0 {
			gateStoreAVX512(&dst[at], &src[at], &dy[at], place(add, at), &g.Scale[0], &shift[0], rows, n, g.Least, g.Most, g.Step, s)
		} else {
			gateStoreAVX2(&dst[at], &src[at], &dy[at], place(add, at), &g.Scale[0], &shift[0], rows, n, g.Least, g.Most, g.Step, s)
		}
	}
}

// place returns where element i of s is, nil if there is no s.
func place(s []float32, i int) *float32 {
	if s == nil {
		return nil
	}
	return &s[i]
}
