#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Bochs 3.0 (Debian 13) emulates a Sapphire Rapids with AMX. Two things in it are not those of
# the processor: TDPBUSD multiplies by signed bytes as if they had no sign, so that (1, 2, 3, 4) · (-1, -2, -3, 5) is 1542 and
# not 6, and XSAVE writes a tile's rows where its bytes a row belong and the other way round, so that a program's tiles have another
# shape after each switch of context. Products of codes by weights that are never negative, and tiles as high as they are wide in bytes,
# show neither. What it means for goqat: kernels for AMX are proved on Bochs with both mended (bench/emulated.sh).
#
# Needs Debian's apt-get and dpkg, binutils, and script (bsdutils); a boot sector runs the instructions.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
root="$work/root" system="$work/system"
mkdir -p "$root"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} "$root"/var/{lib/apt/lists/partial,lib/dpkg,cache/apt/archives/partial}
: >"$root/var/lib/dpkg/status"
mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1)"
echo "deb [trusted=yes] $mirror trixie main" >"$root/etc/apt/sources.list"
apt=(apt-get -qq -o Dir="$root" -o Dir::State::status="$root/var/lib/dpkg/status" -o APT::Architecture=amd64 -o APT::Install-Recommends=false -o APT::Sandbox::User=root)
"${apt[@]}" update 2>"$work/warnings"
"${apt[@]}" install -y --download-only bochs=3.0+dfsg-1 bochs-term=3.0+dfsg-1
for package in "$root"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$system"; done

cat >"$work/boot.s" <<'ASSEMBLY'
	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw $0x1000, %di          # three tables of pages, the first 2 MiB in place
	movw $0x3000, %cx
	rep stosb
	movw $0x2003, 0x1000
	movw $0x3003, 0x2000
	movw $0x0083, 0x3000
	movl $0x40220, %eax        # PAE, OSFXSR, OSXSAVE
	movl %eax, %cr4
	movl $0x1000, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx     # long mode
	movl $0x100, %eax
	xorl %edx, %edx
	wrmsr
	lgdtl table
	movl $0x80000011, %eax
	movl %eax, %cr0
	ljmpl $8, $long
	.code64
long:
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $0x60003, %eax        # x87, SSE, shapes and numbers of tiles
	xsetbv
	ldtilecfg shapes
	movl $16, %ebx
	movl $bytes, %esi
	tileloadd (%rsi,%rbx,1), %tmm1
	movl $signed, %esi
	tileloadd (%rsi,%rbx,1), %tmm2
	tilezero %tmm0
	tdpbusd %tmm2, %tmm1, %tmm0
	movl $0x9000, %esi
	tilestored %tmm0, (%rsi,%rbx,1)
	movl $0x60000, %eax
	xorl %edx, %edx
	xsave 0x10000              # the shapes are 2752 bytes on
	movl 0x9000, %eax
	call print
	movzwl 0x10ad6, %eax       # bytes a row of tile 3
	call print
	movzbl 0x10af3, %eax       # rows of tile 3
	call print
	movl $word, %esi
	movw $0x8900, %dx          # ends Bochs
	movl $8, %ecx
	rep outsb
	hlt
print:                             # eax, in eight digits of base 16, to the console of Bochs
	movl $8, %ecx
1:	roll $4, %eax
	movl %eax, %edi
	andl $15, %eax
	cmpb $10, %al
	jb 2f
	addb $39, %al
2:	addb $48, %al
	outb %al, $0xe9
	movl %edi, %eax
	loop 1b
	movb $32, %al
	outb %al, $0xe9
	ret
word:	.ascii "Shutdown"
	.balign 8
gdt:	.quad 0, 0x00209a0000000000
table:	.word 15
	.long gdt
	.balign 16
bytes:	.byte 1, 2, 3, 4
signed:	.byte -1, -2, -3, 5
	.balign 16
shapes:	.byte 1, 0                 # tiles 0, 1 and 2: one row of 4 bytes; tile 3: two rows of 12
	.fill 14, 1, 0
	.word 4, 4, 4, 12
	.fill 24, 1, 0
	.byte 1, 1, 1, 2
	.fill 12, 1, 0
	.org 510
	.word 0xaa55
ASSEMBLY
as -o "$work/boot.o" "$work/boot.s"
ld -Ttext 0x7c00 --oformat binary -o "$work/floppy" "$work/boot.o"
truncate -s 1474560 "$work/floppy"
cat >"$work/bochsrc" <<END
cpu: model=sapphire_rapids, ips=50000000
memory: guest=32, host=32
romimage: file=$system/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$system/usr/share/vgabios/vgabios.bin
floppya: 1_44=$work/floppy, status=inserted
boot: floppy
port_e9_hack: enabled=1
display_library: term
log: $work/log
panic: action=fatal
clock: sync=none
plugin_ctrl: unmapped=1, speaker=0
END
libraries="$system/usr/lib/x86_64-linux-gnu"
export LTDL_LIBRARY_PATH="$libraries/bochs/plugins" BXSHARE="$system/usr/share/bochs" TERM=xterm
# The program ends by a shutdown, which counts as an error.
timeout 300 script -qefc "$system/usr/lib64/ld-linux-x86-64.so.2 --library-path $libraries:$libraries/pulseaudio $system/usr/bin/bochs-bin -q -f $work/bochsrc" "$work/console" </dev/null >"$work/screen" || true
read -r product bytes rows < <(tr -d '\r' <"$work/console" | grep -aoE '([0-9a-f]{8} ){3}')
echo "$(grep -aoE 'Bochs x86 Emulator [0-9.]+' "$work/console" | head -n 1): the product of a row is $((16#$product)), where the processor has 6"
echo "tile 3 of two rows of 12 bytes is saved as $((16#$rows)) rows of $((16#$bytes)) bytes"
[[ $((16#$product)) == 1542 && $((16#$rows)) == 12 && $((16#$bytes)) == 2 ]]
