#!/usr/bin/env bash
# Trains recipe.yaml by the processes of a job of Slurm: sbatch slurm.sh, in a folder that all nodes see. Who runs out of time saves, and the same
# command goes on. MPI=pmi2 sbatch slurm.sh is for MPICH; srun --mpi=list says what this Slurm can start.
#SBATCH --job-name=train
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
run=runs/cluster
what=(recipe.yaml --out "$run")
if [[ -e "$run/config.yaml" ]]; then
  what=(--resume "$run")
fi
exec srun --mpi="${MPI:-pmix}" --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" qat train "${what[@]}" --threads "$SLURM_CPUS_PER_TASK"
