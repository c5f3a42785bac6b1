# Run `make` for a list. Every target that needs something installed installs it first.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := help
# Checks run one after another and in their order, so that the tests' closing line comes last.
.NOTPARALLEL:

BIN := .venv/bin
# A warning fails, nothing waits at a prompt, and a file in UTF-8 has to say so.
SWIPL := </dev/null LC_ALL=C swipl --on-error=status --on-warning=status
BUF := node_modules/.bin/buf
# buf keeps its cache here and not in a home directory that may not be there.
export BUF_CACHE_DIR := $(CURDIR)/.venv/cache/buf

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z%-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | \
		while IFS=$$'\t' read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

.PHONY: setup
setup: ## Install what is missing: Debian packages (needs root), .venv, buf
	@scripts/setup

.PHONY: demo
demo: setup ## Train on handwritten digits, extract rules, serve them and ask why (OUT=DIR for its files)
	@$(BIN)/proofsight demo $(if $(OUT),--out '$(OUT)')

.PHONY: test
test: setup lint test-prolog test-python ## Lint, type-check and run every test

.PHONY: test-prolog
test-prolog: setup ## Run the Prolog tests
	swipl tests/prolog/run.pl </dev/null

.PHONY: test-python
test-python: setup ## Run the Python tests (ARGS='tests/rules -x' for some)
	$(BIN)/python -m pytest $(ARGS)

.PHONY: fuzz
fuzz: setup ## Run the property tests with other examples, drawn anew every time
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=random $(ARGS)

.PHONY: lint
lint: setup ## Check style, types, imports between rooms, protos and Prolog
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BUF) lint
	$(BUF) format --diff --exit-code proto
	$(SWIPL) -g list_undefined -g halt prolog/proofsight.pl prolog/proofsight/service.pl

.PHONY: format
format: setup ## Mend what ruff and buf can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BUF) format --write proto

.PHONY: proto
proto: setup ## Write client/proofsight/v1 from proto/ anew
	$(BIN)/python hatch_build.py

.PHONY: bench
bench: setup ## Run every benchmark (PROOFSIGHT_DATA=DIR for the rows that need data)
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-%
bench-%: setup ## Run one benchmark by name
	$(BIN)/python -m benchmarks $* $(ARGS)

.PHONY: soak
soak: setup ## Run 100,000 explanations through one server and watch its memory
	$(BIN)/python -m benchmarks soak $(ARGS)

.PHONY: wheel
wheel: setup ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

.PHONY: clean
clean: ## Remove caches and built files; .venv stays
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find client server tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: clean-all
clean-all: clean ## Remove also .venv, node_modules and the generated stubs
	rm -rf .venv node_modules client/proofsight/v1
