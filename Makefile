# GNU make 3.81 (macOS) and newer. Each target makes the .venv it needs; PYTHON=... chooses of what.
# A recipe's long-running program replaces its shell (exec), so that Ctrl-C reaches it and only it.
.PHONY: help serve serve-gcp serve-aws deploy-gcp deploy-aws scan demo test test-all check lint format bench
.PHONY: prove simulate pairs power kill schema soak fuzz mutate proof redaction lock clean

BIN := .venv/bin
# Images often forbid it: then each process that a test starts compiles all modules anew.
export PYTHONDONTWRITEBYTECODE :=
# Options for the program a target runs: make serve ARGS='--port 9000', make test ARGS='-k plan'
ARGS ?=
# Most tests wait, for processes and for time; each file stays in one process. Those that kill run
# alone, since they hold us to times; 5 says that ARGS chose none of them.
SIDE_BY_SIDE := --numprocesses 3 --dist loadfile
PROJECT ?=
REGION ?=
PREFIX ?=
MINUTES ?= 60

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[a-z ]*## /  make \1	/p' Makefile | expand -t 20

serve:  ## take logs in on this machine, until Ctrl-C
	@scripts/setup
	@exec $(BIN)/logweir serve $(ARGS)

serve-gcp:  ## the same through Google's Pub/Sub and Firestore, on their emulators
	@scripts/setup gcp
	@exec $(BIN)/python scripts/emulators.py gcp $(BIN)/logweir serve --backend gcp $(ARGS)

serve-aws:  ## the same through SQS and DynamoDB, on the emulator ministack
	@scripts/setup aws
	@scripts/setup ministack
	@exec $(BIN)/python scripts/emulators.py aws $(BIN)/logweir serve --backend aws $(ARGS)

deploy-gcp:  ## put it on Google Cloud: PROJECT=my-project, and REGION=... if not us-central1
	@exec scripts/deploy-gcp $(PROJECT) $(REGION) $(ARGS)

deploy-aws:  ## put it on AWS: REGION=eu-central-1, and PREFIX=... if not logweir
	@exec scripts/deploy-aws $(if $(REGION),--region $(REGION)) $(if $(PREFIX),--prefix $(PREFIX)) $(ARGS)

demo:  ## walk through the whole path in a terminal
	@scripts/setup
	@exec scripts/demo $(ARGS)

test:  ## the tests, without the slow ones
	@scripts/setup dev
	@scripts/setup ministack
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not kill" $(ARGS)
	@$(BIN)/python -m pytest -m "kill and not slow" $(ARGS) || [ $$? -eq 5 ]

test-all:  ## the tests, the slow ones too
	@scripts/setup dev
	@scripts/setup ministack
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not kill" $(ARGS)
	@$(BIN)/python -m pytest -m kill $(ARGS) || [ $$? -eq 5 ]

check: lint test  ## lint, format, strict types, import contracts, and the tests

lint:  ## lint, format, strict types and import contracts
	@scripts/setup dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format:  ## format the code, and mend what ruff can
	@scripts/setup dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench:  ## measure, one table
	@scripts/setup dev
	@scripts/setup ministack
	@exec $(BIN)/python -m bench $(ARGS)

prove: simulate pairs power kill  ## the four below, about a quarter of an hour

simulate:  ## 20,000 seeds of faults in virtual time, and the planted bugs that must be caught
	@scripts/setup dev
	@$(BIN)/python -m tests.simulation --seeds 20000 $(ARGS)
	@$(BIN)/python -m tests.simulation --mutants

pairs:  ## every pair of faults at the calls of a log in five chunks
	@scripts/setup dev
	@exec $(BIN)/python -m tests.pairs $(ARGS)

power:  ## 20,000 images of a disk whose power was cut (needs fuse3)
	@scripts/setup dev
	@exec $(BIN)/python -m tests.power --images 20000 $(ARGS)

kill:  ## 300 kills of real processes during 20,000 logs, and one at every named point
	@scripts/setup dev
	@$(BIN)/python -m tests.crash --kills 300 --logs 20000 $(ARGS)
	@$(BIN)/python -m tests.crash --points

soak:  ## go on with all of these for MINUTES=60, from where the last run ended
	@scripts/setup dev
	@exec $(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

schema:  ## 5,000 requests made of docs/openapi.yaml, to a real gateway
	@scripts/setup dev
	@scripts/setup schema
	@exec $(BIN)/python -m tests.schema --cases 5000 $(ARGS)

fuzz:  ## atheris on what comes in from outside, ten minutes (Linux on x86_64)
	@scripts/setup dev
	@scripts/setup fuzz
	@exec $(BIN)/python -m tests.fuzz $(ARGS)

mutate:  ## change the core's code line by line, and see which test notices (hours)
	@exec scripts/mutate $(ARGS)

redaction:  ## how many secrets of a made-up log go, and what else: ARGS='--seed 7 --show-misses 20'
	@scripts/setup dev
	@exec $(BIN)/python -m tests.redaction $(ARGS)

proof:  ## add the runs of this machine up in docs/proof.md
	@scripts/setup dev
	@exec $(BIN)/python -m tests.proof

scan:  ## scan what is deployed: Terraform, CloudFormation, Dockerfile, scripts
	@exec scripts/scan-deploy

lock:  ## pin the requirements anew; ARGS=--upgrade for newer versions
	@scripts/lock $(ARGS)

clean:  ## take away what the other targets made; data stays
	rm -rf .venv .venv.lock .venv-* build dist src/*.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests bench scripts -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
