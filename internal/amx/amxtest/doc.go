// SPDX-License-Identifier: Apache-2.0

// Package amxtest tests what only tiles of a processor can show. It is imported by tests only.
package amxtest
