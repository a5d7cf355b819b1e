#!/usr/bin/env bash
# Trains the grid by an array of Slurm: sbatch slurm.sh, in a folder that all nodes see. A job that is killed or runs out of time saves; the same
# command submits the rest.
#SBATCH --job-name=grid
#SBATCH --array=0-5
#SBATCH --cpus-per-task=4
#SBATCH --time=02:00:00
#SBATCH --signal=TERM@60
set -euo pipefail
exec srun --cpus-per-task="$SLURM_CPUS_PER_TASK" qat sweep grid.yaml --part "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --set threads="$SLURM_CPUS_PER_TASK"
