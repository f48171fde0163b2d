# Two commands: `make book` and `make test`. `make` alone lists all.

PROFILE ?= quick
PYTHON ?= python3.11
VENV ?= .venv

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test

.DEFAULT_GOAL := help
.PHONY: help book published test check install clean

help: ## explain these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "variables: PROFILE=quick|laptop|paper   PYTHON=python3.11   VENV=.venv"

book: $(INSTALLED) ## execute the notebooks and build the book: _build/PROFILE/html/index.html
	$(BIN)/cena run --profile $(PROFILE)
	$(BIN)/cena book --profile $(PROFILE)

published: $(INSTALLED) ## build the book from the committed notebooks, executing nothing: _build/published/html/index.html
	$(BIN)/cena book --profile published

test: $(INSTALLED_TEST) ## check style, types and layers, run all tests with coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov=cena --cov-report=term-missing --cov-fail-under=90

check: $(INSTALLED) ## say which published notebooks no longer follow from the code
	$(BIN)/cena check

install: $(INSTALLED_TEST) ## create VENV with all pinned packages (the others do it when needed)

clean: ## delete what was built; keeps VENV and the artifacts
	rm -rf _build .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "The pinned packages need Python 3.11, and '$(PYTHON)' is not that: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(INSTALLED_TEST): $(INSTALLED) requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-test.txt
	@touch $@
