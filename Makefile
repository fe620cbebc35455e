# PYTHON=… names the interpreter; without it the first one that is new enough is taken.
PYTHON ?=
export PYTHON

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install runtime run test check drills screenshots bench bench-long lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

install: ## Set up .venv with everything that the other targets need
	@scripts/bootstrap dev

runtime:
	@scripts/bootstrap runtime

run: runtime ## Start the service on the embedded default, and print how to try it
	@$(BIN)/shothik-payment serve --demo

test: install ## Run every test but the drills (installs servers, node and chromium where it can)
	@scripts/bootstrap servers
	@$(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder --durations=10

check: install ## Format, lint, types, import contracts and unit tests, in seconds
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest tests/unit -q --numprocesses 2

drills: install ## Run the long fault drills
	@scripts/bootstrap servers
	@$(BIN)/pytest -m drill --durations=10

screenshots: install ## Take the pictures of the pages in docs/screenshots anew (installs chromium where it can)
	@scripts/bootstrap chromium
	@$(BIN)/python -m tests.e2e.pages.screenshots

bench: install ## Measure the figures, see docs/bench.md (installs wrk and servers where it can)
	@scripts/bootstrap bench
	@$(BIN)/python -m bench

bench-long: install ## The same with a million wallets, ten million ledger rows and 100,000 renewals
	@scripts/bootstrap bench
	@$(BIN)/python -m bench --long

lock: ## Write both locks anew from pyproject.toml (ARGS=--upgrade: newest versions)
	@scripts/lock $(ARGS)

clean: ## Remove .venv and caches; the data in var/ stays
	@rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
