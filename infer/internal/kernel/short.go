// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math/bits"

	"github.com/goqat/goqat/fixed"
)

// A Short makes codes of few bits of the sums of a channel in words of 16 bits, where that is proved to be what the requantizer
// makes of them:
//
//	code = clamp(cut(cut(sum + Before)·Multiplier >> 16 + After) >> Shift, 0, Hi)
//
// Shifts round down, and cut takes what is beyond int16 for the nearest int16. Sums can be cut before Before is added, too.
//
// It is exact because both sides are monotonic in the sum and have few steps: they agree for all sums if they agree on both sides of
// every step. The product cut to its upper half is no loss: with a whole Before and After, (sum + Before)·Multiplier + After·2^16
// is sum·Multiplier + constant for nearly any constant, and it is rounded down but once.
type Short struct {
	Before, Multiplier, After int16
	Shift                     uint8
}

// mostShort is the greatest code of a Short. Of more steps, some lie so that no multiplier of 15 bits has them all.
const mostShort = 15

// Shorts returns the short forms of all channels for sums that lack start, for each channel, and nil if one has none: it is for one
// accumulator whose steps are sums of 16 bits, and codes of at most 4 bits.
func (e *Epilogue) Shorts(start []int32) []Short {
	r := e.R
	if r == nil || e.ByImage() || len(e.Terms) != 1 || e.Terms[0].Codes || r.Lo != 0 || r.Hi < 1 || r.Hi > mostShort {
		return nil
	}
	list := make([]Short, e.Channels)
	for c := range list {
		s := steps{r: r, channel: c, start: int64(start[c])}
		s.reach = 1<<(e.Terms[0].Width()-1) + max(s.start, -s.start)
		if !s.find() || !s.short(&list[c]) {
			return nil
		}
	}
	return list
}

// steps are those of a channel's codes as sums grow, or fall where the multiplier is negative.
type steps struct {
	r           *fixed.Requantizer
	channel     int
	start       int64            // of accumulators, which sums lack
	reach       int64            // of |sum|
	least, most int64            // the codes of sums in reach
	at          [mostShort]int64 // the first sum, times the sign of the multiplier, of least + 1 and each code up to most
}

// multiplier returns that of the channel, and its sign.
func (s *steps) multiplier() (m, sign int64) {
	if m = s.r.M[0][s.channel]; m < 0 {
		return -m, -1
	}
	return m, 1
}

// code returns the code of a sum.
func (s *steps) code(sum int64) int64 { return int64(s.r.Apply(s.channel, sum+s.start)) }

// find finds the steps, and says whether all are sums of 16 bits, and the sums before them.
func (s *steps) find() bool {
	const most = 1<<15 - 1
	m, sign := s.multiplier()
	shift, constant := s.r.Shift[s.channel], s.r.Constant(s.channel)
	_, fits := fixed.SumBound([]int64{m}, []int64{s.reach + max(s.start, -s.start)}, constant)
	if !fits || shift < 1 || shift > 52 { // a step is a number of 62 bits
		return false
	}
	constant += s.start * sign * m
	s.least, s.most = s.code(-sign*s.reach), s.code(sign*s.reach)
	for i := range s.most - s.least {
		rounded := s.least + 1 + i - int64(s.r.Zero)
		at, _ := Interval(m, (2*rounded-1)<<(shift-1)+rounded&1-constant) // ties go to the even number
		if s.at[i] = at; at > most || at <= -most {
			return false
		}
	}
	return true
}

// short looks for a short form. The multiplier has as many bits as it can, and is the nearest to that of the requantizer with which a
// constant has all steps, or one close to it.
func (s *steps) short(to *Short) bool {
	if s.least == s.most {
		*to = Short{After: int16(s.most)}
		return s.proves(to)
	}
	m, sign := s.multiplier()
	for shift := 15 - bits.Len32(uint32(s.r.Hi)); shift >= 0; shift-- {
		up := 16 + shift - int(s.r.Shift[s.channel])
		if bits.Len64(uint64(m))+up > 15 {
			continue
		}
		near := m << max(0, up)
		if up < 0 {
			near = fixed.RoundShift(m, uint8(-up))
		}
		for _, more := range [...]int64{0, 1, -1, 2, -2} {
			if n := near + more; n > 0 && n < 1<<15 && s.constants(to, n, sign, shift) {
				return true
			}
		}
		return false
	}
	return false
}

// constants looks for a form with a multiplier.
func (s *steps) constants(to *Short, m, sign int64, shift int) bool {
	const tries = 1 << 11
	least, most := int64(-1<<62), int64(1<<62) // the constants that have all steps
	for i, at := range s.at[:s.most-s.least] {
		step := (s.least + 1 + int64(i)) << (16 + shift)
		least, most = max(least, step-at*m), min(most, step-(at-1)*m-1)
	}
	for before := int64(0); least <= most && before < tries; before = -before {
		after := -((before*m - least) >> 16) // rounded up
		if after<<16+before*m <= most && after == int64(int16(after)) {
			*to = Short{int16(sign * before), int16(sign * m), int16(after), uint8(shift)}
			return s.proves(to)
		}
		if before <= 0 {
			before--
		}
	}
	return false
}

// proves says whether a form makes the codes of all sums in reach.
func (s *steps) proves(to *Short) bool {
	_, sign := s.multiplier()
	agree := func(sum int64) bool { return to.Code(sign*sum, s.r.Hi) == s.code(sign*sum) }
	if !agree(-s.reach) || !agree(s.reach) {
		return false
	}
	for i, at := range s.at[:s.most-s.least] {
		step := s.least + 1 + int64(i)
		if s.code(sign*at) < step || s.code(sign*(at-1)) >= step || !agree(at) || !agree(at-1) {
			return false
		}
	}
	return true
}

// Code returns the code of a sum, at most hi.
func (s *Short) Code(sum int64, hi int32) int64 {
	cut := fixed.Clamp(sum+int64(s.Before), -1<<15, 1<<15-1)
	y := fixed.Clamp(int64(cut)*int64(s.Multiplier)>>16+int64(s.After), -1<<15, 1<<15-1)
	return int64(fixed.Clamp(int64(y>>s.Shift), 0, hi))
}
