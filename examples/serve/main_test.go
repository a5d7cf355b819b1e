// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer"
)

func TestHandler(t *testing.T) {
	m, err := infer.Open("../embed/fashion.qmodel")
	if err != nil {
		t.Fatal(err)
	}
	h := handler(m, http.Dir("../embed"))
	for path, want := range map[string]string{
		"/boot.png":       "200 Ankle boot",
		"/trouser.png":    "200 Trouser",
		"/nowhere.png":    "404 404 page not found",
		"/fashion.qmodel": "415 images: ",
	} {
		answer := httptest.NewRecorder()
		h(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if got := fmt.Sprintf("%d %s", answer.Code, strings.TrimSpace(answer.Body.String())); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
