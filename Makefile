# auditkit: `make demo` and `make test` do it all on a fresh Debian or Ubuntu machine with Python 3.11 or
# newer. `make help` lists every target.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint setup samples picture messages reference clean help
.DEFAULT_GOAL := demo

demo: setup  ## audit the bundled model and leave a signed report
	@sh tools/system-libraries.sh report
	$(BIN)/auditkit run policies/quickstart.yaml --out runs

test: setup lint  ## run every check and every test
	@sh tools/system-libraries.sh report test
	$(BIN)/python -m pytest -n 2 --dist loadgroup --durations=40 --durations-min=0.5

lint: setup  ## check format, style, import layers and types
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy --no-error-summary

samples: setup  ## run the sample reports again
	@sh tools/system-libraries.sh report
	$(BIN)/python tools/sample_reports.py

picture:  ## make the picture of page 1 again (needs pdftoppm)
	pdftoppm -r 60 -png -f 1 -l 1 -singlefile sample_reports/consistent/report.pdf docs/images/page-1

messages: setup  ## write the message catalogues of the report
	$(BIN)/python tools/report_messages.py

reference: setup  ## write the policy's JSON Schema and docs/settings.md
	$(BIN)/python tools/policy_reference.py

setup: $(INSTALLED)  ## make the virtual environment

$(INSTALLED): pyproject.toml constraints.txt auditkit/__init__.py
	@sh tools/system-libraries.sh venv $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt torch==2.13.0
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

clean:  ## remove what was set up and built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
