# Everything starts here: `make demo`, `make test`, `make help`.
#
# Each stage says what it runs and how long it took, installs what it needs and is missing, and needs nothing else
# than the Swift toolchain.

SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := .build
STAGE := scripts/stage
PYTHON := .venv/bin/python
GO := GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE=$(CURDIR)/$(BUILD)/go-cache go
FUZZ_RUNS ?= 20000

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## Says what can be made
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------------- what is needed

.PHONY: deps deps-build deps-proto deps-python deps-go deps-valgrind
deps: deps-build deps-proto deps-python deps-go deps-valgrind ## Installs every system package and venv that is missing

deps-build deps-proto deps-go deps-valgrind: deps-%:
	@$(STAGE) "What $* needs" scripts/deps $*

deps-python:
	@$(STAGE) "What python needs" scripts/deps python
	@$(STAGE) "Python with the newest protobuf" scripts/venv .venv clients/python/requirements-dev.txt

# ------------------------------------------------------------------------------------------------- building

.PHONY: build release clients proto
build: deps-build ## Builds everything, for debugging
	@$(STAGE) "Swift, debug" swift build --build-tests
	@$(MAKE) --no-print-directory clients

release: deps-build ## Builds the daemon, optimised
	@$(STAGE) "Swift, release" swift build -c release

clients: deps-build ## Builds the C client and its examples
	@$(STAGE) "C client" $(MAKE) --no-print-directory -s -C clients/c all

proto: deps-proto ## Rewrites the generated C and Python from proto/
	@$(STAGE) "C and Python of the contract" scripts/proto

# -------------------------------------------------------------------------------------------------- testing

.PHONY: lint test test-swift test-c test-python test-go test-fuzz test-e2e test-allocations test-readme test-tsan test-asan
test: lint test-swift test-c test-python test-go test-fuzz test-e2e test-allocations test-readme ## Runs every test: what CI runs
	@echo; echo "All tests passed."

lint: deps-build deps-proto deps-python ## Format, warnings, types, and whether generated code is fresh
	@$(STAGE) "Swift format" scripts/lint-swift
	@$(STAGE) "Generated code is fresh" scripts/proto --check
	@$(STAGE) "Sync clients are fresh" $(PYTHON) clients/python/tools/unasync.py --check
	@$(STAGE) "C without warnings" $(MAKE) --no-print-directory -s -C clients/c all
	@$(STAGE) "Benchmarks without warnings" $(MAKE) --no-print-directory -s -C Benchmarks
	@$(STAGE) "Python style" $(PYTHON) -m ruff check -q --config clients/python/pyproject.toml clients/python Benchmarks Tests/EndToEnd scripts/readme
	@$(STAGE) "Python types" bash -c 'cd clients/python && ../../$(PYTHON) -m mypy'

test-swift: deps-build ## Tests of the Swift targets
	@$(STAGE) "Swift tests" swift test

echo-server: deps-build
	@$(STAGE) "EchoServer" swift build --product EchoServer
.PHONY: echo-server

test-c: echo-server deps-valgrind ## Tests of the C client, also under valgrind
	@$(STAGE) "C client" scripts/with-echo-server $(MAKE) --no-print-directory -s -C clients/c test
	@$(STAGE) "C client, installed" scripts/test-install

test-python: echo-server deps-python ## Tests of the Python client, with the newest and the oldest protobuf
	@$(STAGE) "Python client, newest protobuf" scripts/with-echo-server $(CURDIR)/$(PYTHON) -m pytest -c clients/python/pyproject.toml --rootdir clients/python clients/python
	@$(STAGE) "Python with the oldest protobuf" scripts/venv $(BUILD)/venv-oldest 'protobuf==4.21.1' 'pytest<10'
	@$(STAGE) "Python client, oldest protobuf" scripts/with-echo-server $(BUILD)/venv-oldest/bin/python -m pytest -c clients/python/pyproject.toml --rootdir clients/python clients/python

test-go: echo-server deps-go ## Conformance: containerd's ttrpc, as Debian packages it
	@$(STAGE) "Go conformance, build" env $(GO) build -o $(BUILD)/conformance Tests/Conformance/go/conformance.go
	@$(STAGE) "Go conformance" scripts/with-echo-server $(BUILD)/conformance

test-fuzz: deps-build ## Fuzz targets, for a bounded count (FUZZ_RUNS)
	@if [ -x Fuzz/run ]; then $(STAGE) "Fuzzing" Fuzz/run $(FUZZ_RUNS); else echo "Fuzz/run is not there: skipped"; fi

