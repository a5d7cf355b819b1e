// SPDX-License-Identifier: Apache-2.0

package main

import "os"

func Example() {
	if err := run(os.Stdout, []string{"boot.png", "trouser.png"}); err != nil {
		panic(err)
	}
	// Output:
	// boot.png: Ankle boot
	// trouser.png: Trouser
}
