#!/usr/bin/env bash
# MPICH 5.0.2 (PyPI): a rank that leaves by _exit after MPI_Finalize, as programs do that do not end by the C
# library's exit, makes the launcher kill the ranks that still run, and mpiexec returns 0. With exit they go on. What it
# means for goqat: dist/mpi leaves by the C library's exit, and qat waits for rank 0.
set -Eeuo pipefail
dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install mpich==5.0.2
cat > "$dir/rank.py" <<'P'
import ctypes, os, sys, time
mpi = ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
world, rank = ctypes.c_int(0x44000000), ctypes.c_int()
mpi.MPI_Init(None, None)
mpi.MPI_Comm_rank(world, ctypes.byref(rank))
mpi.MPI_Finalize()
if rank.value == 0:
    time.sleep(3)
    print("rank 0 is done", flush=True)
if sys.argv[2] == "_exit":
    os._exit(0)
ctypes.CDLL(None).exit(0)
P
try() {
	local code=0
	"$dir/venv/bin/mpiexec" -n 2 "$dir/venv/bin/python" "$dir/rank.py" "$dir/venv/lib/libmpi.so.12" "$1" > "$dir/out" 2> /dev/null || code=$?
	printf '%-6s mpiexec returns %d, rank 0: %s\n' "$1" "$code" "$(grep . "$dir/out" || echo 'nothing, it was killed')"
}
"$dir/venv/bin/mpichversion" | head -1
try _exit | tee "$dir/raw"
try exit | tee "$dir/libc"
grep -q 'returns 0, rank 0: nothing' "$dir/raw"
grep -q 'returns 0, rank 0: rank 0 is done' "$dir/libc"
