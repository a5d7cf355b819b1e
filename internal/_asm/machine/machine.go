// SPDX-License-Identifier: Apache-2.0

// Package machine runs generated functions, so that tests know on every processor what they compute.
package machine

import (
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// A Machine runs functions of assembly files. It has the instructions that products and finishers use, as Intel's manual
// defines them, and faults where memory is touched that nobody gave it.
type Machine struct {
	functions map[string]*function
	z         [32][64]byte
	k         [8]uint64
	r         [16]uint64
	tiles     tiles
	zero      bool // flags: of the last result, or of a comparison
	less      bool
	memory    []segment
	next      uint64
	globals   map[string]uint64
	lent      int // segments that belong to the files
}

type segment struct {
	at    uint64
	bytes []byte
}

type function struct {
	code   []instruction
	labels map[string]int
	frame  int
}

type instruction struct {
	op   string
	args []operand
	text string
	ran  bool
}

// An operand is an immediate, a register or a place in memory.
type operand struct {
	kind         byte // i, r, b (a byte of a general register), v, k, t, m, f (an argument), s (of the frame), g (a global) or l (a label)
	value        int  // immediate, number of a register, displacement
	base, index  int  // registers, -1 for none
	scale, width int  // of the index; of a vector
	name         string
}

var general = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SP": 4, "BP": 5, "SI": 6, "DI": 7, "R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15}

var (
	textLine   = regexp.MustCompile(`^TEXT ·(\w+)\(SB\), NOSPLIT, \$(\d+)`)
	dataLine   = regexp.MustCompile(`^DATA (\w+)<>\+(\d+)\(SB\)/4, \$0x([0-9a-f]+)`)
	memoryText = regexp.MustCompile(`^(-?\d+)?\((\w+)\)(?:\((\w+)\*(\d)\))?$`)
	localText  = regexp.MustCompile(`^[a-zA-Z]\w*-(\d+)\(SP\)$`)
	argument   = regexp.MustCompile(`^\w+\+(\d+)\(FP\)$`)
	global     = regexp.MustCompile(`^(\w+)<>\+(\d+)\(SB\)$`)
)

