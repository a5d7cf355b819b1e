// SPDX-License-Identifier: Apache-2.0

package kernel

func platformSets() []Set { return nil }
