# Everything a developer runs. Needs Python 3.11+ and make; each target sets up what it needs in .venv.

# The interpreter that makes .venv: the first of these that is 3.11 or newer. `make PYTHON=/path/to/python` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"

.SILENT:
.PHONY: help setup demo up test check bench lock clean

help:  ## show this list
	sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 10

setup: $(READY)  ## make .venv with everything in it (only when something changed)

$(READY): requirements-dev.lock pyproject.toml
	test -n "$(PYTHON)" || { echo "make: Arrears needs Python 3.11 or newer; found none (set PYTHON=...)" >&2; exit 1; }
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) cannot make a virtual environment;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	echo "Setting up .venv (once; takes half a minute)" >&2
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

demo: setup  ## a year of real invoices in two minutes (DEMO_ARGS=--exit to end by itself)
	$(BIN)/arrears demo $(DEMO_ARGS)

up: setup  ## the embedded stack: Temporal, worker, mail sink; Ctrl-C stops it
	$(BIN)/arrears up $(UP_ARGS)

test: setup  ## all tests (TEST_ARGS="tests/unit -x" for some)
	$(BIN)/python -m pytest -q $(TEST_ARGS)

check: setup  ## lint, format, types, dependency rule, deployment files
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check . | tail -n 20; exit 1; }
	$(BIN)/mypy --no-error-summary
	$(BIN)/python -m pytest -q tests/unit/test_architecture.py
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml

bench: setup  ## what it costs, against the bare engine (writes var/bench.json)
	$(BIN)/python -m bench $(BENCH_ARGS)

lock: setup  ## renew the lock files (LOCK_ARGS=--upgrade for newer versions)
	$(PIP) install uv
	$(LOCK) $(LOCK_ARGS) --output-file requirements.lock pyproject.toml
	$(LOCK) $(LOCK_ARGS) --constraints requirements.lock --all-extras --output-file requirements-dev.lock pyproject.toml
	echo hatchling | $(LOCK) --constraints requirements-dev.lock --output-file deploy/requirements-build.lock -

clean:  ## remove .venv, caches and build leftovers; var/ stays
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis ./*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
