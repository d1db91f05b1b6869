# Two commands do everything: `make run` and `make test`. The rest is for those who change the code.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run stop test lint fmt bench bench-calendar bench-decisions bench-opening bench-reports bench-timers prepare image manifests manifests-check test-cluster clean

help: ## List every target with one line
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing from the distribution (PostgreSQL, Redis, protobuf compiler)
	@scripts/setup

run: setup ## Start the whole platform, replay the scenario corpus and stay up (DETACH=1 returns)
	@cargo build --release --locked -p redress-cli
	@scripts/run

stop: ## End what `make run DETACH=1` left running
	@if [ -x target/release/redress ]; then target/release/redress stop; else echo "nothing runs: not built yet"; fi

test: setup ## Set up and run every test
	@scripts/test

bench: setup ## Clusters (B-cubed where REDRESS_MESSAGES names the file), then bench-opening
	@cargo bench --locked -p redress-triage --bench clusters
	@$(MAKE) --no-print-directory bench-opening

bench-calendar: setup ## Working time added a second, on one core
	@cargo bench --locked -p redress-calendar --bench working_time

bench-decisions: setup ## Grades decided a second, on one core
	@cargo bench --locked -p redress-triage --bench decision

bench-opening: setup ## From CreateCase acknowledged to incident open and call-outs queued, at 50 complaints a second: target/bench/opening.json
	@cargo build --release --locked --bins -p redress-intake -p redress-triage -p redress-assignment -p redress-notification -p redress-crisis
	@cargo bench --locked -p redress-tests --bench opening

bench-reports: setup ## Analysis over a year of 1 million cases: a table, and target/bench/reports.json
	@cargo bench --locked -p redress-assignment --bench reports

bench-timers: setup ## Timers beside BullMQ on one Redis: a table, and target/bench/timers.json
	@scripts/bench-timers

lint: setup ## buf lint and breaking, rustfmt, clippy with warnings denied, manifests and alerts, cargo-deny where installed
	@scripts/lint

fmt: ## Format all Rust files
	@cargo fmt --all

prepare: setup ## Write .sqlx: check every query against a fresh schema, for builds without a database
	@scripts/prepare

image: ## Build the images of the services and of the CLI (SERVICE=intake for one, TAG=dev, BUILDER=buildah|docker)
	@scripts/image

manifests: ## Render the Kubernetes overlays into target/manifests
	@scripts/manifests

manifests-check: ## Validate the overlays for three Kubernetes versions, alerts and dashboards against the code; fire every alert
	@scripts/manifests check

test-cluster: ## Try the overlay dev on kubectl's cluster under load: apply, policies, rollout, scaling, drain
	@scripts/test-cluster

clean: ## Remove build output and the platform's data, wherever it lies (REDRESS_HOME)
	@scripts/clean
	@cargo clean
