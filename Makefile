SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# `PYTHON=3.11 make test` has an environment of its own, beside that of the newest Python on this machine.
VENV := .venv$(if $(PYTHON),-$(PYTHON))
export PYTHON
BIN := $(VENV)/bin
LOCK := pyproject.toml uv.lock scripts/setup.sh
# The demo's time counts from here, set-up included.
STARTED := $(shell date +%s)

.PHONY: help setup stubs demo test test-slow test-real test-all test-install bench-events bench-candidates bench-jobs bench-features bench-ranker bench-billion bench-sequences bench-baskets bench-candidate-quality check lint spelling imports format types protos tree lock docs features-page clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environment: the stamp lies in it and goes with it --------------------------------------------------------------

setup: $(VENV)/.setup stubs ## Build .venv from the lock file and generate the stubs; no root rights needed; PYTHON=3.11 chooses

$(VENV)/.setup: $(LOCK)
	scripts/setup.sh
	@touch $@

stubs: $(VENV)/.setup ## Generate the package `vitrine` from protos/ into build/stubs, where they changed
	@$(BIN)/python scripts/generate_stubs.py

# --- run -------------------------------------------------------------------------------------------------------------

# `exec`: signals reach the demo itself. make waits for it after Ctrl-C.
demo: setup ## Run the demo shop until Ctrl-C; EXIT=1 stops by itself
	@VITRINE_DEMO_STARTED_AT=$(STARTED) exec $(BIN)/python -m demo $(if $(EXIT),--exit)

# Every lane runs in as many processes as there are cores. A file's tests stay together: they share what is costly to make.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

test: setup ## Run the fast tests: no engine, no training; ARGS="-k name" chooses
	@exec $(PYTEST) $(ARGS)

test-slow: setup ## Run the slow tests: trainings, kills, several processes, end to end
	@exec $(PYTEST) -m "slow and not real" --timeout 600 $(ARGS)

test-real: setup ## Run the tests that need a real engine: VITRINE_TEST_MYSQL_URL or an installed mariadb-server, and VITRINE_TEST_ELASTICSEARCH_URL
	@exec $(BIN)/python -m pytest -m real $(ARGS)

test-all: test test-slow test-real ## Run all three lanes

test-install: setup ## Install each service and job alone, from the lock file; start them; print their sizes
	@exec $(BIN)/python -m scripts.checks.installs

# --- measure: figures on the terminal and in build/figures/ ----------------------------------------------------------

bench-events: setup ## Measure the event log on SQLite and MariaDB
	@exec $(BIN)/python -m bench.events

bench-candidates: setup ## Measure the candidates service; ARGS="--items 1000000"
	@exec $(BIN)/python -m bench.candidates $(ARGS)

bench-jobs: setup ## Measure the jobs of candidates; ARGS="--items 1000000 --users 1000000 --events 50000000"
	@exec $(BIN)/python -m bench.jobs $(ARGS)

bench-features: setup ## Measure the feature store in the demo's shop, on SQLite and MariaDB
	@exec $(BIN)/python -m bench.features

bench-ranker: setup ## Measure ranker, model server and training in the demo's shop
	@exec $(BIN)/python -m bench.ranker

bench-billion: setup ## Train a behavior model of a billion parameters for some steps; ARGS="--steps 300"
	@exec $(BIN)/python -m bench.billion $(ARGS)

bench-sequences: setup ## Measure the behavior model on sequences: FOLDER=… SEEDS=3; ARGS="--minutes 45"
	@exec $(BIN)/python -m bench.sequences $(FOLDER) $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

bench-baskets: setup ## Measure candidates and ranker on next baskets of the demo's grocer; SEEDS=3
	@exec $(BIN)/python -m bench.baskets $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

bench-candidate-quality: setup ## Measure how well candidates are found: FOLDER=…, or the demo's next baskets
	@exec $(BIN)/python -m bench.candidate_quality $(FOLDER) $(ARGS)

# --- checks ----------------------------------------------------------------------------------------------------------

check: lint spelling imports types protos tree lock features-page ## Run all checks; `make -k check` goes on after a failure

lint: setup ## Check format and style
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

spelling: setup ## Check for misspelled words, and for British spelling
	@git ls-files -z --cached --others --exclude-standard -- ':!uv.lock' | xargs -0 $(BIN)/codespell
	@echo "spelling: American, no word misspelled"

imports: setup ## Check that no service imports another, or more than its extra brings
	@$(BIN)/lint-imports --no-logo

format: setup ## Format, and repair what can be repaired
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

types: setup ## Check types, strictly
	@$(BIN)/mypy

protos: setup ## Lint the contracts, and look for breaking changes against main
	@$(BIN)/buf lint
	@VENV=$(VENV) scripts/check_breaking.sh

tree: setup ## Check links, lengths of files, and that the tree names no machine
	@$(BIN)/python -m scripts.checks.links
	@$(BIN)/python -m scripts.checks.lengths
	@$(BIN)/python -m scripts.checks.machine_names

docs: setup ## Generate docs/features.md from the definitions, and the picture of a page from the demo
	@$(BIN)/python -m scripts.feature_docs
	@$(BIN)/python -m demo --exit --picture docs/images/page.svg

features-page: setup ## Check that docs/features.md is what the definitions say
	@$(BIN)/python -m scripts.feature_docs --check

lock: setup ## Check that uv.lock is what pyproject.toml asks for
	@PATH="$$PATH:$(CURDIR)/.uv/bin" uv lock --check --quiet

clean: ## Remove what was built; the environment and the demo's state stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv*' -not -path './.uv/*' -prune -exec rm -rf {} +
