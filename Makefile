# auditkit: two commands do it all on a fresh Debian or Ubuntu machine with Python 3.11 or newer.
#   make demo   sets up, audits the bundled model, leaves a signed report
#   make test   sets up, runs every check and every test
# make samples makes the sample reports again, make messages the message catalogues of the report.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint setup golden samples messages clean
.DEFAULT_GOAL := demo

demo: setup
	@sh tools/system-libraries.sh report
	$(BIN)/auditkit run policies/quickstart.yaml --out runs

test: setup lint
	@sh tools/system-libraries.sh report test
	$(BIN)/python -m pytest -n 2 --dist loadgroup --durations=40 --durations-min=0.5

lint: setup
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy --no-error-summary

golden: setup
	$(BIN)/python -m pytest tests/golden --update-goldens

samples: setup
	@sh tools/system-libraries.sh report
	$(BIN)/python tools/sample_reports.py

messages: setup
	$(BIN)/python tools/report_messages.py

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt auditkit/__init__.py
	@sh tools/system-libraries.sh venv $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt torch==2.13.0
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
