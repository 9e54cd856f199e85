# What people type. Works with any make and a plain shell; the real work is in deploy/scripts.
.DEFAULT_GOAL := help
.PHONY: help up test check lint types imports docs format bench clean

VENV := .venv
BIN := $(VENV)/bin
# A Python of 3.11 or newer; found on the PATH unless named: make up PYTHON=/opt/python/bin/python3
PYTHON ?=
export PYTHON
# Several tests at a time, a file's all in one process, in the order that tests/rigs/order.py gives.
SHARED := --dist loadfile --no-loadscope-reorder

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z]*\):.*## /  make \1   /p' Makefile

up: $(VENV)/.server ## start Aldea on this machine (ALDEA_HTTP_PORT, ALDEA_MQTT_PORT, ALDEA_DATA)
	@exec $(BIN)/aldea up

test: $(VENV)/.dev ## install what the tests need, then run them all
	@deploy/scripts/install-test-needs
	@$(BIN)/python -m pytest $(SHARED) -n logical --maxprocesses 4 -m "not waiting and not alone"
	@$(BIN)/python -m pytest $(SHARED) -n 2 -m waiting $$(grep -rl --include='test_*.py' 'mark\.waiting' tests)
	@$(BIN)/python -m pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests)

check: lint types imports docs ## everything but the tests

lint: $(VENV)/.dev ## style and likely mistakes
	@$(BIN)/ruff check . deploy/scripts/check-fresh-start deploy/scripts/check-docs
	@$(BIN)/ruff format --check . deploy/scripts/check-fresh-start deploy/scripts/check-docs

types: $(VENV)/.dev ## mypy --strict
	@$(BIN)/mypy
	@$(BIN)/mypy --scripts-are-modules deploy/scripts/check-fresh-start
	@$(BIN)/mypy --scripts-are-modules deploy/scripts/check-docs

imports: $(VENV)/.dev ## who may import whom
	@$(BIN)/lint-imports

docs: $(VENV)/.dev ## links between our pages lead somewhere
	@$(BIN)/python deploy/scripts/check-docs

format: $(VENV)/.dev ## format the code, and mend what can be mended
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format . deploy/scripts/check-fresh-start deploy/scripts/check-docs

bench: $(VENV)/.dev ## measure all that has a budget: ingest, agent, wire, pages, alerts, start
	@PYTHONPATH=tests $(BIN)/python -m bench

clean: ## remove the environment, caches and builds; your data stays
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.server: pyproject.toml
	@deploy/scripts/make-environment server

$(VENV)/.dev: pyproject.toml
	@deploy/scripts/make-environment dev
