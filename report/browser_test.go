// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checking looks at a page as it is laid out, and leaves what is wrong as the only
// text of the page around it: what is wider than the page and in nothing that scrolls, sections that are
// missing, empty or overlap, and texts of a chart on each other.
const checking = `<script>addEventListener("load", () => {
	const wrong = [], width = document.documentElement.clientWidth
	const box = e => e.getBoundingClientRect()
	const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1
	const pairs = (list, see) => list.forEach((a, i) => list.slice(i + 1).forEach(b => see(a, b)))
	if (document.documentElement.scrollWidth > width) wrong.push("the page scrolls sideways")
	for (const e of document.body.querySelectorAll("*"))
		if (!e.closest(".scroll *, pre *, [hidden]") && box(e).width > 0 && (box(e).right > width + 1 || box(e).left < -1)) wrong.push(e.tagName + " " + e.className + " is beyond the page")
	const parts = [...document.querySelectorAll("header, nav, section, footer")]
	if (parts.length != SECTIONS + 3) wrong.push(parts.length + " parts")
	for (const p of parts) if (box(p).height < 20) wrong.push(p.id + " is empty")
	pairs(parts, (a, b) => meet(box(a), box(b)) && wrong.push(a.id + " overlaps " + b.id))
	for (const svg of document.querySelectorAll("svg")) {
		if (box(svg).width < 250) wrong.push("a chart of " + box(svg).width + " pixels")
		pairs([...svg.querySelectorAll("text")], (a, b) => meet(box(a), box(b)) && wrong.push(a.textContent + " lies on " + b.textContent))
	}
	for (const i of document.images) if (!i.naturalWidth) wrong.push("a picture does not show: " + i.alt)
	parent.document.body.textContent = "checked at " + innerWidth + ": " + JSON.stringify(wrong)
})</script>`

// chromium returns the path of a Chromium, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium to look at pages with")
	return ""
}

// TestPagesAsLaidOut looks at a page of a run, as on a telephone and on a desk.
func TestPagesAsLaidOut(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds to start")
	}
	browser := chromium(t)
	page := written(t, trained(t, "float.epochs=1", "qat.epochs=1", "data.train_limit=128"))
	path := filepath.Join(t.TempDir(), "page.html")
	script := strings.Replace(checking, "SECTIONS", fmt.Sprint(len(sections)), 1)
	page = strings.Replace(page, "</body>", script+"</body>", 1)
	for _, width := range []int{400, 1400} {
		// A window is 500 pixels wide at least, a frame as it is told.
		frame := fmt.Sprintf(`<!DOCTYPE html><body><iframe style="width:%dpx;height:900px;border:0" srcdoc="%s"></iframe>`, width, html.EscapeString(page))
		if err := os.WriteFile(path, []byte(frame), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
			"--user-data-dir="+t.TempDir(), "--window-size=1600,1000", "--dump-dom", "file://"+path).Output()
		cancel()
		if err != nil {
			t.Skipf("the browser does not run here: %v", err)
		}
		_, verdict, _ := strings.Cut(string(out), "checked at ")
		verdict, _, _ = strings.Cut(verdict, "</body>")
		if want := fmt.Sprintf("%d: []", width); verdict != want {
			t.Errorf("at %d pixels: %s", width, verdict)
		}
	}
}
