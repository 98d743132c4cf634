# The front door. `make run` and `make test` each do all their own set-up; `make help` lists the rest.

SHELL := /bin/bash
CARGO ?= cargo
STAMPS := target/stamps
DASHBOARD_SOURCES := $(shell find dashboards -type f \
	-not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test-results/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help tools setup engine dashboard build run demo dev test test-unit test-integration test-web test-e2e \
	lint fmt tidy openapi images bench faults soak migrate-up migrate-down migrate-status health doctor

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

tools: ## check for Rust and Node, and say how to get them
	@scripts/check-tools

engine: tools ## fetch the embedded ClickHouse engine (once; kept outside of target/)
	@scripts/fetch-engine >/dev/null

$(STAMPS)/node_modules: dashboards/package.json dashboards/package-lock.json
	@mkdir -p $(STAMPS)
	@# Not `npm ci`: it refuses a lock file that lacks other platforms' optional packages. This keeps to the lock file
	@# (versions and integrity) and does not write it.
	cd dashboards && npm install --no-save --no-audit --no-fund
	@touch $@

$(STAMPS)/dashboard: $(STAMPS)/node_modules $(DASHBOARD_SOURCES)
	cd dashboards && npm run build
	@touch $@

dashboard: tools $(STAMPS)/dashboard ## build the dashboard into dashboards/dist

setup: tools engine dashboard ## everything that a build needs

build: setup ## build the release binary, dashboard inside
	$(CARGO) build --release --locked -p brokle

run: build ## set up, build, and serve on this machine
	@target/release/brokle serve

demo: build ## the same with sample data and a bundled fake model provider
	@target/release/brokle demo

dev: setup ## server rebuilt on change on 8080, dashboard's dev server on 3000
	@scripts/dev

test: tools ## everything; installs or starts what the tests need, ends with a count
	@scripts/test all

test-unit: tools ## Rust tests that need no server
	$(CARGO) test --workspace --lib --bins --locked

test-integration: tools ## Rust tests, with throwaway servers
	@scripts/test rust

test-web: tools $(STAMPS)/node_modules ## the dashboard's checks and tests
	cd dashboards && npm run check

test-e2e: tools ## the browser test
	@scripts/test e2e

images: ## take the screenshots in docs/images anew
	@scripts/test images

lint: ## formatting, clippy, dependency rules, the dashboard's checks
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) xtask tidy
	cd dashboards && npm run lint

fmt: ## format everything
	$(CARGO) fmt --all
	cd dashboards && npm run format

tidy: ## check the dependency rules between crates
	$(CARGO) xtask tidy

openapi: ## write docs/reference/openapi.json and the dashboard's types from the code
	$(CARGO) run --quiet --locked -p brokle -- openapi > docs/reference/openapi.json
	cd dashboards && npm run gen:api

faults: ## break a server in thirteen ways under load, and print what was lost (some ten minutes)
	$(CARGO) build --locked -p brokle
	$(CARGO) run --locked -p brokle-testkit --example faults -- $(FAULTS)

soak: ## half an hour of mixed traffic, faults and configuration changes; counts what was lost or leaked (MINUTES=2)
	@scripts/soak $(MINUTES)

bench: ## print figures: log, decoding, freshness, collectors and gateways side by side (WHAT=gateway, ingest, server, ...)
	@scripts/bench $(WHAT)

migrate-up migrate-down migrate-status: migrate-%: ## migrations (up, down, status)
	$(CARGO) run --quiet --locked -p brokle -- migrate $*

health: ## ask a running server how it is
	@curl -fsS "http://127.0.0.1:$${PORT:-8080}/health" && echo

doctor: ## check the set-up
	$(CARGO) run --quiet --locked -p brokle -- doctor
