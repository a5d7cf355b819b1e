// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/goqat/goqat/recipe"
)

// begun makes a run folder that a job has begun.
func begun(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "runs", "cluster"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "runs", "cluster", "config.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// started carries out a script with a program in place of the launcher, and returns what that was told.
func started(t *testing.T, dir, launcher string, env []string, args ...string) string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, launcher), []byte("#!/bin/sh\necho \"$*\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(bash, args...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH")), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestSlurm begins, and goes on.
func TestSlurm(t *testing.T) {
	script, err := filepath.Abs("slurm.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir, env := t.TempDir(), []string{"SLURM_CPUS_PER_TASK=4", "MPI=pmi2"}
	const srun = "--mpi=pmi2 --kill-on-bad-exit=1 --cpus-per-task=4 qat train %s --threads 4"
	if got, want := started(t, dir, "srun", env, script), fmt.Sprintf(srun, "recipe.yaml --out runs/cluster"); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	begun(t, dir)
	if got, want := started(t, dir, "srun", env, script), fmt.Sprintf(srun, "--resume runs/cluster"); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	shared(t, string(text), `--ntasks=(\d+)`)
}

// shared wants the recipe to have shards for as many processes as the text says.
func shared(t *testing.T, text, pattern string) {
	t.Helper()
	r, err := recipe.Load("recipe.yaml")
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil || m[1] > fmt.Sprint(r.Shards) {
		t.Errorf("%q of %d shards", m, r.Shards)
	}
}

// TestMPIJob has slots for all processes, images of one kind, and begins or goes on as Slurm's job does.
func TestMPIJob(t *testing.T) {
	text, err := os.ReadFile("mpijob.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type replica struct {
		Replicas int
		Template struct {
			Spec struct {
				Containers []struct {
					Image   string
					Command []string
				}
			}
		}
	}
	var job struct {
		Kind string
		Spec struct {
			SlotsPerWorker int `yaml:"slotsPerWorker"`
			Replicas       struct {
				Launcher replica `yaml:"Launcher"`
				Worker   replica `yaml:"Worker"`
			} `yaml:"mpiReplicaSpecs"`
		}
	}
	if err := yaml.Unmarshal(text, &job); err != nil {
		t.Fatal(err)
	}
	launcher, worker := job.Spec.Replicas.Launcher.Template.Spec.Containers[0], job.Spec.Replicas.Worker.Template.Spec.Containers[0]
	processes := job.Spec.SlotsPerWorker * job.Spec.Replicas.Worker.Replicas
	if job.Kind != "MPIJob" || processes != 4 || launcher.Image != worker.Image || !slices.Equal(launcher.Command[:2], []string{"bash", "-c"}) {
		t.Errorf("%d processes, %+v", processes, job)
	}
	shared(t, launcher.Command[2], `mpirun -n (\d+)`)
	dir := t.TempDir()
	const mpirun = "-n 4 --bind-to none qat train %s --threads 4"
	if got, want := started(t, dir, "mpirun", nil, launcher.Command[1:]...), fmt.Sprintf(mpirun, "recipe.yaml --out runs/cluster"); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	begun(t, dir)
	if got, want := started(t, dir, "mpirun", nil, launcher.Command[1:]...), fmt.Sprintf(mpirun, "--resume runs/cluster"); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
