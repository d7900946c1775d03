# `make demo` and `make test` need nothing but Python >= 3.11, git and make.
PYTHON ?= python3
MESSAGES ?=
BROKER ?= embedded
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install demo test check constraints schemas

install: $(VENV)/installed

# uv installs in seconds what pip takes minutes for; pip brings only uv itself.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/ressenti demo --broker $(BROKER) $(if $(MESSAGES),--messages "$(MESSAGES)")

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: check
	$(BIN)/pytest

# The pinned versions, for every supported Python, without the address of any index.
constraints:
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --no-emit-package ressenti --upgrade --quiet \
		--output-file constraints.txt

# The JSON Schemas and the AsyncAPI document, from consumer/contracts.py.
schemas: install
	$(BIN)/python -m consumer.schemas
