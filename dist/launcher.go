// SPDX-License-Identifier: Apache-2.0

package dist

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A Launcher is what has started this process with others, as the environment tells.
type Launcher struct {
	Name  string // "" for none
	Size  int    // processes of the job, 1 without a launcher
	Rank  int    // of this process, from 0
	Local int    // of them on this machine, or on that with the most; 0 if it is not told
}

// OpenMPI is the name of Open MPI's launcher.
const OpenMPI = "Open MPI"

// Environments of launchers: Open MPI's mpirun, MPICH's Hydra and others that speak PMI, and Slurm's
// srun, which starts either.
var environments = []struct{ name, size, rank, local string }{
	{OpenMPI, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
	{"MPICH", "PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS"},
	{"Slurm", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", slurmTasks},
}

// slurmTasks has the processes of each machine, as in 4(x2),3. Under srun MPICH's libraries are told
// of none but all together.
const slurmTasks = "SLURM_STEP_TASKS_PER_NODE"

// Launched finds the launcher of this process.
func Launched() Launcher { return launched(os.Getenv) }

func launched(getenv func(string) string) Launcher {
	for _, e := range environments {
		if size, err := strconv.Atoi(getenv(e.size)); err == nil && size > 0 {
			rank, _ := strconv.Atoi(getenv(e.rank))
			return Launcher{e.name, size, rank, most(getenv(e.local), getenv(slurmTasks))}
		}
	}
	return Launcher{Size: 1}
}

// most returns the greatest number of the first list that has any, 0 if none does.
func most(lists ...string) (n int) {
	for _, list := range lists {
		for part := range strings.SplitSeq(list, ",") {
			digits, _, _ := strings.Cut(part, "(")
			if tasks, err := strconv.Atoi(digits); err == nil {
				n = max(n, tasks)
			}
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

// Threads returns how many threads this process should have where several of the job share the
// machine: its part of the processors, but not more than it is bound to.
func (l Launcher) Threads() int {
	return threads(l.Local, processors(), runtime.NumCPU(), runtime.GOMAXPROCS(0))
}

// threads divides the processors of a machine, of which this process may use so many, among the
// ranks on it. As many threads as usual may be fewer, as in a container.
func threads(ranks, all, mine, usual int) int {
	switch {
	case ranks <= 1:
		return usual
	case mine < all: // bound: to processors of its own, or with others to those of a socket
		return min(usual, max(1, all/ranks))
	}
	return max(1, usual/ranks)
}

// processors returns how many the machine has, 0 if it does not tell.
func processors() (n int) {
	list, err := os.ReadFile("/sys/devices/system/cpu/online") // as in 0-3,8
	if err != nil {
		return 0
	}
	for part := range strings.SplitSeq(strings.TrimSpace(string(list)), ",") {
		first, last, several := strings.Cut(part, "-")
		lo, err := strconv.Atoi(first)
		if err != nil {
			return 0
		}
		hi := lo
		if several {
			if hi, err = strconv.Atoi(last); err != nil {
				return 0
			}
		}
		n += hi - lo + 1
	}
	return n
}
