# Everything here works from a clean clone on a machine that has Python 3.11 to 3.14 and make, and nothing else.
PYTHON ?= python3
BIN := .venv/bin
# What is locked stays as it is, where it still fits.
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -q
.DEFAULT_GOAL := help
.PHONY: help install demo page demo-compare test check unit integration bench bench-gate bench-latency bench-live bench-durability soak growth overload soak-tests lint types contracts format client-wheel lock clean

help: ## Show this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/installed ## Make .venv from the hashed lock.

.venv/installed: requirements.lock pyproject.toml scripts/install.py
	@$(PYTHON) scripts/install.py
	@touch $@

demo: install ## Answer a question from the documents in examples/ (no Redis, no key, no LLM needed).
	@$(BIN)/triptych run "Should the Harbor team move order processing from the nightly batch to an event queue?" --docs examples/queue-migration

page: install ## Open the live page on this machine, with the documents in examples/ to ask about (Ctrl-C ends it).
	@$(BIN)/triptych serve --no-login --docs examples/queue-migration

demo-compare: install ## Compare ways of running on the goals in examples/, an A/A pair among them: extractive, then a simulated model (3 minutes).
	@rm -rf build/demo-compare
	@$(BIN)/triptych compare --goals examples/goals.jsonl --docs examples/queue-migration --arms sequential,parallel,pipelined,single,parallel --out build/demo-compare || test $$? -eq 1 -o $$? -eq 3
	@$(BIN)/python -m benchmarks.demo_compare

check: lint types contracts unit ## The fast loop: lint, types, import contracts, unit tests.

test: lint types contracts ## Everything that has to hold: check, and the integration tests.
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not soak"

unit: install ## Unit tests.
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not integration and not soak"

integration: install ## Tests with a real Valkey, real workers, real HTTP.
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "integration and not soak"

bench: install ## What the machinery costs against a naive Celery chord, with simulated personas (about 10 minutes).
	$(BIN)/python -m benchmarks $(ARGS)

bench-gate: install ## What the Evidence Gate catches and what it rejects, on answers broken in known ways (a minute).
	$(BIN)/python -m benchmarks.gate $(ARGS)

bench-latency: install ## How long a job takes in each mode, with simulated models over real HTTP (half an hour; ARGS=--help).
	$(BIN)/python -m benchmarks.latency $(ARGS)

bench-live: install ## The modes against your own OPENAI_BASE_URL (ARGS="--budget TOKENS --yes").
	$(BIN)/python -m benchmarks.latency.live $(ARGS)

bench-durability: install ## Which accepted jobs are gone after Redis' end, by how it is set up (about 7 minutes; all of it as root).
	@$(BIN)/python -m benchmarks.durability $(ARGS)

soak: install ## Thousands of jobs while workers and Redis fail, beside a naive Celery chord (about 12 minutes).
	@$(BIN)/python -m benchmarks.soak $(ARGS)

growth: install ## What is held after 50,000 jobs, and whether it has grown (about half an hour).
	@$(BIN)/python -m benchmarks.growth $(ARGS)

overload: install ## What becomes of jobs when three times as many come as can be done (about 5 minutes).
	@$(BIN)/python -m benchmarks.overload $(ARGS)

soak-tests: install ## The tests that are minutes long: every point at which a worker can die, and so on.
	$(BIN)/python -m pytest -n 2 --dist loadfile -m soak

fuzz: install ## Fuzz the Evidence Gate for a minute, where atheris installs (it is fetched for this alone).
	@$(BIN)/uv pip install -q --python $(BIN)/python "atheris>=3,<4" || true
	$(BIN)/python -m tests.fuzz.gate $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

format: install ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

client-wheel: install ## Build dist/triptych_client-*.whl: what a producer's application installs.
	cd deploy/client && $(CURDIR)/$(BIN)/hatchling build -t wheel -d $(CURDIR)/dist

lock: install ## Add to the locks what is new in pyproject.toml; ARGS=--upgrade resolves all anew. The locks hold hashes and no address; the second is the image's.
	$(LOCK) --all-extras --group dev $(ARGS) -o requirements.lock
	$(LOCK) --extra worker --extra docs --extra flower --extra postgres --extra api $(ARGS) -o requirements-prod.lock

clean: ## Remove everything that was made.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