// New returns a machine with the functions of generated files.
func New(names ...string) (*Machine, error) {
	m := &Machine{functions: map[string]*function{}, globals: map[string]uint64{}, next: 1 << 20}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := m.parse(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	m.lent = len(m.memory)
	return m, nil
}

// Missed returns the instructions of a function that no Run came to.
func (m *Machine) Missed(name string) (list []string) {
	for n, i := range m.functions[name].code {
		if !i.ran {
			list = append(list, fmt.Sprintf("%d, %s", n, strings.TrimSpace(i.text)))
		}
	}
	return list
}

func (m *Machine) parse(text string) error {
	var f *function
	globals := map[string][]byte{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if t := textLine.FindStringSubmatch(line); t != nil {
			f = &function{labels: map[string]int{}}
			f.frame, _ = strconv.Atoi(t[2])
			m.functions[t[1]] = f
			continue
		}
		if d := dataLine.FindStringSubmatch(line); d != nil {
			v, _ := strconv.ParseUint(d[3], 16, 32)
			globals[d[1]] = binary.LittleEndian.AppendUint32(globals[d[1]], uint32(v))
			continue
		}
		if label, ok := strings.CutSuffix(line, ":"); ok && f != nil {
			f.labels[label] = len(f.code)
			continue
		}
		if f == nil || !strings.HasPrefix(line, "\t") {
			continue
		}
		i, err := parseInstruction(line)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		f.code = append(f.code, i)
	}
	for name, bytes := range globals {
		m.globals[name] = m.Give(bytes)
	}
	return nil
}

func parseInstruction(line string) (instruction, error) {
	op, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if op == "LONG" {
		return parseBytes(line)
	}
	i := instruction{op: op, text: line}
	if rest = strings.TrimSpace(rest); rest != "" {
		for a := range strings.SplitSeq(rest, ", ") {
			o, err := parseOperand(a)
			if err != nil {
				return i, err
			}
			i.args = append(i.args, o)
		}
	}
	return i, nil
}

func parseOperand(s string) (operand, error) {
	o := operand{base: -1, index: -1, name: s}
	if r, ok := general[s]; ok {
		o.kind, o.value = 'r', r
		return o, nil
	}
	if v, ok := strings.CutPrefix(s, "$"); ok {
		n, err := strconv.ParseInt(v, 0, 64)
		o.kind, o.value = 'i', int(n)
		return o, err
	}
	if a := argument.FindStringSubmatch(s); a != nil {
		o.kind = 'f'
		o.value, _ = strconv.Atoi(a[1])
		return o, nil
	}
	if l := localText.FindStringSubmatch(s); l != nil { // below the end of the frame
		o.kind = 's'
		o.value, _ = strconv.Atoi("-" + l[1])
		return o, nil
	}
	if g := global.FindStringSubmatch(s); g != nil {
		o.kind, o.name = 'g', g[1]
		o.value, _ = strconv.Atoi(g[2])
		return o, nil
	}
	if a := memoryText.FindStringSubmatch(s); a != nil {
		o.kind = 'm'
		o.value, _ = strconv.Atoi(a[1])
		if o.base = general[a[2]]; a[2] == "SP" {
			o.kind = 's'
		}
		if a[3] != "" {
			o.index = general[a[3]]
			o.scale, _ = strconv.Atoi(a[4])
		}
		return o, nil
	}
	if n, err := strconv.Atoi(s[1:]); err == nil && strings.ContainsRune("XYZK", rune(s[0])) {
		o.kind, o.value, o.width = 'v', n, map[byte]int{'X': 16, 'Y': 32, 'Z': 64}[s[0]]
		if s[0] == 'K' {
			o.kind = 'k'
		}
		return o, nil
	}
	if r, ok := general[strings.TrimSuffix(s, "B")]; ok && s != "" {
		o.kind, o.value = 'b', r
		return o, nil
	}
	if r, ok := general[strings.TrimSuffix(s, "L")+"X"]; ok && len(s) == 2 {
		o.kind, o.value = 'b', r
		return o, nil
	}
	o.kind = 'l'
	return o, nil
}

// Give lends memory to the machine and returns its address, a multiple of 4096.
func (m *Machine) Give(bytes []byte) uint64 {
	at := m.next
	m.memory = append(m.memory, segment{at, bytes})
	m.next += uint64(len(bytes)+4095) &^ 4095
	m.next += 1 << 16
	return at
}

// Give32 lends the machine numbers.
func (m *Machine) Give32(values []int32) uint64 {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return m.Give(b)
}

// Reset takes back all memory that was lent.
func (m *Machine) Reset() { m.memory = m.memory[:m.lent] }

// at returns n bytes of memory.
func (m *Machine) at(address uint64, n int) []byte {
	for _, s := range m.memory {
		if offset := address - s.at; address >= s.at && offset+uint64(n) <= uint64(len(s.bytes)) {
			return s.bytes[offset:][:n]
		}
	}
	panic(fmt.Sprintf("touches %d bytes of nobody at %#x", n, address))
}

// A call is a function under way.
type call struct {
	f           *function
	next        int
	args, frame uint64
}

// Run runs a function with arguments of 8 bytes each.
func (m *Machine) Run(name string, args ...uint64) (err error) {
	var i *instruction
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %s: %v", name, i.text, p)
		}
	}()
	var list []byte
	for _, a := range args {
		list = binary.LittleEndian.AppendUint64(list, a)
	}
	c := &call{f: m.functions[name], args: m.Give(list)}
	c.frame = m.Give(make([]byte, c.f.frame))
	for n := range m.r {
		m.r[n] = 0xdeadbeef0000 + uint64(n) // nothing is known of registers
	}
	var callers []*call
	for steps := 0; ; steps++ {
		if steps > 1<<22 {
			panic("does not end")
		}
		i = &c.f.code[c.next]
		i.ran = true
		c.next++
		switch {
		case i.op == "CALL":
			callee, _, _ := strings.Cut(strings.TrimPrefix(i.args[0].name, "·"), "(")
			callers = append(callers, c)
			c = &call{f: m.functions[callee]}
		case i.op == "RET" && len(callers) == 0:
			if m.tiles.configured {
				panic("keeps the tiles")
			}
			return nil
		case i.op == "RET":
			c, callers = callers[len(callers)-1], callers[:len(callers)-1]
		case i.op[0] == 'J':
			if m.jumps(i.op) {
				c.next = c.f.labels[i.args[0].name]
			}
		default:
			m.execute(i, c)
		}
	}
}

