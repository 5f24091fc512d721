# With Python 3.11 to 3.13 and make on the machine, every target works from a fresh clone.
# Settings are environment variables (see .env.example) or arguments: make run GROWTH_AS_OF=2026-09-30

PYTHON ?= $(firstword $(foreach version,3.11 3.12 3.13,$(shell command -v python$(version) 2>/dev/null)) python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPARK_READY := $(VENV)/.spark

IN_PARALLEL := --numprocesses 3 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run ui test test-slow test-all test-spark soak lint format docs bench lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## Make the environment in .venv (the other targets do it by themselves)

$(READY): requirements.lock
	@echo "Making the environment in $(VENV) (about two minutes, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q settings.py validation.py cli connectors expectations ingestion operations orchestration sample_company serving transform warehouse
	@$(BIN)/growth parse
	@touch $@

run: $(READY) ## Simulate or read the sources, load, build, validate, publish
	@$(BIN)/growth run

ui: $(READY) ## Dagster's web UI on http://127.0.0.1:3000
	@$(BIN)/growth ui

test: $(READY) ## Every kind of test, in about eight minutes on two processors
	@$(BIN)/python -m pytest -m "not slow and not soak and not spark" $(IN_PARALLEL)

test-slow: $(READY) ## What takes longer: whole runs, kills, backfills
	@$(BIN)/python -m pytest -m "slow and not soak and not spark" $(IN_PARALLEL)

test-all: $(READY) ## The tests of both in one go, which share the runs that they begin with
	@$(BIN)/python -m pytest -m "not soak and not spark" $(IN_PARALLEL)

$(SPARK_READY): deploy/spark/requirements.txt $(READY)
	@echo "Installing Spark and Iceberg into $(VENV) (400 MB, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement deploy/spark/requirements.txt
	@touch $@

test-spark: $(SPARK_READY) ## A cluster of two workers on this host: whole runs, lost workers, a lost server
	@$(BIN)/python -m pytest -m spark -n0 --timeout=7200

soak: $(READY) ## What takes longer: large sizes, repeated kills
	@$(BIN)/python -m pytest -m soak --timeout=7200

lint: $(READY) ## Style, types, the arrows between the rooms, generated files, metrics
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/growth contract --check
	@$(BIN)/growth dictionary --check
	@$(BIN)/growth metrics validate-configs --skip-dw
	@GROWTH_DBT_FILE=:memory: $(BIN)/sqlfluff lint dbt_project/models --disable-progress-bar --processes 2

format: $(READY) ## Rewrite the code in the house's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(READY) ## dbt's documentation site, the input contract's page and the dictionary of tables
	@$(BIN)/growth contract
	@$(BIN)/growth dictionary
	@$(BIN)/growth docs

bench: $(READY) ## Seconds, CPU and memory of each phase beside bare DuckDB (BENCH_SIZES="small medium")
	@$(BIN)/python -m benchmarks $(BENCH_SIZES)

lock: $(READY) ## Resolve pyproject.toml into requirements.lock again
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-package sqlglotrs --upgrade --quiet --output-file requirements.lock

clean: ## Remove the environment and caches (data/ stays)
	rm -rf $(VENV) dbt_project/target dbt_project/logs .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
