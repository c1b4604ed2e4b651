# Everything a newcomer or a machine needs: `make demo`, `make test`, `make check`. Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV ?= .venv
MINUTES ?= 10
JOBS ?= 2
BIN := $(VENV)/bin
RUN := requirements/run.txt
DEV := requirements/dev.txt
BENCH := requirements/bench.txt

.PHONY: help demo test invariants check format lint types layers hub-check docs bench crash-matrix soak lock clean
.DEFAULT_GOAL := help

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(RUN) pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(RUN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(DEV) $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DEV)
	@touch $@

$(VENV)/.bench: $(BENCH) $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(BENCH)
	@touch $@

demo: $(VENV)/.run ## Run the main job: a county, its far sides with faults on, and an account that adds up.
	$(BIN)/hub demo

test: $(VENV)/.dev ## Run every test that finds what it needs, JOBS files at once; the others say what they miss.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST)

invariants: $(VENV)/.dev ## Run the tests that hold the invariants: every one that docs/invariants.md names.
	$(BIN)/python -m tests.invariants $(PYTEST)

check: format lint types layers hub-check docs ## Run all checks: format, lint, types, layers, configuration, documentation.

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

hub-check: $(VENV)/.run ## Check the shipped configuration and run the mappings' cases.
	$(BIN)/hub check
	$(BIN)/hub test

docs: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/docs

bench: $(VENV)/.bench ## Run the benchmarks side by side; prints ratios.
	$(BIN)/python -m benchmarks

crash-matrix: $(VENV)/.dev ## Kill, fill, lock and freeze a hub, row by row, and write docs/crash-matrix.md.
	$(BIN)/python -m tests.fault.matrix

soak: $(VENV)/.dev ## Let a hub, then workers, work under load and faults for MINUTES each, and the model play as long; ends by itself.
	$(BIN)/python -m tests.fault.soak --minutes $(MINUTES)
	HUB_MODEL_EXAMPLES=$$(( $(MINUTES) * 30 )) $(BIN)/python -m pytest -q tests/fault/test_model.py

lock: $(VENV)/.dev ## Resolve the pinned, hash-checked requirements anew.
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra postgresql --extra scale --extra mysql --extra sftp --extra sm --extra build -o $(RUN) pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra postgresql --extra scale --extra mysql --extra sftp --extra sm --extra build --extra dev -o $(DEV) pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--constraints $(DEV) --extra bench -o $(BENCH) pyproject.toml

clean: ## Remove what was made here.
	rm -rf $(VENV) var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
