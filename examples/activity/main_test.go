// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestActivity trains small networks and lets the other program classify what this one recorded.
func TestActivity(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	if err := run(context.Background(), &said, filepath.Join(dir, "activities"), 100, 10); err != nil {
		t.Fatal(err)
	}
	for _, bits := range []int{8, 4} {
		var b, images, differ int
		var float, integer float64
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(line, "%d bits: float %f %%, integer %f %% of %d recordings; %d integers differ", &b, &float, &integer, &images, &differ); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if b != bits || images != 100 || differ != 0 || integer < 80 || float < 80 {
			t.Error(line)
		}
	}
	sensor := filepath.Join(dir, "sensor.exe")
	if out, err := exec.Command("go", "build", "-o", sensor, "./sensor").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, bits := range []int{8, 4} {
		args := []string{fmt.Sprintf("activities/activity-%dbit.qmodel", bits)}
		for _, name := range names() {
			args = append(args, "activities/"+name+".s16")
		}
		c := exec.Command(sensor, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		right := 0
		for _, name := range names() {
			_, classes, _ := strings.Cut(string(out), name+".s16:")
			classes, _, _ = strings.Cut(classes, "\n")
			if n := len(strings.Fields(classes)); n != 3 {
				t.Errorf("%d windows of %s are classified, of 3", n, name)
			}
			right += strings.Count(classes, " "+name)
		}
		if right < 9 {
			t.Errorf("%d bits: %d of 12 windows are recognized:\n%s", bits, right, out)
		}
	}
}
