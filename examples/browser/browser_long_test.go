// SPDX-License-Identifier: Apache-2.0

//go:build long && !js

package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPage opens the page in headless Chromium, sees the class of its first image, drops another one and damaged files,
// and draws.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	if err := build(dir, "../embed/fashion.qmodel", "../embed/boot.png"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "goqat.wasm.gz")); err != nil || info.Size() > 1.3*1e6 {
		t.Errorf("goqat.wasm.gz: %v, %v", info, err)
	}
	trouser, err := os.ReadFile("../embed/trouser.png")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	b := startBrowser(t)
	b.call("Page.navigate", map[string]any{"url": server.URL})
	b.wait(`document.body?.dataset.ready == "yes"`)
	b.want("Ankle boot")
	if model := string(b.evaluate(`find("model").textContent`)); !strings.Contains(model, "kernel simd128,") {
		t.Errorf("Chromium has SIMD, and the page says %s", model)
	}

	b.drop("trouser.png", trouser)
	b.want("Trouser")
	for name, file := range map[string][]byte{"damaged.qmodel": []byte("no model"), "damaged.png": trouser[:len(trouser)/2]} {
		b.drop(name, file)
		b.wait(`find("error").textContent != ""`)
		time.Sleep(200 * time.Millisecond) // in which nothing may take the error away
		if string(b.evaluate(`find("error").textContent != "" && find("error").getBoundingClientRect().bottom < find("canvas").getBoundingClientRect().top &&
			find("classes").childElementCount == 0 && find("time").textContent == ""`)) != "true" {
			t.Errorf("%s: the page says %s", name, b.evaluate(`document.body.innerText`))
		}
		b.screenshot(name)
		b.drop("trouser.png", trouser)
		b.want("Trouser")
	}

	b.evaluate(`{
		const huge = new DataTransfer();
		huge.items.add(new File(Array(9).fill(new Uint8Array(32 << 20)), "huge.png"));
		document.dispatchEvent(new DragEvent("drop", {dataTransfer: huge}));
	}`)
	b.wait(`find("error").textContent == "huge.png: more than 256 MiB; take a smaller file"`)
	b.evaluate(`window.onunhandledrejection = event => window.fault = String(event.reason); find("file").dispatchEvent(new Event("change"))`) // nothing is chosen
	b.drop("MODEL.QMODEL", []byte("no model"))
	b.wait(`find("error").textContent.startsWith("infer: ")`)
	if fault := string(b.evaluate(`window.fault ?? ""`)); fault != `""` {
		t.Errorf("a choice of no file ends in %s", fault)
	}

	b.evaluate(`find("clear").click(); find("time").textContent = ""`)
	var corner struct{ X, Y float64 }
	json.Unmarshal(b.evaluate(`canvas.getBoundingClientRect().toJSON()`), &corner)
	mouse := func(kind string, x, y float64, buttons int) {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": corner.X + x, "y": corner.Y + y, "button": "left", "buttons": buttons})
	}
	for _, x := range []float64{110, 170} { // the legs of trousers
		mouse("mouseMoved", x, 20, 0)
		mouse("mousePressed", x, 20, 1)
		for y := 40.0; y <= 260; y += 20 {
			mouse("mouseMoved", x, y, 1)
		}
		mouse("mouseReleased", x, 260, 0)
	}
	b.wait(`document.querySelector("#classes td")?.textContent == "Trouser"`) // of both legs
	b.want("Trouser")
	b.screenshot("drawn")
}

// A browser is a page of Chromium, spoken to by its DevTools protocol.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	session string
	id      int
}

// startBrowser starts Chromium, which ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("Chromium is not installed")
	}
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--window-size=900,700", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles = []*os.File{in, out}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", map[string]any{})
		c.Wait()
	})
	var target struct{ TargetID string }
	json.Unmarshal(b.call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	var attached struct{ SessionID string }
	json.Unmarshal(b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &attached)
	b.session = attached.SessionID
	return b
}

// call calls a method of the protocol and returns its result.
func (b *browser) call(method string, params map[string]any) json.RawMessage {
	b.t.Helper()
	b.id++
	message := map[string]any{"id": b.id, "method": method, "params": params}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		text, err := b.from.ReadBytes(0)
		if err != nil {
			b.t.Fatal(err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			b.t.Fatal(err)
		}
		if answer.ID != b.id { // an event
			continue
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error)
		}
		return answer.Result
	}
}

// evaluate returns the value of JavaScript in the page.
func (b *browser) evaluate(script string) json.RawMessage {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	json.Unmarshal(b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}), &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, answer.ExceptionDetails)
	}
	return answer.Result.Value
}

// drop drops a file on the page.
func (b *browser) drop(name string, file []byte) {
	b.t.Helper()
	b.evaluate(fmt.Sprintf(`{
		const bytes = Uint8Array.from(atob(%q), c => c.charCodeAt(0)), files = new DataTransfer();
		files.items.add(new File([bytes], %q));
		find("time").textContent = "";
		document.dispatchEvent(new DragEvent("drop", {dataTransfer: files}));
	}`, base64.StdEncoding.EncodeToString(file), name))
}

// screenshot leaves a picture of the page in the folder $SCREENSHOTS, if that is set.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	var picture struct{ Data []byte }
	json.Unmarshal(b.call("Page.captureScreenshot", map[string]any{}), &picture)
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture.Data, 0o644); err != nil {
		b.t.Error(err)
	}
}

// wait waits until a condition holds.
func (b *browser) wait(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); string(b.evaluate(condition)) != "true"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s does not come true; the page says %s", condition, b.evaluate(`document.body?.innerText`))
		}
	}
}

// want asks for the class of the image and for the time that the network takes.
func (b *browser) want(class string) {
	b.t.Helper()
	b.wait(`find("time").textContent != ""`)
	var got, took, fault string
	json.Unmarshal(b.evaluate(`document.querySelector("#classes td").textContent`), &got)
	json.Unmarshal(b.evaluate(`find("time").textContent`), &took)
	json.Unmarshal(b.evaluate(`find("error").textContent`), &fault)
	if got != class || fault != "" || !strings.HasPrefix(took, "network ") || strings.HasPrefix(took, "network 0.00") {
		b.t.Errorf("the page shows %q, %q, error %q, want %q", got, took, fault, class)
	}
	b.t.Logf("%s: %s", got, took)
}
