// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package lock

import "os"

// Hold holds a file or a folder, which is there, until release is called.
func Hold(path string) (release func(), err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return byFile(path, info.IsDir())
}
