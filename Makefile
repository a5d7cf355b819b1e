# Each target is one command; what lands must pass `make check`.
.PHONY: check test race purego long fuzz generate bench elsewhere boards beam

check: ## all of .ci/run
	bash .ci/run

test:
	go test ./...

race: ## needs a C compiler
	CGO_ENABLED=1 go test -race ./infer ./internal/kernel ./datasets ./train

purego: ## portable Go instead of assembly
	go test -tags purego ./internal/kernel ./infer/...

long: ## the proofs that take minutes: *_long_test.go
	go test -tags long -timeout 2h ./...

fuzz: ## every fuzz target for two minutes, of which few go into making inputs smaller (a minute for each by default)
	@set -e; for p in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 2m -fuzzminimizetime 10x $$p; done; \
	done

elsewhere: ## the same integers on arm64 and as WebAssembly; needs qemu-user and Node.js
	examples/everywhere/check.sh

boards: ## the C code on Cortex-M0 and M4; needs arm-none-eabi-gcc and qemu-system-arm; GOQAT_MODELS='runs/*/model.qmodel' for more models
	go test -tags long -timeout 2h -run 'Boards|Instructions' -v ./export/cgen

beam: ## the example for Apache Beam, a module of its own; minutes to compile the first time
	go -C examples/beam mod tidy -diff
	go -C examples/beam vet ./...
	go -C examples/beam test ./...

generate: ## assembly, from the generators in _asm
	go generate ./...

bench:
	go test -run '^$$' -bench . -count 10 ./internal/kernel ./infer/...
