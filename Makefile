# `make check` before a commit, `make test` for the tests, `make bench` for the figures in benchmarks/README.md.
RUN := python3 .ci/environment.py exec

.PHONY: check test test-fast bench eval fuzz format dogfood wheel clean

check: dogfood
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) keyleak rules check

# Our own tree, and everything our own history ever held.
dogfood:
	$(RUN) keyleak scan --no-ignored .
	$(RUN) keyleak history .

test:
	python3 .ci/environment.py test

test-fast:
	python3 .ci/environment.py test -m "not slow"

bench:
	$(RUN) python benchmarks/scan_tree.py

eval:
	$(RUN) python benchmarks/keyleak_eval.py

TARGET ?= content
SECONDS ?= 60
fuzz:
	python3 .ci/environment.py fuzz $(TARGET) $(SECONDS)

format:
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

wheel:
	rm -rf dist
	$(RUN) python -m build --outdir dist
	$(RUN) check-wheel-contents dist

clean:
	rm -rf .venv dist build .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
