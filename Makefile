# The command sheet. `make` alone lists the commands; ARGS="…" hands options on to the tool behind a command.
# Everything that is set up or cached lands in .venv and .cache of this folder, nothing elsewhere.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Whole paths for the settings, relative ones in the commands: so the folder's name may hold spaces.
CACHE := $(CURDIR)/.cache
# The first that starts: a version manager may put names on the PATH that lead nowhere.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -IBc "import tomllib" 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin

export UV_CACHE_DIR := $(CACHE)/uv
export UV_PYTHON_INSTALL_DIR := $(CACHE)/python
export UV_PYTHON_BIN_DIR := $(CACHE)/tools
export UV_TOOL_DIR := $(CACHE)/uv-tools
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export PLAYWRIGHT_BROWSERS_PATH := $(CACHE)/playwright
export NUMBA_CACHE_DIR := $(CACHE)/numba
export MPLCONFIGDIR := $(CACHE)/matplotlib
export XDG_CACHE_HOME := $(CACHE)/xdg
export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export PYTEST_DEBUG_TEMPROOT := $(CACHE)/tmp
# A socket's path holds 107 characters: in a deep folder the system's temporary folder has to do.
export TMPDIR := $(shell tmp="$(CACHE)/tmp"; [ $${#tmp} -le 55 ] && echo "$$tmp" || echo "$${TMPDIR:-/tmp}")
# The machine's certificates, where it has any: a company's proxy may be among them.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := 1
endif
# Settings of another environment would lead Python astray; without compiled files every start is slow.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE

# The packages that only tests need are left where they are by `run`, so that it undoes no `test`.
# Takes uv from the machine or fetches it, then brings .venv in line with uv.lock: 0.2 s when nothing has changed.
define install
@mkdir -p .cache/tmp .cache/home
@uv=$$($(PYTHON) -IB .ci/fetch_uv.py) && "$$uv" sync --frozen $(if $(wildcard $(BIN)/governance),--quiet) $(1)
endef

# A home of their own for the tests: a browser and its libraries write there, and nobody's settings count.
AWAY := HOME="$(CACHE)/home" XDG_CONFIG_HOME="$(CACHE)/home/.config"

.PHONY: help setup run empty test thorough lint golden bench oracles screenshots clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## set up everything that running and testing need, but for the browser
	$(call install)

run: ## serve the portal on 127.0.0.1:8501; without a store it builds the demo meanwhile
	$(call install,--no-dev --inexact)
	@$(BIN)/governance serve $(ARGS)

empty: ## serve the portal on a store of its own that starts with nothing
	$(call install,--no-dev --inexact)
	@GOVERNANCE_STORE=data/empty $(BIN)/governance serve --empty $(ARGS)

test: lint ## run the checks and all tests, in a headless Chromium too
	@$(AWAY) $(BIN)/python .ci/fetch_browser.py
	@$(AWAY) $(BIN)/python -m pytest -n 3 --dist worksteal -o cache_dir=.cache/pytest $(ARGS)

thorough: export THOROUGH := 1
thorough: setup ## ask and draw at random so often that it takes half an hour: who may read what, one person alone
	@$(AWAY) $(BIN)/python -m pytest -o cache_dir=.cache/pytest $(or $(ARGS),tests/properties/test_alone.py tests/services/test_reading.py)

lint: setup ## check style, types and the floors
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python $(BIN)/lint-imports --cache-dir .cache/import-linter

golden: setup ## make anew what tests/golden keeps of the product's words and answers
	@$(AWAY) $(BIN)/python -m tests.golden $(ARGS)

bench: setup ## measure the figures that the README gives
	@$(BIN)/python -m tests.benchmarks $(ARGS)

oracles: setup ## ask NannyML anew what the tests compare with, and record its answers
	@$(BIN)/python -m tests.oracles $(ARGS)

screenshots: export GOVERNANCE_SCREENSHOTS := $(CACHE)/screenshots
screenshots: setup ## photograph every page, light and dark, wide and narrow, into .cache/screenshots
	@$(AWAY) $(BIN)/python .ci/fetch_browser.py
	@$(AWAY) $(BIN)/python -m pytest -o cache_dir=.cache/pytest tests/e2e $(ARGS)

clean: ## remove what setup and tests have made; the stores in data/ stay
	@rm -rf .venv .cache
	@find core portal data tests -name __pycache__ -prune -exec rm -rf {} +
