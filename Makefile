# Two commands for a newcomer: `make demo` and `make test`. Python 3.11 or 3.12 is all they need.

PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
BIN := .venv/bin
PYTEST := $(BIN)/pytest -n 2 --dist loadgroup

.PHONY: demo test test-compose check bench lock docs clean

demo: .venv/.runtime
	@$(BIN)/localaws up --detach
	@$(BIN)/greatfin run lake/top-leads

test: .venv/.dev check
	$(PYTEST)

# Builds the images where they are missing; needs Docker with compose v2.
test-compose: .venv/.dev
	$(BIN)/python tests/compose/run.py

check: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy services pipelines

bench: .venv/.dev
	$(BIN)/python tests/bench/run.py

docs: .venv/.dev
	$(BIN)/python docs/generate.py

.venv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; none was found" >&2; exit 5; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock pyproject.toml | .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q services pipelines
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q services pipelines
	@touch $@ .venv/.runtime

# Pins with hashes and without addresses: the machine's own index is used to install them.
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --generate-hashes --no-emit-index-url \
	--no-header --universal --python-version 3.11
lock: .venv/.dev
	$(BIN)/pip install --quiet uv
	$(LOCK) --extra dev --extra compose -o requirements-dev.lock
	$(LOCK) --extra compose -c requirements-dev.lock -o requirements.lock
	$(LOCK) --extra notebook -c requirements-dev.lock -o requirements-notebook.lock

clean:
	-@$(BIN)/localaws stop
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
