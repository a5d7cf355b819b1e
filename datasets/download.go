// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	tries   = 4                // times a download that made progress is taken up again
	silence = time.Minute      // a server that sends nothing for so long is given up
	answer  = 30 * time.Second // and so is one that does not begin to answer
)

// A downloader fetches the files of a set and reports on all of them together.
type downloader struct {
	client        *http.Client
	progress      func(done, total int64)
	before, total int64 // bytes of the files done, and of all
}

func (d *downloader) report(done int64) {
	if d.progress != nil {
		d.progress(d.before+done, d.total)
	}
}

func patientClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answer
	return &http.Client{Transport: transport}
}

// download completes the file at path from url. An interrupted one stays, to be taken up; it is taken up at once while
// it still grows.
func (d *downloader) download(ctx context.Context, url, path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	for try := 1; ; try++ {
		have, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if have > size {
			have = 0
		}
		now, err := d.request(ctx, url, f, have, size)
		if err == nil {
			return f.Sync()
		}
		if now <= have || try == tries || ctx.Err() != nil {
			if now > 0 {
				return fmt.Errorf("%w; %d of %d bytes are there, fetch again to go on", err, now, size)
			}
			return err
		}
	}
}

// request asks once for the bytes from have on, and writes them to f. It returns how many bytes f holds.
func (d *downloader) request(ctx context.Context, url string, f *os.File, have, size int64) (int64, error) {
	if have == size {
		d.report(have)
		return have, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return have, err
	}
	request.Header.Set("Accept-Encoding", "identity") // the digest is of the compressed file
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	response, err := d.client.Do(request)
	if err != nil {
		return have, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusOK:
		have = 0 // the whole file, whether asked for or not
	case response.StatusCode == http.StatusPartialContent && rangeStart(response) == have:
	default:
		return have, fmt.Errorf("%s: the server answers %s", url, response.Status)
	}
	if n := response.ContentLength; n >= 0 && have+n != size {
		return have, fmt.Errorf("%s: %d bytes, not the %d published", url, have+n, size)
	}
	if err := f.Truncate(have); err != nil {
		return have, err
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return have, err
	}
	quiet := time.AfterFunc(silence, func() { cancel(errors.New("the server fell silent")) })
	defer quiet.Stop()
	have, err = d.receive(f, response.Body, have, size, quiet)
	if ctx.Err() != nil && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return have, fmt.Errorf("%s: %w", url, err)
	}
	return have, nil
}

// receive appends body to f, which holds have bytes, until it holds size. It puts quiet off whenever something comes.
func (d *downloader) receive(f *os.File, body io.Reader, have, size int64, quiet *time.Timer) (int64, error) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := body.Read(buffer)
		quiet.Reset(silence)
		end := errors.Is(err, io.EOF)
		if now := have + int64(n); now > size || end && now < size {
			if err := f.Truncate(0); err != nil {
				return have, err
			}
			return 0, fmt.Errorf("not the %d bytes published", size)
		}
		if _, err := f.Write(buffer[:n]); err != nil {
			return have, err
		}
		have += int64(n)
		d.report(have)
		if end {
			return have, nil
		}
		if err != nil {
			return have, err
		}
	}
}

// rangeStart is the first byte a partial answer holds, or -1.
func rangeStart(r *http.Response) int64 {
	value, ok := strings.CutPrefix(r.Header.Get("Content-Range"), "bytes ")
	first, _, found := strings.Cut(value, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !ok || !found || err != nil {
		return -1
	}
	return start
}
