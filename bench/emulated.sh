#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Proves the kernels of AVX-512, VNNI and AMX on a machine that lacks them, by their tests on an emulated Sapphire Rapids:
#
#   bench/emulated.sh BOCHS TESTS [FLAG...]
#
# BOCHS is a folder with the source of Bochs (github.com/bochs-emu/Bochs, folder bochs, at commit 783b58f), TESTS a package such as
# ./infer/internal/kernel/amx, and flags are those of its test program, such as -test.v -test.run Layers. A copy of Bochs is
# mended where it computes something else than the processor (findings/bochs-amx.sh shows two such places) and gains XFD,
# without which Linux refuses tiles. It boots Debian's Linux and runs the tests there. KEEP names a folder that keeps the
# emulator; LIMIT (3600) seconds end it. Nothing here says how fast a kernel is: an instruction takes some hundred times
# as long, and seconds of the emulated clock take minutes, so that GOQAT_HAMMER is 100ms where it is not set.
#
# Needs Go, a C++ compiler, make, xorriso, cpio, and Debian's apt-get and dpkg; takes five minutes, and a minute once KEEP has the emulator.
set -Eeuo pipefail
case "${1:-}" in -h | --help)
  sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
  exit
  ;;
esac
[[ $# -ge 2 ]] || { echo 'emulated.sh: want BOCHS TESTS [FLAG...]; --help says more' >&2; exit 1; }
source="$(realpath "$1")" tests="$2"
shift 2
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
keep="${KEEP:-$work}"
mkdir -p "$keep"
keep="$(realpath "$keep")"

# mend FILE FROM TO replaces a text in a file of Bochs, everywhere, and fails where there is none.
mend() {
  FROM="$2" TO="$3" perl -0777 -pi -e 's/\Q$ENV{FROM}\E/$ENV{TO}/g and $found = 1; END { die "Bochs has changed: no $ENV{FROM} in $ARGV\n" unless $found }' "$keep/bochs/cpu/$1"
}

# emulator builds Bochs.
emulator() {
  rm -rf "$keep/bochs"
  cp -r "$source" "$keep/bochs"
  mend avx/amx.cc 'Bit32s(xbyte' 'Bit32s((Bit8s)xbyte' # signed bytes have a sign
  mend avx/amx.cc 'Bit32s(ybyte' 'Bit32s((Bit8s)ybyte'
  mend xsave.cc 'vmm16u(8+n)    = BX_CPU_THIS_PTR amx->tilecfg[n].rows' 'vmm16u(8+n) = BX_CPU_THIS_PTR amx->tilecfg[n].bytes_per_row'
  mend xsave.cc 'vmmubyte(48+n) = BX_CPU_THIS_PTR amx->tilecfg[n].bytes_per_row' 'vmmubyte(48+n) = BX_CPU_THIS_PTR amx->tilecfg[n].rows'
  mend xsave.cc 'row < BX_TILE_REGISTERS' 'row < BX_TILE_MAX_ROWS' # tiles have 16 rows
  mend xsave.cc 'tile_use_tracker == 0' 'tile_use_tracker != 0'    # in use where a tile is not zero
  # XFD: two registers, what the processor says of them, and a trap at instructions of tiles.
  mend msr.cc '#define LOG_THIS' $'extern Bit64u xfd, xfd_err;\n#define LOG_THIS'
  mend msr.cc 'msr_desc[BX_MSR_XSS] =' $'msr_desc[0x1c4] = new MSR_Descriptor("XFD", BX_ISA_XSAVES);\n  msr_desc[0x1c5] = new MSR_Descriptor("XFD_ERR", BX_ISA_XSAVES);\n  msr_desc[BX_MSR_XSS] ='
  mend msr.cc $'case BX_MSR_XSS:\n      val64' $'case 0x1c4: val64 = xfd; break;\n    case 0x1c5: val64 = xfd_err; break;\n    case BX_MSR_XSS:\n      val64'
  mend msr.cc 'case BX_MSR_XSS: // reserved' $'case 0x1c4: xfd = val_64; handleAvxModeChange(); break;\n    case 0x1c5: xfd_err = val_64; break;\n    case BX_MSR_XSS: // reserved'
  mend cpuid.cc $'leaf->eax |= (1<<3);\n\n    // EBX[31:00] - The size' $'leaf->eax |= (1<<3) | (1<<4);\n\n    // EBX[31:00] - The size'
  mend cpuid.cc 'xsave_restore[subfunction].attr;' 'xsave_restore[subfunction].attr | (subfunction == 18 ? 4 : 0);'
  mend proc_ctrl.cc '#define LOG_THIS' $'Bit64u xfd, xfd_err;\n#define LOG_THIS'
  mend proc_ctrl.cc $'!= 0)\n    clear_amx_ok' $'!= 0 || (xfd & BX_XCR0_XTILEDATA_MASK))\n    clear_amx_ok'
  mend proc_ctrl.cc $'BX_XCR0_XTILEDATA_MASK))\n    exception(BX_UD_EXCEPTION, 0);\n' $'BX_XCR0_XTILEDATA_MASK))\n    exception(BX_UD_EXCEPTION, 0);\n  if (xfd & BX_XCR0_XTILEDATA_MASK) { xfd_err = BX_XCR0_XTILEDATA_MASK; exception(BX_NM_EXCEPTION, 0); }\n'
  (cd "$keep/bochs" && ./configure CXXFLAGS=-O2 --enable-cpu-level=6 --enable-x86-64 --enable-avx --enable-evex --enable-amx \
    --enable-handlers-chaining --enable-all-optimizations --enable-pci --disable-plugins --disable-docbook --with-nogui && make -j "$(nproc)") >"$keep/build.log" 2>&1
}

# system brings Linux, a shell, and what a processor needs to start.
system() {
  mkdir -p "$keep/packages"
  local image
  image="$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')"
  (cd "$keep/packages" && apt-get -qq -o APT::Sandbox::User=root download "$image" busybox-static isolinux syslinux-common vgabios)
  for package in "$keep"/packages/*.deb; do dpkg-deb -x "$package" "$keep/system"; done
}

[[ -x "$keep/bochs/bochs" ]] || emulator || { tail -n 5 "$keep/build.log" >&2; exit 1; }
[[ -d "$keep/system/boot" ]] || system
mkdir -p "$work"/{root/{bin,dev,proc,sys,tmp,tests},disc/isolinux}
CGO_ENABLED=0 go test -c -o "$work/root/tests/program" "$tests"
folder="$(go list -f '{{.Dir}}' "$tests")"
if [[ -d "$folder/testdata" ]]; then cp -r "$folder/testdata" "$work/root/tests/"; fi
cp "$keep/system/bin/busybox" "$work/root/bin/"
cat >"$work/root/init" <<END
#!/bin/busybox sh
for kind in proc sysfs:sys devtmpfs:dev tmpfs:tmp; do /bin/busybox mount -t "\${kind%:*}" none "/\${kind#*:}"; done
export GODEBUG=cpu.erms=off,cpu.fsrm=off HOME=/tmp GOQAT_HAMMER=${GOQAT_HAMMER:-100ms} GOQAT_TRAIN_KERNELS=${GOQAT_TRAIN_KERNELS:-}
cd /tests
./program $(printf '%q ' "$@")
echo "=== tests end with \$?"
/bin/busybox sleep 1 # the console is slow
/bin/busybox poweroff -f
END
chmod +x "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1 >"$work/disc/start.gz")
cp "$keep"/system/boot/vmlinuz-* "$work/disc/linux"
cp "$keep/system/usr/lib/ISOLINUX/isolinux.bin" "$keep/system/usr/lib/syslinux/modules/bios/ldlinux.c32" "$work/disc/isolinux/"
# The quick string instructions of this Bochs lose bytes, so that Linux and Go are told to do without.
cat >"$work/disc/isolinux/isolinux.cfg" <<'END'
default tests
label tests
 kernel /linux
 append initrd=/start.gz rdinit=/init console=ttyS0 quiet nokaslr mitigations=off random.trust_cpu=on tsc=reliable panic=1 nogbpages clearcpuid=erms,fsrm
END
xorriso -as mkisofs -quiet -o "$work/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/disc" 2>"$work/disc.log"
cat >"$work/bochsrc" <<END
cpu: model=sapphire_rapids, ips=200000000, ignore_bad_msrs=1
memory: guest=1024, host=1024
romimage: file=$keep/bochs/bios/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$(echo "$keep"/system/usr/share/vgabios/vgabios.bin)
ata0-master: type=cdrom, path=$work/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/console
display_library: nogui
clock: sync=none
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
END
: >"$work/console"
timeout "${LIMIT:-3600}" "$keep/bochs/bochs" -q -f "$work/bochsrc" >"$work/screen" 2>&1 &
emulated=$!
tail -f --pid=$emulated "$work/console" | stdbuf -oL tr -d '\r' &
until grep -qa '^=== tests end' "$work/console" || ! kill -0 $emulated 2>/dev/null; do sleep 1; done
sleep 1
kill $emulated 2>/dev/null || true
wait || true
[[ "$(tr -d '\r' <"$work/console" | sed -n 's/^=== tests end with //p')" == 0 ]] || { tail -n 3 "$work/log" >&2; exit 1; }
