# make plan    set everything up, plan the 70B example, synthesize its stack
# make test    set everything up, pass the tests
# make lint    style, types, import contracts
# make bench   print the speed figures
# make pins    resolve the pinned requirements anew (needs make test once)
# make clean   remove what the above installed and wrote

PYTHON ?= python3
WORKLOAD ?= workloads/train70b.yaml
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: plan test lint bench pins clean
.DELETE_ON_ERROR:

plan: $(VENV)/run.stamp node_modules/cdk.stamp
	$(BIN)/berth plan $(WORKLOAD)
	$(BIN)/cdk synth --quiet -c workload=$(WORKLOAD)

test: $(VENV)/dev.stamp node_modules/cdk.stamp
	$(BIN)/python -m pytest

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/run.stamp node_modules/cdk.stamp
	$(BIN)/python tools/bench.py

pins: $(VENV)/dev.stamp
	$(BIN)/python tools/pin_requirements.py

clean:
	rm -rf $(VENV) node_modules cdk.out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Berth needs Python 3.11 or newer; run: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	$(BIN)/python tools/link_node.py
	$(BIN)/python -m compileall -q berth planner pricing stacks
	touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(PIP) --require-hashes -r requirements/dev.txt
	touch $@

node_modules/cdk.stamp: package-lock.json $(VENV)/run.stamp
	$(BIN)/npm ci --no-audit --no-fund --loglevel=error
	touch $@
