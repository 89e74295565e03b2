# Every target makes its own environment first. Needed on the machine: Python 3.11 or newer, and make.
PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
STAMP := .venv/.made

.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(UV):
	@scripts/make-tools $(PYTHON)

$(STAMP): $(UV) pyproject.toml locks/dev.lock
	$(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes locks/dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

env: $(STAMP) ## make the environment in .venv

COMPILE := $(UV) pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: $(UV) ## resolve the dependencies anew into locks/
	$(COMPILE) --upgrade --all-extras --group dev -o locks/dev.lock
	$(COMPILE) --extra handler --constraint locks/dev.lock -o locks/handler.lock
	$(COMPILE) --extra sim --constraint locks/dev.lock -o locks/sim.lock
	printf '%s\n' 'circus>=0.19,<1' 'superlance>=2,<3' 'supervisor>=4.3,<5' 'supervisor-checks>=0.8,<1' | $(subst pyproject.toml,-,$(COMPILE)) --python-version 3.11 -o locks/peers.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
	  $(subst pyproject.toml,-,$(COMPILE)) --constraint locks/dev.lock -o locks/build.lock

fmt: $(STAMP) ## format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: static unit ## the whole gate: format, lint, types, import contracts, fast tests

static: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell README.md ARCHITECTURE.md CHANGELOG.md docs conf podkeeper handler hooks tests

unit: $(STAMP)
	$(BIN)/python -m pytest -q tests/unit tests/property tests/golden

docs: $(STAMP) ## write docs/settings.md and docs/metrics.md anew from conf/
	$(BIN)/python scripts/docs-settings
	$(BIN)/python scripts/docs-metrics

golden: $(STAMP) ## write the reviewed renderings of tests/golden anew; look at the difference
	GOLDEN=refresh $(BIN)/python -m pytest -q tests/golden

test: $(STAMP) ## every test that needs no container engine
	$(BIN)/python -m pytest -q

N ?= 200
chaos: $(STAMP) ## do N random faults to a worker under load: make chaos N=200 SEED=1, or REPLAY=file
	PYTHONPATH=tests/system:tests/chaos $(BIN)/python tests/chaos/main.py --count $(N) \
	  $(if $(SEED),--seed $(SEED)) $(if $(REPLAY),--replay $(REPLAY)) $(if $(LOG),--log $(LOG))

durability: $(STAMP) ## send N jobs on their way, with a fault at some step of each: make durability N=500 SEED=1
	PYTHONPATH=tests/system:tests/chaos $(BIN)/python tests/chaos/durability_campaign.py --count $(N) $(if $(SEED),--seed $(SEED))

test-container: $(STAMP) ## build the image, run it, kill its processes, see them come back
	image="$$(scripts/build-image)" && PODKEEPER_IMAGE="$$image" $(BIN)/python -m pytest -q tests/container

test-gpu: $(STAMP) ## the probe tests with a real driver, where there is one (PODKEEPER_TEST_TORCH_PYTHON=python)
	$(BIN)/python -m pytest -q -s tests/gpu tests/unit/probes/test_gpus.py tests/unit/probes/test_gpu_events.py

image: ## build the container image with whichever engine works here
	@scripts/build-image

wheel: $(STAMP) ## build sdist and wheel into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@ls dist

test-wheel: wheel ## install the wheel elsewhere and run the unit tests against it from an empty directory
	scripts/test-wheel

demo: $(STAMP) ## the whole worker, one job through it, its picture, and a clean end
	$(BIN)/podkeeper demo

BENCH := $(BIN)/python -m
peers: $(STAMP) ## install what the benches compare podkeeper with, as far as it can be
	@scripts/bench-peers

bench-restart: peers ## how long a killed program is gone, beside other supervisors (TRIALS=50)
	$(BENCH) bench.restart $(if $(TRIALS),--trials $(TRIALS))

bench-footprint: peers ## what supervision itself costs, beside others (SECONDS_EACH=60)
	$(BENCH) bench.footprint $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH))

bench-leak: $(STAMP) ## which methods tell a leak from noise, on made-up series and a public trace (SERIES=100 FIRST=0 TRACE=folder)
	$(BENCH) bench.leak $(if $(SERIES),--series $(SERIES)) $(if $(FIRST),--first $(FIRST)) $(if $(TRACE),--trace $(TRACE))

bench-incidents: $(STAMP) ## how many incidents a bare line and podkeeper open on a public trace (TRACE=folder)
	$(BENCH) bench.incidents $(if $(TRACE),--trace $(TRACE))

bench-enforce: peers ## how long a program may stay above its memory limit, beside others (TRIALS=30)
	$(BENCH) bench.enforce $(if $(TRIALS),--trials $(TRIALS))

bench-oom: $(STAMP) ## jobs lost, out of memory and images per hour, beside no planning and an oracle (STREAMS=20)
	$(BENCH) bench.oom $(if $(STREAMS),--streams $(STREAMS))

recording: $(STAMP) ## record the README's picture anew
	$(BIN)/python scripts/docs-recording

clean: ## remove environments and caches
	rm -rf .venv .tools dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help env lock fmt check static unit docs golden test chaos durability test-container test-gpu wheel test-wheel image demo recording peers bench-restart bench-footprint bench-enforce bench-leak bench-incidents bench-oom clean
