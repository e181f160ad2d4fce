# Everything a newcomer needs: `make demo` and `make test`. Each sets itself up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
INSTALL := $(PIP) install --no-build-isolation --use-pep517

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-together test-unit lint lint-beside test-compat walks chaos bench bench-queue \
	messages gallery lock clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-11s %s\n", $$1, $$2}'

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

TOGETHER := -n auto --dist worksteal

# Most tests mind no company. Those marked `alone` run on real time, and have the machine to themselves.
test: $(READY) ## Every check and test
	@$(MAKE) --no-print-directory -j2 lint-beside test-together
	@echo "The tests that measure time, one after the other (two minutes)"
	@$(BIN)/python -m pytest -m alone

test-together: $(READY)
	@echo "Most tests side by side, and the checks beside them (five minutes)"
	@$(BIN)/python -m pytest $(TOGETHER) -m "not alone"

test-unit: $(READY) ## The unit tests only
	@$(BIN)/python -m pytest $(TOGETHER) tests/unit

# What it says comes in one piece, not between the dots of the tests.
lint-beside: $(READY)
	@said=$$($(MAKE) --no-print-directory lint 2>&1); code=$$?; printf '\n%s\n' "$$said"; exit $$code

lint: $(READY) ## Style, types and layers
	@echo "Checking style (ruff), types (mypy) and layers (import-linter)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n 4

messages: $(READY) ## Give every language the messages of the code, and say what is to be translated
	@$(BIN)/python -m tests.catalogs

gallery: $(READY) ## Draw every screen in every language on one page: build/gallery.html
	@$(BIN)/python -m tests.screens --gallery build/gallery.html

# The oldest redis-py we work with, in an environment of its own: everything else is as in dev.txt.
COMPAT := .venv-compat
COMPAT_TESTS := tests/integration/test_queue*.py tests/integration/test_bridge*.py tests/unit/test_queue*.py \
	tests/unit/test_contract.py

test-compat: $(COMPAT)/.compat ## The queue's tests on the oldest redis-py
	@$(COMPAT)/bin/python -m pytest $(COMPAT_TESTS)

$(COMPAT)/.compat: pyproject.toml requirements/build.txt requirements/dev.txt requirements/compat.txt
	@$(MAKE) --no-print-directory setup VENV=$(COMPAT)
	@$(COMPAT)/bin/python -m pip --disable-pip-version-check -qq install --no-deps --require-hashes -r requirements/compat.txt
	@touch $@

WALKS ?= 100

walks: $(READY) ## Two people tap and type at random, long: 100 walks (WALKS=...), new ones each time
	@WALKS=$(WALKS) $(BIN)/python -m pytest tests/e2e/test_anything.py

chaos: $(READY) ## Kill, stop and drop everything, long: 25,000 requests
	@$(BIN)/python -m tests.chaos

bench: $(READY) ## Measure, side by side in one run
	@$(BIN)/python -m benchmarks

# The frameworks the queue is measured beside: never in our own environment, and one each where their pins clash.
BENCH_READY := $(VENV)-bench/.ready $(VENV)-bench-saq/.ready $(VENV)-bench-arq/.ready

bench-queue: $(READY) $(BENCH_READY) ## Measure the queue beside other frameworks
	@$(BIN)/python -m benchmarks queue

$(VENV)-%/.ready: requirements/%.txt
	@echo "Setting up (once): $(VENV)-$*, for the benchmark only"
	@$(PYTHON) -m venv $(VENV)-$*
	@$(VENV)-$*/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r $<
	@touch $@

# Pins again from pyproject.toml; needs uv on the PATH. --universal: one lock for every Python from 3.11.2 up.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: ## Renew the pinned packages (needs uv)
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	for one in bench bench-saq bench-arq; do $(LOCK) requirements/$$one.in -o requirements/$$one.txt || exit 1; done
	$(LOCK) --no-deps requirements/compat.in -o requirements/compat.txt

clean: ## Remove .venv and caches (never ./data or ./keys)
	rm -rf $(VENV) $(COMPAT) $(VENV)-bench* build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
