# make run   a fresh clone to a page in the browser      make test   everything that must hold
# make bench the figures of the README                   make lock   renew constraints.txt
# make bench-agents   what agents find beside random search, three seeds each; takes long

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PORT   ?= 8501

.PHONY: run test bench bench-agents lock check clean

run: $(VENV)/.run
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: check
	$(BIN)/python scripts/find_chromium.py
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy qcore ui

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

bench-agents: $(VENV)/.dev
	$(BIN)/python -m benchmarks agent-curves

lock: $(VENV)/.dev
	(echo "# Exact versions tested together on Python 3.11. Renew: make lock"; \
	 $(BIN)/python -m pip freeze | sed 's/+cpu//') > constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Bitdial needs Python 3.11 (found $$($(PYTHON) --version 2>&1));" \
	         "install it, or: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt constraints.txt | $(BIN)/python
	@echo "Installing packages into $(VENV) (once; a few minutes) ..."
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(PIP) -r requirements-dev.txt
	touch $@