test-e2e: release clients deps-python ## The daemon under kill -9: MovieLens, an event stream by C; the command line
	@$(STAGE) "End to end" $(PYTHON) Tests/EndToEnd/movielens.py $(BUILD)/release/cowbird
	@$(STAGE) "Event stream, killed" $(PYTHON) Tests/EndToEnd/event_stream.py $(BUILD)/release/cowbird
	@$(STAGE) "Recommend by C" Tests/EndToEnd/recommend
	@$(STAGE) "Command line" $(PYTHON) -m pytest -q -p no:cacheprovider Tests/EndToEnd

test-allocations: release clients ## Counts what a call and a learned event allocate once warm: nothing
	@$(STAGE) "Allocations of a call" Tests/Allocations/run

test-readme: release deps-python ## Runs the commands of the README and the documentation
	@$(STAGE) "Commands of the README" $(PYTHON) scripts/readme
	@$(STAGE) "Commands of docs/formats.md" $(PYTHON) scripts/readme docs/formats.md
	@$(STAGE) "Commands of docs/configuration.md" $(PYTHON) scripts/readme docs/configuration.md

test-tsan: deps-build ## The Swift tests with ThreadSanitizer
	@$(STAGE) "Swift tests, ThreadSanitizer" swift test --disable-xctest --sanitize=thread --scratch-path $(BUILD)/tsan

test-asan: echo-server ## The Swift and C tests with AddressSanitizer
	@$(STAGE) "Swift tests, AddressSanitizer" swift test --disable-xctest --sanitize=address --scratch-path $(BUILD)/asan
	@$(STAGE) "C client, AddressSanitizer" scripts/with-echo-server $(MAKE) --no-print-directory -s -C clients/c test-asan

# ------------------------------------------------------------------------------------------- running, measuring

.PHONY: demo bench bench-wire bench-daemon bench-log bench-tables bench-models bench-learning bench-retrieval bench-versions bench-peers install uninstall clean
demo: release ## Builds the daemon and shows it at work, in about a minute
	@$(BUILD)/release/cowbird demo

bench: bench-wire bench-daemon bench-log bench-tables bench-models bench-learning bench-retrieval bench-versions ## Every benchmark, each beside its baseline

bench-log bench-tables bench-models bench-learning bench-retrieval bench-versions: bench-%: deps-build
	@$(STAGE) "Benchmark of $*" scripts/bench $*

bench-wire: deps-build deps-python ## Round trips beside the kernel's floor: C and Python client
	@$(STAGE) "EchoServer, release" swift build -c release --product EchoServer
	@$(STAGE) "Load generators" $(MAKE) --no-print-directory -s -C Benchmarks
	@$(STAGE) "Wire benchmark" $(PYTHON) Benchmarks/wire/wire.py --json $(BUILD)/bench/wire.json $(BENCH_OPTIONS)

bench-daemon: release deps-python ## A daemon with a million rows beside the raw echo: Score, Ingest, memory
	@$(STAGE) "Load generators" $(MAKE) --no-print-directory -s -C Benchmarks
	@$(STAGE) "Daemon benchmark" $(PYTHON) Benchmarks/daemon/daemon.py --json $(BUILD)/bench/daemon.json $(BENCH_OPTIONS)

bench-peers: release ## Beside Vowpal Wabbit and River: speed on clicks, quality on MovieLens
	@$(STAGE) "Vowpal Wabbit and River" scripts/venv $(BUILD)/venv-peers 'vowpalwabbit==9.11.*' 'river==0.26.*'
	@$(STAGE) "Benchmark of peers" $(BUILD)/venv-peers/bin/python Benchmarks/peers/peers.py --json $(BUILD)/bench/peers.json $(BENCH_OPTIONS)

install: release clients ## Installs daemon, C client and systemd units under PREFIX (and DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(BUILD)/release/cowbird $(DESTDIR)$(PREFIX)/bin/cowbird
	install -m 644 packaging/systemd/cowbird.socket $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/bin/cowbird|$(PREFIX)/bin/cowbird|' packaging/systemd/cowbird.service \
	  > $(DESTDIR)$(PREFIX)/lib/systemd/system/cowbird.service
	$(MAKE) -s -C clients/c install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

uninstall: ## Removes what install made
	rm -f $(DESTDIR)$(PREFIX)/bin/cowbird $(DESTDIR)$(PREFIX)/lib/systemd/system/cowbird.{socket,service}
	$(MAKE) -s -C clients/c uninstall PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

clean: ## Removes what was built
	rm -rf $(BUILD) .venv out
	$(MAKE) -s -C clients/c clean
