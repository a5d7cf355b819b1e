// SPDX-License-Identifier: Apache-2.0

//go:build !js

// Command browser measures goqat and onnxruntime-web in one page of headless Chromium and prints a table: bench/browser.sh
// makes the files it serves. Compiled to WebAssembly, it is the page's half.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A report is what the page sends: an error, or what it measured of each network.
type report struct {
	Error    string
	Agent    string
	Networks []struct {
		Name      string
		Images    int   // random images whose logits were compared
		Differing int   // integers of onnx-exact that are not goqat's
		Classes   int   // images of the same class in the form onnx
		Kernels   []int // logits of each kernel of goqat that are not those of the first
		Rows      []row
	}
}

// A row is the times of one contender, in milliseconds an image.
type row struct {
	Name             string
	Shortest, Median float64
	Runs             int
}

func main() {
	dir := flag.String("dir", "", "folder of the page's files")
	rounds := flag.Int("rounds", 5, "turns of each contender")
	seconds := flag.Float64("seconds", 0.4, "seconds of a turn")
	chromium := flag.String("chromium", "chromium", "the browser")
	flag.Parse()
	query := url.Values{"rounds": {fmt.Sprint(*rounds)}, "seconds": {fmt.Sprint(*seconds)}, "network": flag.Args()}
	limit := 2*time.Minute + time.Duration(10*flag.NArg()*(*rounds+1)*int(*seconds*1e9))
	r, err := measure(*chromium, *dir, query, limit)
	if err == nil {
		err = r.print()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

// measure serves the files and waits for what the page sends.
func measure(chromium, dir string, query url.Values, limit time.Duration) (report, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, fmt.Errorf("the page sent nothing in %v", limit))
	defer cancel()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return report{}, err
	}
	results := make(chan report, 1)
	files, mux := http.FileServer(http.Dir(dir)), http.NewServeMux()
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, request *http.Request) {
		var r report
		if err := json.NewDecoder(request.Body).Decode(&r); err != nil {
			r.Error = err.Error()
		}
		select {
		case results <- r:
		default:
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
		// A page of one origin alone has a clock of 5 µs instead of 100.
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		files.ServeHTTP(w, request)
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	defer server.Close()

	profile, err := os.MkdirTemp("", "browser")
	if err != nil {
		return report{}, err
	}
	defer os.RemoveAll(profile)
	browser := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+profile, "--remote-debugging-port=0",
		fmt.Sprintf("http://%s/?%s", listener.Addr(), query.Encode()))
	browser.Cancel = func() error { return browser.Process.Signal(os.Interrupt) }
	browser.WaitDelay = 5 * time.Second
	if err := browser.Start(); err != nil {
		return report{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- browser.Wait() }()
	select {
	case r := <-results:
		cancel()
		<-ended
		return r, nil
	case err := <-ended:
		return report{}, errors.Join(fmt.Errorf("%s ended before it sent anything: %w", chromium, err), context.Cause(ctx))
	}
}

// print prints a table, and returns an error where integers differ that must not.
func (r *report) print() error {
	if r.Error != "" {
		return errors.New(r.Error)
	}
	fmt.Println(r.Agent)
	var wrong error
	for _, n := range r.Networks {
		fmt.Printf("\n%s: %d random images, %d integers of onnx-exact differ from goqat's, %d classes of onnx are the same\n",
			n.Name, n.Images, n.Differing, n.Classes)
		fmt.Printf("%-34s %12s %12s %8s\n", "ms an image", "shortest", "median", "runs")
		for _, row := range n.Rows {
			fmt.Printf("%-34s %12.3f %12.3f %8d\n", row.Name, row.Shortest, row.Median, row.Runs)
		}
		for k, differ := range n.Kernels {
			if differ > 0 {
				wrong = errors.Join(wrong, fmt.Errorf("%s: %s computes %d other integers than %s", n.Name, n.Rows[k].Name, differ, strings.TrimSpace(n.Rows[0].Name)))
			}
		}
		if n.Differing > 0 {
			wrong = errors.Join(wrong, fmt.Errorf("%s: onnxruntime-web computes %d other integers from onnx-exact", n.Name, n.Differing))
		}
	}
	return wrong
}
