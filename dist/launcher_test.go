// SPDX-License-Identifier: Apache-2.0

package dist

import "testing"

// TestLaunched reads what launchers leave in the environment.
func TestLaunched(t *testing.T) {
	for _, c := range []struct {
		environment map[string]string
		want        Launcher
	}{
		{nil, Launcher{Size: 1}},
		{map[string]string{"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}, Launcher{"Open MPI", 4, 3, 2}},
		{map[string]string{"PMI_SIZE": "8", "PMI_RANK": "0", "MPI_LOCALNRANKS": "8", "SLURM_STEP_NUM_TASKS": "1"}, Launcher{"MPICH", 8, 0, 8}},
		{map[string]string{"SLURM_STEP_NUM_TASKS": "6", "SLURM_PROCID": "5", "SLURM_STEP_TASKS_PER_NODE": "2(x2),4"}, Launcher{"Slurm", 6, 5, 4}},
		{map[string]string{"PMI_SIZE": "6", "PMI_RANK": "1", "SLURM_STEP_TASKS_PER_NODE": "3(x2)"}, Launcher{"MPICH", 6, 1, 3}}, // by srun
		{map[string]string{"SLURM_PROCID": "0", "SLURM_NTASKS": "6"}, Launcher{Size: 1}},                                        // a batch script
		{map[string]string{"PMI_SIZE": "many"}, Launcher{Size: 1}},
	} {
		if got := launched(func(name string) string { return c.environment[name] }); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.environment, got, c.want)
		}
	}
}

// TestThreads shares out the processors of a machine.
func TestThreads(t *testing.T) {
	for _, c := range []struct{ ranks, all, mine, usual, want int }{
		{0, 16, 16, 16, 16},
		{1, 16, 16, 16, 16},
		{4, 16, 16, 16, 4},
		{4, 16, 16, 8, 2}, // a container of 8
		{4, 16, 1, 1, 1},  // bound to a processor each
		{4, 16, 8, 8, 4},  // bound to a socket, by twos
		{8, 2, 2, 2, 1},   // more ranks than processors
		{4, 0, 8, 8, 2},   // the machine does not tell
	} {
		if got := threads(c.ranks, c.all, c.mine, c.usual); got != c.want {
			t.Errorf("%d ranks on %d processors, %d of them allowed, %d threads usual: %d, want %d", c.ranks, c.all, c.mine, c.usual, got, c.want)
		}
	}
	if processors() < 0 {
		t.Error("fewer than no processors")
	}
}