func (m *Machine) jumps(op string) bool {
	switch op {
	case "JMP":
		return true
	case "JE", "JZ", "JEQ":
		return m.zero
	case "JNZ", "JNE":
		return !m.zero
	case "JLT":
		return m.less
	case "JGE":
		return !m.less
	case "JLE":
		return m.less || m.zero
	case "JGT":
		return !m.less && !m.zero
	}
	panic("is not known")
}

// address returns where an operand is in memory.
func (m *Machine) address(o *operand, c *call) uint64 {
	switch o.kind {
	case 'f':
		return c.args + uint64(o.value)
	case 's':
		if o.value < 0 {
			return c.frame + uint64(c.f.frame+o.value)
		}
		return c.frame + uint64(o.value)
	case 'g':
		return m.globals[o.name] + uint64(o.value)
	}
	a := m.r[o.base] + uint64(o.value)
	if o.index >= 0 {
		a += m.r[o.index] * uint64(o.scale)
	}
	return a
}

// bytes returns n bytes of an operand to read or write, of a register or of memory.
func (m *Machine) bytes(o *operand, c *call, n int) []byte {
	if o.kind == 'v' {
		return m.z[o.value][:n]
	}
	return m.at(m.address(o, c), n)
}

// number returns the 64 bits of an operand.
func (m *Machine) number(o *operand, c *call) uint64 {
	switch o.kind {
	case 'i':
		return uint64(o.value)
	case 'r':
		return m.r[o.value]
	case 'b':
		return m.r[o.value] & 0xff
	case 'k':
		return m.k[o.value]
	}
	return binary.LittleEndian.Uint64(m.at(m.address(o, c), 8))
}

// set sets the 64 bits of an operand.
func (m *Machine) set(o *operand, c *call, v uint64) {
	switch o.kind {
	case 'r':
		m.r[o.value] = v
	case 'b':
		m.r[o.value] = m.r[o.value]&^0xff | v&0xff
	case 'k':
		m.k[o.value] = v
	default:
		binary.LittleEndian.PutUint64(m.at(m.address(o, c), 8), v)
	}
}

// execute executes an instruction that does not jump.
func (m *Machine) execute(i *instruction, c *call) {
	switch {
	case i.op[0] == 'V':
		m.vector(i, c)
		return
	case len(i.op) > 2 && i.op[0] == 'T' && i.op != "TESTQ" && i.op != "TESTB", i.op == "LDTILECFG":
		m.tile(i, c)
		return
	}
	last := &i.args[len(i.args)-1]
	a := func(n int) uint64 { return m.number(&i.args[n], c) }
	result := func(v uint64) {
		m.set(last, c, v)
		m.zero, m.less = v == 0, int64(v) < 0
	}
	switch i.op {
	case "MOVQ", "MOVL", "KMOVQ":
		m.set(last, c, a(0))
	case "KMOVW":
		m.set(last, c, a(0)&0xffff)
	case "MOVB":
		m.set(last, c, uint64(m.at(m.address(&i.args[0], c), 1)[0]))
	case "MOVLQSX":
		m.set(last, c, uint64(int32(binary.LittleEndian.Uint32(m.at(m.address(&i.args[0], c), 4)))))
	case "LEAQ":
		m.set(last, c, m.address(&i.args[0], c))
	case "ADDQ":
		result(a(1) + a(0))
	case "SUBQ":
		result(a(1) - a(0))
	case "DECQ":
		result(a(0) - 1)
	case "SHLQ":
		result(a(1) << a(0))
	case "XORQ", "XORL":
		result(a(0) ^ a(1))
	case "IMUL3Q":
		m.set(last, c, a(0)*a(1))
	case "TESTQ", "TESTB":
		m.zero = a(0)&a(1) == 0
	case "CMPQ":
		m.zero, m.less = a(0) == a(1), int64(a(0)) < int64(a(1))
	case "BZHIQ":
		result(a(1) & (1<<(a(0)&0xff) - 1))
	case "PREFETCHT0": // of any address
	case "KUNPCKWD": // the first source is the low half
		m.set(last, c, a(1)&0xffff<<16|a(0)&0xffff)
	case "KUNPCKDQ":
		m.set(last, c, a(1)<<32|a(0)&0xffffffff)
	case "KORTESTW":
		m.zero = (a(0)|a(1))&0xffff == 0
	default:
		panic("is not known")
	}
}
