// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"os"
	"path/filepath"
	"slices"
)

// A named set is a data set known by name.
type named struct {
	name, description, licence, source string
	classes                            []string
	shape                              Shape
	train, test                        int      // images
	archives                           []string // file names under which an archive of the set is accepted
	files                              []remoteFile
	mirrors                            []string // base URLs of files, tried in order
}

// A remoteFile is a file of a set as published.
type remoteFile struct {
	name, sha256 string
	size         int64
}

var fashionClasses = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

var cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

const sampleName = "fashion-sample"

var namedSets = []named{
	{
		name: sampleName, description: "part of Fashion-MNIST, articles of clothing, in this program",
		licence: "MIT, copyright 2017 Zalando SE", source: "https://github.com/zalandoresearch/fashion-mnist",
		classes: fashionClasses, shape: Shape{28, 28, 1}, train: 10000, test: 2000,
	},
	{
		name: "mnist", description: "handwritten digits",
		licence: "CC BY-SA 3.0, Yann LeCun and Corinna Cortes", source: "http://yann.lecun.com/exdb/mnist",
		classes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, shape: Shape{28, 28, 1}, train: 60000, test: 10000,
		files: []remoteFile{
			{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422},
			{"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881},
			{"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877},
			{"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542},
		},
		mirrors: []string{"https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"},
	},
	{
		name: "fashion-mnist", description: "articles of clothing",
		licence: "MIT, copyright 2017 Zalando SE", source: "https://github.com/zalandoresearch/fashion-mnist",
		classes: fashionClasses, shape: Shape{28, 28, 1}, train: 60000, test: 10000,
		files: []remoteFile{
			{"train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880},
			{"train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515},
			{"t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102},
			{"t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148},
		},
		mirrors: []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"},
	},
	{
		name: "cifar10", description: "photographs of animals and vehicles",
		licence: "none stated; cite Krizhevsky 2009", source: "https://www.cs.toronto.edu/~kriz/cifar.html",
		classes: cifarClasses, shape: Shape{32, 32, 3}, train: 50000, test: 10000,
		archives: []string{"cifar-10-binary.tar.gz", "cifar10-jpeg.tar.gz", "cifar10.tar.gz", "cifar10.tgz", "cifar10.zip"},
		files: []remoteFile{
			{"cifar-10-binary.tar.gz", "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170052171},
		},
		mirrors: []string{"https://www.cs.toronto.edu/~kriz"},
	},
}

// lookup returns the set of a name, or nil.
func lookup(name string) *named {
	for i := range namedSets {
		if namedSets[i].name == name {
			return &namedSets[i]
		}
	}
	return nil
}

// cacheDir is the folder of downloaded data in the user's cache, or "" where there is none.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "goqat")
}

// find looks for a set in dir, $GOQAT_DATA, the user's cache and the system's data, in this order, each time in a
// folder of the set's name first, and returns the path to open, or "". Only a folder of the set's name, or dir itself,
// is taken for the set for what lies in it: the files of mnist and fashion-mnist have the same names.
func (n *named) find(dir string) string {
	for _, root := range []string{dir, os.Getenv("GOQAT_DATA"), cacheDir(), "/usr/share/datasets"} {
		if root == "" {
			continue
		}
		own := filepath.Join(root, n.name)
		for _, candidate := range []string{own, root} {
			named := candidate == own || root == dir || filepath.Base(root) == n.name
			if named && n.isIn(candidate) {
				return candidate
			}
			for _, archive := range n.archives {
				if path := filepath.Join(candidate, archive); isFile(path) {
					return path
				}
			}
		}
	}
	return ""
}

// isIn tells whether the files of the set, or its images in train and test folders, lie in dir.
func (n *named) isIn(dir string) bool {
	if n.shape == cifarShape && cifarDir(dir) != "" || n.shape != cifarShape && hasIDX(dir, true) {
		return true
	}
	return isDir(filepath.Join(dir, "train")) && isDir(filepath.Join(dir, "test"))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Info describes a named data set.
type Info struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Licence     string   `json:"licence"`
	Source      string   `json:"source"` // its home page
	Classes     []string `json:"classes"`
	Shape       [3]int   `json:"shape"`    // height, width, channels
	Train       int      `json:"train"`    // training images
	Test        int      `json:"test"`     // test images
	Download    int64    `json:"download"` // bytes that Fetch downloads
	Found       string   `json:"found"`    // the path it was found at, "embedded", or ""
}

// Named says whether a data set is known by a name.
func Named(name string) bool { return lookup(name) != nil }

// List describes the named data sets, looking for each in dir (if it is not "") and the usual places.
func List(dir string) []Info {
	var list []Info
	for _, n := range namedSets {
		info := Info{
			Name: n.name, Description: n.description, Licence: n.licence, Source: n.source, Classes: slices.Clone(n.classes),
			Shape: [3]int{n.shape.Height, n.shape.Width, n.shape.Channels}, Train: n.train, Test: n.test,
		}
		for _, f := range n.files {
			info.Download += f.size
		}
		if info.Found = n.find(dir); n.name == sampleName {
			info.Found = "embedded"
		}
		list = append(list, info)
	}
	return list
}
