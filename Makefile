# make demo: the main job. make test: every test in every language. Both set up what they need inside the checkout.

PYTHON ?= python3
VENV := .venv
PY := $(CURDIR)/$(VENV)/bin/python
SEED ?= 1
# Workspaces of their own, built into the same folder as the rest.
MEASURES := tests/peers tests/timing
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
PEERS := --manifest-path tests/peers/Cargo.toml
INSTALL := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m pip install --quiet --no-deps --no-build-isolation

.PHONY: demo demo-fleet test test-rust test-node test-python test-reference test-docs test-pairs test-redis test-frameworks frameworks table long lint fmt bench bench-bindings bench-frameworks timing vectors python node clean

demo: python node
	cd examples/demo && npm ci --no-audit --no-fund --silent
	$(PY) examples/demo/run.py --output demo-output

# Agents of two frameworks and a server of a third, in three processes.
demo-fleet: frameworks
	ln -sfn $(FRAMEWORKS)/node/node_modules examples/fleet/node_modules
	$(FRAMEWORKS)/.venv/bin/python examples/fleet/run.py --node $(FRAMEWORKS)/node/node_modules/.bin/node

test: test-rust test-node test-python test-reference test-docs test-pairs test-redis test-frameworks

# The report is drawn by a browser; without chromium that is skipped, unless DEPUTIZE_REQUIRE_CHROMIUM is set.
test-rust:
	cargo test --quiet -p deputize -p deputize-tests --features deputize/jwt,deputize/redis
	cargo test --quiet -p deputize-cli

# With a second addon beside the one that users get: it has a function that panics, for the test that no panic ends the process.
test-node: bindings-node/node_modules/.tools
	cd bindings-node && npm run --silent build -- --test-panic && npm run --silent build && npm test

# With one function more than users get: it panics, for the test that no panic reaches Python.
test-python: $(VENV)/.tools
	$(INSTALL) --config-settings=build-args="--features test-panic" ./bindings-python
	cd bindings-python && $(PY) -m pytest

test-reference: python
	$(PY) -m pytest -q tests/reference
	$(PY) tests/reference/run_vectors.py
	$(PY) -m pytest -q -rs tests/interop
	cargo run --quiet -p deputize-tests --bin generate-chains -- 10000 $(SEED) | $(PY) tests/reference/agree.py 10000

# The README's and the guides' snippets and the examples, each as its reader would run it, and the command of each package.
test-docs: python node
	$(PY) -m pytest -q tests/docs

# Random pairs of constraints with a value, decided in Rust: Python, Node and the reference have to agree.
PAIRS := $(CURDIR)/target/pairs.jsonl
test-pairs: python node
	mkdir -p target && cargo run --quiet -p deputize-tests --bin generate-pairs -- 100000 $(SEED) > $(PAIRS)
	cd bindings-python && DEPUTIZE_PAIRS=$(PAIRS) $(PY) -m pytest -q tests/agree_pairs.py
	cd bindings-node && DEPUTIZE_PAIRS=$(PAIRS) npm run --silent test:pairs
	$(PY) tests/reference/agree_pairs.py < $(PAIRS)

# Processes in all languages race on one server. Without redis-server they are skipped, as are the tests of the store in each language, unless
# DEPUTIZE_REQUIRE_REDIS is set.
test-redis: python node
	cargo build --quiet -p deputize-tests --bin redis-racer
	$(PY) -m pytest -q -rs tests/redis

# The integrations, each with the real framework. What supports only the first line of the MCP SDK has an environment of its own.
FRAMEWORKS := $(CURDIR)/tests/frameworks
test-frameworks: frameworks
	$(FRAMEWORKS)/.venv/bin/python -m pytest -q -rs $(FRAMEWORKS)/python
	$(FRAMEWORKS)/.venv-mcp1/bin/python -m pytest -q -rs $(FRAMEWORKS)/python-mcp1
	cd $(FRAMEWORKS)/node && npm test --silent

