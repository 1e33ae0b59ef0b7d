# Every target sets up what it needs, and is quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test lint bench chaos fuzz clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## make the virtual environment and install everything into it

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; set PYTHON=/path/to/it")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup ## run the main job offline against a local Braze, and prove the result
	@$(BIN)/python -m braze_assets.demo

dev: setup ## open the Dagster UI, its daemon and a local Braze on this machine
	@$(BIN)/python -m braze_assets.demo.dev

test: setup ## run the test-suite
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: setup ## formatting, lint rules, import directions, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: setup ## measure speed and memory as ratios (minutes)
	$(BIN)/python -m benchmarks

chaos: setup ## a thousand schedules of faults and kill -9 against every promise (ARGS="--schedules 100")
	@$(BIN)/python -m braze_assets_tests.chaos $(ARGS)

fuzz: setup ## a hundred thousand damaged Avro files in processes with little memory (ARGS="--files 1000")
	@$(BIN)/python -m braze_assets_tests.fuzz $(ARGS)

clean: ## remove the virtual environment and everything the demo made
	rm -rf $(VENV) .local/demo .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
