// SPDX-License-Identifier: Apache-2.0

// Package memory tells how much memory the process may take, so that what cannot
// fit is refused in a sentence before it is tried.
package memory
