# `make lab` to read the book, `make test` to prove it. Both need Python 3.11 or newer and nothing
# else: the first call makes .venv and installs the versions in requirements.lock, later calls
# install nothing until that file or pyproject.toml changes.

# The first of these that is new enough; `make lab PYTHON=/path/to/python` names another.
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
START := notebooks/00_start_here.ipynb
LAB_ARGS :=
WORKERS := 2
PAGES := all
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)# in a container one often is root

.PHONY: help lab test test-browser chapter record format lock

help:
	@echo "make lab            open the book in JupyterLab (LAB_ARGS='--no-browser --port 9999' for more)"
	@echo "make test           run everything that must hold: style, types, tests, every chapter"
	@echo "make test-browser   use every lab of every chapter in a real browser (PAGES=short: each once)"
	@echo "make chapter N=04   for authors: make the notebook from its script, run it, clean it"
	@echo "make record RUN=runs/NAME   for authors: keep a finished run in assets/runs, for the book to show"
	@echo "make format         for authors: put code into the common style"
	@echo "make lock           for authors: choose the newest versions anew"

# The page by its address: given its file name, JupyterLab would serve the folder notebooks only,
# and the pictures in assets would lie outside.
lab: $(INSTALLED)
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/$(START) $(LAB_ARGS)

test: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest tests -m "not browser" -n $(WORKERS) --dist loadfile
	$(BIN)/pytest --nbval notebooks -n $(WORKERS) --dist loadscope --durations 10

# Each worker has a JupyterLab and a browser of its own.
test-browser: $(INSTALLED)
	LSGAN_PAGES=$(PAGES) $(BIN)/pytest tests/test_labs_in_browser.py -n $(WORKERS) --dist worksteal \
		--durations 5

chapter: $(INSTALLED)
	@test -n "$(N)" || { echo "Which chapter? For example: make chapter N=04 (or N=all)"; exit 1; }
	$(BIN)/python tests/refresh.py $(N)

record: $(INSTALLED)
	@test -n "$(RUN)" || { echo "Which run? For example: make record RUN=runs/mnist-least-squares"; exit 1; }
	$(BIN)/python -m lsgan_lib.evaluation.record $(RUN)

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(INSTALLED)
	$(BIN)/uv pip compile pyproject.toml --universal --all-extras --python-version 3.11 --upgrade \
		--no-emit-index-url --no-header --no-annotate -o requirements.lock

# The lock is a list of constraints: exact versions of whatever our own dependencies bring along.
$(INSTALLED): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "This book needs Python 3.11 or newer, and found none."; \
		echo "Get it from python.org, or name it: make lab PYTHON=/path/to/python3.12"; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python --constraint requirements.lock --editable ".[book,prep,test]"
	@# no "Would you like to get news?" over the first page, and no look for updates
	@$(BIN)/jupyter labextension disable --level=sys_prefix \
		"@jupyterlab/apputils-extension:announcements" 2>/dev/null
	@touch $@
