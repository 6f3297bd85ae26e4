# Each target works as the only command on a fresh machine with Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PLACE ?= qinghuayuan
OUT ?= out/$(PLACE)

.PHONY: help run demo test setup setup-all lint lock screenshots clean

help: ## Say what there is to do
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: demo ## Set up, do the main job on a bundled sub-district, then open the app (its address is printed)
	$(BIN)/gridgeo app $(OUT)/$(PLACE).gpkg

demo: setup ## Set up and do the main job (PLACE=nanshan for the other one; results in out/)
	$(BIN)/gridgeo demo --place $(PLACE) --out $(OUT)

test: setup-all ## Set up and run everything that must pass
	@# While the code is read through, the inner loops are compiled: else both processes of the tests would do it.
	@$(BIN)/gridgeo demo --json --out out/compiled >/dev/null 2>&1 & $(MAKE) --no-print-directory lint && wait
	$(BIN)/pytest -n 2 --dist loadfile

lint: setup-all ## Style, types, import contract, docstrings, spelling, notebooks without output
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_docstrings.py
	$(BIN)/codespell
	$(BIN)/python tools/check_notebooks.py

setup:
	@$(PYTHON) tools/bootstrap.py app

setup-all:
	@$(PYTHON) tools/bootstrap.py all

lock: ## Pin the dependencies of pyproject.toml again (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    pyproject.toml --extra app --group setup -o requirements/app.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    pyproject.toml --all-extras --group setup -c requirements/app.txt -o requirements/all.txt

screenshots: setup-all ## Take the README's pictures of the app again
	$(BIN)/python tools/take_screenshots.py

clean: ## Remove what set-up and runs made
	rm -rf .venv out gridgeo/web/node_modules
