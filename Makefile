VENV ?= .venv
PYTHON ?= python3
TORCH ?= 2.13.0
BIN := $(VENV)/bin

# Tests start many Python processes, and pytest rewrites every test: kept bytecode saves each of them seconds.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo check check-all lint attack docs format clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

demo: $(VENV)/installed  ## score the default proxies on the embedded benchmark: no downloads, under 3 minutes
	$(BIN)/python -m harness out=results/runs/demo
	@echo "Now open results/runs/demo/report.md and scatter.png"

check: lint  ## ruff, mypy --strict, and the tests but for the long ones
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile -m "not long"

check-all: lint docs  ## what CI runs: ruff, mypy --strict, every test, the documentation
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile -rs

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

attack: $(VENV)/installed  ## the attacks of tests/attacks, ten times as many as in check
	HARNESS_ATTACKS=10 OMP_NUM_THREADS=1 $(BIN)/pytest tests/attacks

docs: $(VENV)/installed  ## build the documentation into docs/_build, warnings as errors
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "Now open docs/_build/index.html"

format: $(VENV)/installed  ## put the code into the project's layout
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the virtual environment and caches; scores and results stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==$(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
