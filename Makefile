# Two commands: `make book` and `make test`. `make` alone lists all.

PROFILE ?= quick
PYTHON ?= $(word 2,$(shell .ci/pythons))
VENV ?= .venv

BIN := $(VENV)/bin
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test

.DEFAULT_GOAL := help
.PHONY: help book published release test test-pythons bounds bench check install clean

help: ## explain these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "variables: PROFILE=quick|laptop|paper   PYTHON=/path/to/python   VENV=.venv"

book: $(INSTALLED) ## execute the notebooks and build the book: _build/PROFILE/html/index.html
	$(BIN)/cena run --profile $(PROFILE)
	$(BIN)/cena book --profile $(PROFILE)

published: $(INSTALLED) ## build the book from the committed notebooks, executing nothing: _build/published/html/index.html
	$(BIN)/cena book --profile published

release: $(INSTALLED) ## put the published book, its notebooks and results into _build/release; refused while a page is stale
	$(BIN)/cena bundle

test: $(INSTALLED_TEST) ## check style, types and layers, run all tests with coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov=cena --cov-report=term-missing --cov-fail-under=90

test-pythons: ## on the other supported Pythons installed here: the pins resolve, and all fast tests pass that need no torch
	@set -e; for version in $(OTHERS); do $(MAKE) --no-print-directory test-python-$$version; done

bounds: $(INSTALLED_TEST) ## execute every notebook at both ends of its parameters, on a tiny profile
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m bounds tests/notebooks

bench: $(INSTALLED_TEST) ## run the benchmarks: what each step costs, and that it is as fast as its docstring says
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --benchmark-only tests/benchmarks

check: $(INSTALLED) ## say which published notebooks no longer follow from the code
	$(BIN)/cena check

install: $(INSTALLED_TEST) ## create VENV with all pinned packages (the others do it when needed)

clean: ## delete what was built; keeps VENV and the artifacts
	rm -rf _build .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
	@[ -n "$(PYTHON)" ] || \
		{ echo "None of Python 3.11, 3.12 and 3.13 is found: install one, or say where it is: make PYTHON=/path/to/python3.11"; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || \
		{ echo "The pinned packages need Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is none of these: make PYTHON=/path/to/python3.11"; exit 2; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) --requirement requirements.txt
	$(BIN)/$(PIP_INSTALL) --no-deps --editable .
	@touch $@

$(INSTALLED_TEST): $(INSTALLED) requirements-test.txt
	$(BIN)/$(PIP_INSTALL) --requirement requirements-test.txt
	@touch $@

# The other Pythons have an environment each of all pinned packages but torch.
VERSION = $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
OTHERS = $(filter-out $(VERSION),$(filter 3.%,$(shell .ci/pythons)))

test-python-%: _build/python-%/.installed
	$(<D)/bin/$(PIP_INSTALL) --dry-run --only-binary :all: --use-feature fast-deps --requirement requirements-test.txt
	PYTHONPATH=. OMP_NUM_THREADS=1 $(<D)/bin/python -m pytest -n 2 -m "not slow"

_build/python-%/.installed: requirements.txt requirements-test.txt constraints.txt
	"$$(.ci/pythons | sed -n 's/^$* //p')" -m venv $(@D)
	grep -hv '^torch=\|^-' requirements.txt requirements-test.txt > $(@D)/requirements.txt
	$(@D)/bin/$(PIP_INSTALL) --constraint constraints.txt pip
	$(@D)/bin/$(PIP_INSTALL) --only-binary :all: --constraint constraints.txt --requirement $(@D)/requirements.txt
	@touch $@
.PRECIOUS: _build/python-%/.installed
