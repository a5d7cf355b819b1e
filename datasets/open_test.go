// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// isolate points $GOQAT_DATA and the user's cache to empty folders, which it returns.
func isolate(t *testing.T) (data, cache string) {
	data, cache = t.TempDir(), t.TempDir()
	t.Setenv("GOQAT_DATA", data)
	t.Setenv("HOME", cache)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("LocalAppData", cache)
	return data, cacheDir()
}

// TestOpenTellsOfAnUnusedFolder: a folder to look in first is for named sets.
func TestOpenTellsOfAnUnusedFolder(t *testing.T) {
	isolate(t)
	path := writeFolder(t, without(pictures(t, 3, 0), ""))
	for name, want := range map[string]string{path: "the folder elsewhere is not looked in: " + path + " is a path", "fashion-sample": "is not looked in: fashion-sample comes with goqat"} {
		var n notes
		openOK(t, name, Options{Dir: "elsewhere", Note: n.add})
		n.want(t, want)
		n = notes{}
		if openOK(t, name, Options{Note: n.add}); strings.Contains(fmt.Sprint(n), "looked in") {
			t.Errorf("%s: %v", name, n)
		}
	}
}

func TestOpenFindsNamedSets(t *testing.T) {
	data, cache := isolate(t)
	dir := t.TempDir()
	if _, err := Open("mnist", Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "qat data fetch mnist") {
		t.Fatalf("error %v", err)
	}
	put := func(folder string) {
		for name, content := range idxSet() {
			writeFile(t, filepath.Join(folder, name+".gz"), gzipped(t, content))
		}
	}
	// From the last place looked at to the first: each is found before those written earlier.
	for _, folder := range []string{filepath.Join(cache, "mnist"), filepath.Join(data, "mnist"), dir, filepath.Join(dir, "mnist")} {
		put(folder)
		if found := lookup("mnist").find(dir); found != folder {
			t.Errorf("found in %s, not in %s", found, folder)
		}
	}
	// The set at hand has three classes, and MNIST has ten.
	if _, err := Open("mnist", Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "3 classes, not the 10 of mnist") {
		t.Errorf("error %v", err)
	}
}

// The files of fashion-mnist are not taken for mnist because they lie where both are looked for.
func TestOpenDoesNotConfuseSets(t *testing.T) {
	data, _ := isolate(t)
	for name, content := range idxSet() {
		writeFile(t, filepath.Join(data, name), content)
	}
	if found := lookup("mnist").find(""); found != "" {
		t.Errorf("found in %s", found)
	}
}

func TestOpenRefuses(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"": "in " + here, "no such thing": "there is no no such thing in " + here, filepath.Join(t.TempDir(), "x.zip"): "no such file or folder",
	} {
		if _, err := Open(name, Options{}); err == nil || !strings.HasPrefix(err.Error(), "datasets: "+name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOpenResizes(t *testing.T) {
	d, err := Open("fashion-sample", Options{Height: 14, Width: 14, Channels: 3})
	if err != nil {
		t.Fatal(err)
	}
	if d.Shape != (Shape{14, 14, 3}) || len(d.Test.Images) != 2000*14*14*3 {
		t.Fatalf("%v, %d values", d.Shape, len(d.Test.Images))
	}
	whole := sampleSet(t)
	for i := range 20 {
		small, large := d.Train.image(i), whole.Train.image(i)
		for p := range 14 * 14 {
			y, x := p/14*2, p%14*2
			sum := int(large[y*28+x]) + int(large[y*28+x+1]) + int(large[(y+1)*28+x]) + int(large[(y+1)*28+x+1])
			if want := uint8((sum + 2) / 4); small[3*p] != want || small[3*p+1] != want || small[3*p+2] != want {
				t.Fatalf("image %d, pixel %d: %v, not %d", i, p, small[3*p:3*p+3], want)
			}
		}
	}
}

func TestList(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "cifar10.zip"), nil)
	var names []string
	for _, info := range List(dir) {
		names = append(names, info.Name)
		if info.Description == "" || info.Licence == "" || len(info.Classes) != 10 || info.Train == 0 {
			t.Errorf("%+v", info)
		}
		want := map[string]string{"fashion-sample": "embedded", "cifar10": filepath.Join(dir, "cifar10.zip")}[info.Name]
		if info.Found != want && info.Name != "fashion-mnist" {
			t.Errorf("%s found at %q, not at %q", info.Name, info.Found, want)
		}
	}
	if want := []string{"fashion-sample", "mnist", "fashion-mnist", "cifar10"}; !slices.Equal(names, want) {
		t.Errorf("%v, not %v", names, want)
	}
}
