# On a fresh machine with Python >= 3.11 and make: `make run` (the demo), `make test`, `make install` (a real installation).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PORT

.PHONY: run install test test-browser coverage lint rules lock messages docs-shots clean

run: $(VENV)/.installed
	@exec $(BIN)/python manage.py up --demo

# A real installation: no demo, no invented people. Run it again after every update.
install: $(VENV)/.installed
	@$(BIN)/python -m smartplus.first_env
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@$(BIN)/python manage.py next_step

# Everything but the browser tests, on SQLite unless DATABASE_URL says otherwise.
test: $(VENV)/.installed-dev
	$(BIN)/pytest -n auto --dist loadgroup -m "not browser" $(ARGS)

# Needs Chromium; CHROMIUM_PATH names another one than the system's.
test-browser: $(VENV)/.installed-dev
	$(BIN)/pytest -n auto --dist loadgroup -m browser $(ARGS)

# Branch coverage, on the database that DATABASE_URL names. It takes twice as long as the tests do without it, so CI leaves it out.
coverage: $(VENV)/.installed-dev
	$(BIN)/pytest -n auto --dist loadgroup -m "not browser" --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/mypy .
	$(BIN)/lint-imports

rules: $(VENV)/.installed-dev
	@$(BIN)/python tests/rules.py

# Needs GNU gettext. Collects the texts, brings them into order, compiles the translations.
messages: $(VENV)/.installed-dev
	SECRET_KEY=texts SITE_URL=http://texts $(BIN)/python manage.py makemessages --locale de --no-location --no-obsolete --ignore .venv --ignore var
	$(BIN)/python -m tests.messages
	SECRET_KEY=texts SITE_URL=http://texts $(BIN)/python manage.py compilemessages --locale de --ignore .venv

docs-shots: $(VENV)/.installed-dev
	$(BIN)/python -m tests.browser.shots

lock: $(VENV)/.installed-dev
	$(BIN)/python tests/lock.py --write

clean:
	rm -rf $(VENV) var

# The stamp is younger than the lock file only after a whole install: an interrupted one is repeated.
$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SmartPlus needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what SmartPlus needs into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing the tools of development into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
