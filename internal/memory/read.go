// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ReadExactly reads n bytes up to the end of r. It allocates as the bytes arrive, so that
// a header that lies costs nothing.
func ReadExactly(r io.Reader, n int64) ([]byte, error) {
	const trusted = 64 << 20
	buffer := bytes.NewBuffer(make([]byte, 0, min(n, trusted)+bytes.MinRead))
	got, err := buffer.ReadFrom(io.LimitReader(r, n+1))
	switch {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("damaged after %d of %d bytes: %w", got, n, err)
	case got < n || err != nil:
		return nil, fmt.Errorf("cut short: %d of %d bytes", got, n)
	case got > n:
		return nil, fmt.Errorf("goes on after the %d bytes its header declares", n)
	}
	return buffer.Bytes(), nil
}
