# Two commands: `make run` sets everything up and places a call; `make test` sets everything up and runs every test.
# Each target may be called again at any time: what is done is not done twice.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/tools
READY := $(VENV)/.ready
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . \
	2> $(VENV)/build.log || { cat $(VENV)/build.log; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help setup switch postgres run demo rehearse types test test-fast lint picture file-map docs site-test bench audit mutants clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## the virtual environment, from the lock file
	@$(BIN)/python -m queue_model.compiled || { echo "== compiling the model again" && $(INSTALL); }

$(READY): requirements.lock setup.cfg pyproject.toml setup.py queue_model/simulation/kernel.py queue_model/simulation/array_loops.py queue_model/runs/measures/tally.py queue_model/random/variates.py
	@echo "== setting up the virtual environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@rm -rf *.egg-info # what an earlier build left there would hide the entry points
	@$(INSTALL)
	@touch $@

switch: setup ## Asterisk and SIPp, unpacked under var/ (no root needed)
	@$(BIN)/lab switch install

postgres: setup ## PostgreSQL, unpacked under var/, for the tests and benchmarks of the registry
	@$(BIN)/lab postgres install

run: setup ## a demonstration call, then stay up for your softphone
	@$(BIN)/lab demo --stay

demo: setup ## the demonstration call only; the exit status says whether every step happened
	@$(BIN)/lab demo

rehearse: setup ## play the caller yourself, in the terminal
	@$(BIN)/ivr rehearse

types: setup ## the types of the compiled configuration, generated from its settings
	@$(BIN)/python -m ivr.configuration.generate_types

lint: setup ## style, types, and which way imports run
	@echo "== ruff, codespell, mypy, import-linter"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test-fast: postgres ## the tests that need no switch
	@$(BIN)/python -m pytest -m "not switch and not site" -n auto --dist loadfile

test: lint switch postgres ## everything: style, types, all tests, those on a real Asterisk included
	@echo "== the tests that need no switch, on all cores"
	@$(BIN)/python -m pytest -m "not switch and not site" -n auto --dist loadfile
	@echo "== the tests on a real Asterisk: they mostly wait, so several telephones run side by side"
	@$(BIN)/python -m pytest -m switch -n 3 --dist loadfile

picture: setup ## draw the packages and their imports: docs/packages.svg
	@$(BIN)/python -m docs.scripts.packages_picture

file-map: setup ## write one line for each module: docs/files.md
	@$(BIN)/python -m docs.scripts.file_map

docs: picture file-map ## the API reference as pages, from the docstrings: build/docs/index.html
	@$(BIN)/pdoc --output-directory build/docs common charter pages ivr registry measure queue_model voicemail lab '!registry.db.migrations.env'
	@echo "written: build/docs/index.html"

site-test: setup ## the systemd units on a booted Debian (needs root, mmdebstrap, systemd-nspawn; minutes)
	@$(BIN)/python -m pytest -m site tests/site

bench: switch postgres ## the benchmarks; their table is benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

audit: setup $(TOOLS)/.ready ## known faults of the dependencies, by pip-audit; needs the network, and reports when it cannot reach its data
	@$(BIN)/python -m lab.audit $(TOOLS)/bin/pip-audit requirements.lock

mutants: setup $(TOOLS)/.ready ## changes of the source that a test must notice: a sample (ONLY=charter for a part)
	@nice -n 10 $(TOOLS)/bin/python -m tests.mutants --only "$(ONLY)" $(if $(EACH),--each $(EACH))

$(TOOLS)/.ready: requirements-tools.lock | $(READY)
	@echo "== setting up the environment of the tools in $(TOOLS)"
	@test -x $(TOOLS)/bin/python || $(BIN)/python -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	@touch $@

clean: ## remove the virtual environment and everything under var/
	rm -rf $(VENV) var build dist *.egg-info
