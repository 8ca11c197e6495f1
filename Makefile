# The two commands: `make demo` shows the workaround, `make test` proves it.
# Both install what they need; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TARGET  := target
DIST    := $(TARGET)/dist
ARCHES  ?= amd64 arm64
PREFIX  ?= /usr
DESTDIR ?=

# Set-up may find a cargo that is not in PATH; it leaves its PATH and the engine's address here.
ENVIRONMENT := $(TARGET)/setup/environment
WITH := if [ -e $(ENVIRONMENT) ]; then . ./$(ENVIRONMENT); fi;

MODULE  := $(TARGET)/release/libnss_workaround.so
COMMAND := $(TARGET)/release/workaround-docker-2267
SOURCES := $(shell find nss tools crates src -name '*.rs' -o -name Cargo.toml 2>/dev/null) Cargo.toml Cargo.lock

.PHONY: help demo test bench lint build dist dist-arm64 deb image install uninstall clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: ## show the main job in a throw-away mount namespace
	@tests/setup/packages build demo
	@$(WITH) $(MAKE) --no-print-directory -s build
	@demo/run

test: ## set everything up, run all tests, say "N passed, N failed"
	@tests/setup/packages build test
	@$(WITH) tests/run

bench: ## figures beside peers, into docs/; PART="lookups cold threads costs init size", QUICK=1
	@tests/setup/packages build dist deb bench
	@$(WITH) packaging/dist amd64 >/dev/null && packaging/deb amd64 >/dev/null
	@$(WITH) benches/run $(PART)

lint: ## formatting, clippy, documentation, man pages
	@tests/setup/packages build
	@$(WITH) cargo fmt --all --check
	@$(WITH) cargo clippy --workspace --all-targets -- -D warnings
	@$(WITH) RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items -q

build: $(MODULE) $(COMMAND) ## the module and the command, for this machine

$(MODULE) $(COMMAND) &: $(SOURCES)
	@cargo build --release --locked -q -p nss-workaround -p workaround-docker-2267
	@touch $(MODULE) $(COMMAND)

dist: ## what goes into an image, for amd64: one build for every glibc from 2.17 on
	@tests/setup/packages build dist
	@$(WITH) packaging/dist amd64

dist-arm64: ## the same for arm64, cross-built in a Debian 13 container
	@tests/setup/packages build dist arm64
	@$(WITH) packaging/dist arm64

deb: ## the Debian packages for amd64 and arm64, in target/deb; ARCHES=amd64 for one
	@tests/setup/packages build dist deb $(filter arm64,$(ARCHES))
	@$(WITH) for arch in $(ARCHES); do packaging/dist $$arch; done
	@$(WITH) packaging/deb $(ARCHES)

image: ## the base image as zhulux/baseimage:latest; OPTIONS='--build-arg SYSLOG=busybox'
	@tests/setup/packages build dist deb image
	@$(WITH) for arch in $(firstword $(ARCHES)); do packaging/dist $$arch && packaging/deb $$arch; done
	@$(WITH) image/build $(OPTIONS)

install: build ## install below DESTDIR, PREFIX=/usr
	@packaging/install "$(DESTDIR)$(PREFIX)" $(MODULE) $(COMMAND)

uninstall: ## remove what install put there; revert first
	@packaging/install --remove "$(DESTDIR)$(PREFIX)"

clean: ## remove everything that was built
	rm -rf $(TARGET)
