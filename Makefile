# Everything a newcomer needs: `make demo` and `make test`. Each sets itself up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
INSTALL := $(PIP) install --no-build-isolation --use-pep517

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint bench lock clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## Only install: .venv with the pinned packages

$(READY): pyproject.toml requirements/build.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11, 2) else "Starling needs Python 3.11.2 or newer; this is %s. Try: make PYTHON=python3.12 setup" % sys.version.split()[0])'
	@echo "Setting up (once): a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "python3 could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "  installing the build tools"
	@$(PIP) install --require-hashes -r requirements/build.txt
	@echo "  installing the pinned packages (about a minute)"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@echo "  installing Starling itself"
	@$(INSTALL) --no-deps --editable .
	@touch $(READY)
	@echo "Ready."

demo: $(READY) ## Try it: the bot, the bridge and a local Telegram, in your browser
	@$(BIN)/python -m sandbox demo

run: $(READY) ## Run with your own BOT_TOKEN, API_ID and API_HASH (.env)
	@$(BIN)/python -m processes

test: lint ## Every check and test
	@echo "Running the tests (five to ten minutes)"
	@$(BIN)/python -m pytest

lint: $(READY) ## Style, types and layers
	@echo "Checking style (ruff), types (mypy) and layers (import-linter)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n 4

bench: $(READY) ## Measure, side by side in one run
	@$(BIN)/python -m benchmarks

# Pins again from pyproject.toml; needs uv on the PATH. --universal: one lock for every Python from 3.11.2 up.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: ## Renew the pinned packages (needs uv)
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove .venv and caches (never ./data or ./keys)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
