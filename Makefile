# Every command a developer needs. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.complete
SOURCES := dev gateway sandbox services shared tests

# s= names a service (order, inventory, ...), m= a message, T= a test path.
s ?=
m ?=
T ?= $(if $(s),tests/$(s),tests)

.PHONY: help
help: ## Say what can be done
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The local stack
.PHONY: up down clean logs status run ledger-verify
up: $(STAMP) ## Start everything here, without Docker (STACK=kafka|embedded|compose chooses)
	@$(BIN)/python -m dev.stack up
down: ## Stop it; data is kept
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m dev.stack down; else echo "nothing was ever started here"; fi
clean: ## Stop it and forget its data and keys
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m dev.stack clean; else rm -rf .local; fi
logs: $(STAMP) ## Follow the logs (s=order: one of them)
	@$(BIN)/python -m dev.stack logs $(s)
status: $(STAMP) ## Say what runs, where, and what memory it takes
	@$(BIN)/python -m dev.stack status
run: $(STAMP) ## Run one service of the stack in the foreground: make run s=order
	@$(BIN)/python -m dev.stack run $(s)
ledger-verify: $(STAMP) ## Read the running stack's whole ledger again: balance, chain, walls
	@$(BIN)/python -m dev.stack run settlement verify

##@ See it work
.PHONY: demo bench
demo: $(STAMP) ## A buyer's journey through the running stack
	@$(BIN)/python -m dev.demo
bench: $(STAMP) ## Measure the running stack
	@$(BIN)/python -m dev.bench

##@ Change it
.PHONY: venv fmt migrate migration contracts lock pages
venv: $(STAMP) ## Make .venv from the lock file
fmt: $(STAMP) ## Format, and mend what the linter can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@if [ -d web/node_modules ]; then cd web && npx prettier --log-level warn --write .; fi
pages: $(STAMP) ## Build the pages, if they changed (make up does it too)
	@$(BIN)/python -m dev.web build
migrate: $(STAMP) ## Bring the running stack's databases up to date (s=order: one of them)
	@$(BIN)/python -m dev.stack migrate $(s)
migration: $(STAMP) ## Write a migration from the tables: make migration s=order m="add a column"
	@$(BIN)/python -m dev.stack migration "$(s)" "$(m)"
contracts: $(STAMP) ## Regenerate schemas and documents of the event contracts
	@$(BIN)/python -m shared.contracts generate
lock: $(STAMP) ## Pin the newest versions that requirements*.in allow
	@$(BIN)/python -m dev.lock

##@ Prove it
.PHONY: check k8s-check test e2e soak
check: $(STAMP) ## Format, lint, types, imports, contracts, shape: seconds, no servers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.contracts check
	$(BIN)/yamllint --strict .
	$(BIN)/pytest --quiet tests/architecture
	@$(BIN)/python -W ignore -m dev.web check
k8s-check: $(STAMP) ## Render the Kubernetes manifests, judge them, and say what was not judged
	@$(BIN)/python -m dev.cluster check
test: $(STAMP) ## All tests on a real PostgreSQL and Kafka (s=order: one service's; T=path: those)
	$(BIN)/pytest -m "not bench and not soak" $(T)
e2e: $(STAMP) ## Journeys through a whole stack
	$(BIN)/pytest -m "not bench and not soak" tests/e2e
soak: $(STAMP) ## The whole crash matrix and the random loops; takes long
	$(BIN)/pytest -m soak --timeout 0 tests

# A virtual environment is complete only when everything in the lock file is in it.
$(STAMP): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "making .venv from requirements-dev.lock (about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar off -r requirements-dev.lock | sed -un 's/^Collecting \([^ ]*\).*/  \1/p; /^ERROR/p'; exit $${PIPESTATUS[0]}
	@touch $(STAMP)
