// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An entry is one tensor of a header.
type entry struct {
	name, dtype string
	shape       []int
	begin, end  uint64
}

// A header is a parsed header; its strings are parts of the text.
type header struct {
	metadata []Metadata
	entries  []entry
}

// parseHeader parses the strict JSON of a header. It is written out rather than left to encoding/json to refuse
// repeated names, to keep the order of the metadata, and to hold no more than the entries while it does not trust
// the text.
func parseHeader(text string) (*header, error) {
	p := &parser{text: text}
	h := &header{}
	metadata := false
	p.object(func(name string) {
		switch {
		case name == "":
			p.fail("a tensor without a name")
		case name != metadataKey && len(h.entries) == maxEntries:
			p.fail("too many tensors")
		case name != metadataKey:
			h.entries = append(h.entries, p.entry(name))
		case metadata:
			p.fail("metadata there twice")
		default:
			metadata = true
			p.object(func(key string) {
				if len(h.metadata) == maxEntries {
					p.fail("too many metadata entries")
				}
				h.metadata = append(h.metadata, Metadata{key, p.string()})
			})
		}
	})
	p.space()
	if p.at < len(text) {
		p.fail("more text after the header's end")
	}
	if p.err != nil {
		return nil, p.err
	}
	names := make([]string, 0, max(len(h.entries), len(h.metadata)))
	for _, e := range h.entries {
		names = append(names, e.name)
	}
	if name, ok := repeated(names); ok {
		return nil, fmt.Errorf("safetensors: tensor %.80q is there twice", name)
	}
	names = names[:0]
	for _, m := range h.metadata {
		names = append(names, m.Key)
	}
	if key, ok := repeated(names); ok {
		return nil, fmt.Errorf("safetensors: metadata %.80q is there twice", key)
	}
	return h, nil
}

func repeated(names []string) (string, bool) {
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return names[i], true
		}
	}
	return "", false
}

// A parser walks over JSON text. After the first error, all its methods do nothing.
type parser struct {
	text string
	at   int
	err  error
}

func (p *parser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("safetensors: header, byte %d: %s", p.at, what)
	}
	p.at = len(p.text)
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// accept skips the character c if it is the next one.
func (p *parser) accept(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(c byte) {
	if !p.accept(c) {
		p.fail(fmt.Sprintf("%q expected", c))
	}
}

// object parses {"key": …}; each parses the value of one key.
func (p *parser) object(each func(key string)) {
	p.expect('{')
	for first := true; p.err == nil && !p.accept('}'); first = false {
		if !first {
			p.expect(',')
		}
		key := p.string()
		p.expect(':')
		if p.err == nil {
			each(key)
		}
	}
}

// array parses [ … ]; each parses one value.
func (p *parser) array(each func()) {
	p.expect('[')
	for first := true; p.err == nil && !p.accept(']'); first = false {
		if !first {
			p.expect(',')
		}
		each()
	}
}

func (p *parser) entry(name string) entry {
	e := entry{name: name}
	keys := []string{"dtype", "shape", "data_offsets"} // in any order, each once
	p.object(func(key string) {
		i := slices.Index(keys, key)
		if i < 0 {
			p.fail(fmt.Sprintf("key %.80q unknown or there twice", key))
			return
		}
		keys = slices.Delete(keys, i, i+1)
		switch key {
		case "dtype":
			e.dtype = p.string()
		case "shape":
			p.array(func() {
				n := p.number()
				if n > min(maxBytes, uint64(maxInt)) || len(e.shape) == maxRank {
					p.fail("a shape with too large or too many sizes")
				}
				e.shape = append(e.shape, int(n))
			})
		case "data_offsets":
			var offsets []uint64
			p.array(func() {
				if len(offsets) == 2 {
					p.fail("more than two offsets")
				}
				offsets = append(offsets, p.number())
			})
			if len(offsets) != 2 {
				p.fail("two offsets expected")
				return
			}
			e.begin, e.end = offsets[0], offsets[1]
		}
	})
	if len(keys) > 0 {
		p.fail(fmt.Sprintf("tensor %.80q lacks %q", name, keys))
	}
	return e
}

// number parses a whole number without a sign.
func (p *parser) number() uint64 {
	p.space()
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	digits := p.text[start:p.at]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(digits) > 1 && digits[0] == '0' {
		p.fail("a whole number expected")
		return 0
	}
	return n
}

func (p *parser) string() string {
	p.space()
	start, escaped := p.at, false
	p.expect('"')
	for p.err == nil {
		end := strings.IndexAny(p.text[p.at:], "\"\\")
		if end < 0 {
			p.fail("a string without an end")
			break
		}
		p.at += end + 1
		if p.text[p.at-1] == '"' {
			break
		}
		escaped = true
		p.at++ // the escaped character; Unescape checks it
		if p.at > len(p.text) {
			p.fail("a string without an end")
		}
	}
	if p.err != nil {
		return ""
	}
	s, ok := p.text[start+1:p.at-1], true
	if !utf8.ValidString(s) {
		p.fail("a string that is not valid UTF-8")
		return ""
	}
	if escaped {
		s, ok = Unescape(s)
	}
	if !ok || strings.IndexFunc(p.text[start:p.at], func(r rune) bool { return r < ' ' }) >= 0 {
		p.fail("a malformed string")
		return ""
	}
	return s
}