frameworks: python node $(FRAMEWORKS)/.venv/.tools $(FRAMEWORKS)/.venv-mcp1/.tools $(FRAMEWORKS)/node/node_modules/.tools
	rm -rf $(FRAMEWORKS)/wheels
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir $(FRAMEWORKS)/wheels ./bindings-python
	for at in .venv .venv-mcp1; do $(FRAMEWORKS)/$$at/bin/python -m pip install --quiet --no-deps --force-reinstall $(FRAMEWORKS)/wheels/*.whl || exit 1; done

$(FRAMEWORKS)/.venv/.tools: tests/frameworks/requirements.txt
$(FRAMEWORKS)/.venv-mcp1/.tools: tests/frameworks/requirements-mcp1.txt
$(FRAMEWORKS)/.venv/.tools $(FRAMEWORKS)/.venv-mcp1/.tools:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet uv
	$(@D)/bin/python -m uv pip install --quiet --python $(@D)/bin/python -r $<
	touch $@

$(FRAMEWORKS)/node/node_modules/.tools: tests/frameworks/node/package-lock.json
	cd $(FRAMEWORKS)/node && npm ci --no-audit --no-fund --silent
	touch $@

# The long run of what `make test` does in short: a million random pairs of constraints, every pair of patterns of four symbols.
long:
	NARROWING_PAIRS=1000000 EXHAUSTIVE_SYMBOLS=4 cargo test --release -p deputize-tests --test narrowing --test exhaustive --test pairs --test draft -- --nocapture

# The Python package and the tools of its tests, in a virtual environment of the checkout.
python: $(VENV)/.tools
	$(INSTALL) ./bindings-python

$(VENV)/.tools: bindings-python/requirements-dev.txt tests/reference/requirements.txt examples/demo/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet -r bindings-python/requirements-dev.txt -r tests/reference/requirements.txt -r examples/demo/requirements.txt
	touch $@

# The npm package, built by cargo, and the tools of its tests.
node: bindings-node/node_modules/.tools
	cd bindings-node && npm run --silent build

bindings-node/node_modules/.tools: bindings-node/package-lock.json
	cd bindings-node && npm ci --no-audit --no-fund --silent
	touch $@

# Formatting, lints, types, and generated files that did not change.
lint: $(VENV)/.tools node
	cargo fmt --all --check
	for at in $(MEASURES); do cargo fmt --check --manifest-path $$at/Cargo.toml || exit 1; done
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(PY) -m ruff check bindings-python tests examples .ci
	$(PY) -m ruff format --check bindings-python tests examples .ci
	cd bindings-python && $(PY) -m mypy python
	cd bindings-node && npm run --silent types
	$(MAKE) --no-print-directory vectors table
	git diff --exit-code --stat -- tests/vectors docs/errors.md docs/compatibility.md
	test -z "$$(git status --porcelain -- tests/vectors docs/errors.md docs/compatibility.md)"

fmt:
	cargo fmt --all
	for at in $(MEASURES); do cargo fmt --manifest-path $$at/Cargo.toml || exit 1; done
	$(PY) -m ruff format bindings-python tests examples .ci

# Generated files: the test vectors and the page of codes.
vectors:
	cargo run --quiet -p deputize-tests --bin generate-vectors
	cargo run --quiet -p deputize-tests --bin generate-errors

# The page of frameworks, from their tests.
table:
	$(PYTHON) tests/frameworks/table.py

# Ratios to one verification of the same run, with the peers beside them.
bench bench-bindings timing: export CARGO_TARGET_DIR := $(TARGET)
bench: python node
	rm -rf $(TARGET)/criterion
	cargo bench --quiet -p deputize --bench decision --bench constraints --bench revocation -- --noplot
	cargo bench --quiet $(PEERS) --bench peers -- --noplot
	cargo run --quiet --profile bench $(PEERS) --bin ratios
	$(MAKE) --no-print-directory bench-bindings bench-frameworks

# A warm call through each binding, beside one verification in the same process and the same call in Rust, all built for release.
bench-bindings: python node
	cargo bench --quiet --profile release -p deputize --bench bindings -- $(TARGET)/presentations.json
	$(PY) bindings-python/benches/authorize.py $(TARGET)/presentations.json
	node bindings-node/benches/authorize.mjs $(TARGET)/presentations.json
	node bindings-node/benches/mcp.mjs

# A guarded call of a tool server beside the same call without a guard.
bench-frameworks: python
	$(PY) bindings-python/benches/mcp.py

# Whether the time of what touches a private key depends on the key: |t| above 4.5 says yes. The control
# has to say so. SAMPLES=10000000 takes half an hour.
timing:
	SAMPLES=$${SAMPLES:-1000000} cargo run --quiet --release --manifest-path tests/timing/Cargo.toml

clean:
	rm -rf target $(VENV) bindings-node/node_modules bindings-node/*.node examples/demo/node_modules examples/fleet/node_modules
