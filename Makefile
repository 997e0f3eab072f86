# Everything a developer runs; `make help` lists it. The environment is made on first use.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

ifneq (,$(wildcard .env))
include .env
export $(shell sed -n 's/^\([A-Z_]*\)=.*/\1/p' .env)
endif

# too large for everybody's environment, and its dependencies are strict
CHECKOV := checkov==3.3.30

export UV_COMPILE_BYTECODE := 1
export UV_LINK_MODE := copy

.PHONY: help
help: ## Show this list
	@echo "Usage: make TARGET [NAME=value …]"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | awk -F'\t' '{printf "  %-15s %s\n", $$1, $$2}'

$(READY): pyproject.toml uv.lock
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or later is needed and was not found: install it, or set PYTHON=/path/to/python3."; exit 1; fi
	@echo "Making the environment in $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is needed (Debian: apt-get install python3-venv)."; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^ *"\(uv>=.*\)",/\1/p' pyproject.toml)"
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv sync --frozen --quiet --active
	@touch $@

.PHONY: setup
setup: $(READY) ## Make the environment, and nothing else

.PHONY: demo
demo: $(READY) ## Run the main job once: IMAGES=folder TRIGGER=word
	@$(BIN)/python -m infra.local.demo $(if $(IMAGES),--images "$(IMAGES)") $(if $(TRIGGER),--trigger "$(TRIGGER)")

.PHONY: up
up: $(READY) ## Keep the stack up: BACKEND=embedded|emulators PROCESSES=one|separate PORT=8080 DATA_DIR=.data
	@$(BIN)/python -m infra.local.up

.PHONY: test
test: $(READY) ## Run all tests: ARGS="-k name"
	@$(BIN)/python -m infra.local.browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

.PHONY: simulate
simulate: $(READY) ## Play schedules of faults against the promises: SEEDS=300, or one whole story: SEED=7
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),300))

.PHONY: bench
bench: $(READY) ## Measure everything that a speed is claimed of, minutes: ONLY=name
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only "$(ONLY)")

.PHONY: screenshots
screenshots: $(READY) ## Take the README's pictures of the console anew
	@taken=$$(mktemp -d); mkdir -p docs/screenshots; \
	SCREENSHOTS=$$taken $(BIN)/python -m pytest -q tests/browser/test_every_page.py -k nothing_is_wider; \
	for name in shoot-1280-light training-done-1280-dark training-failed-360-light; do cp $$taken/$$name.png docs/screenshots/; done; \
	rm -r $$taken

.PHONY: check
check: $(READY) ## Everything that CI runs: format, lint, types, import contracts, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(MAKE) --no-print-directory test

.PHONY: infra-check
infra-check: $(READY) ## Check the Terraform: form, agreement with the code, security (checkov)
	@$(BIN)/python -m pytest -q tests/infra/test_terraform_*.py tests/contracts/test_firestore_rules.py
	@$(BIN)/uv tool run --quiet --from $(CHECKOV) checkov --directory infra/gcp --framework terraform --skip-download --quiet --compact

.PHONY: format
format: $(READY) ## Format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: requirements
requirements: $(READY) ## Export functions/*/requirements.txt from the lock file
	@$(BIN)/python -m infra.delivery.sources requirements

.PHONY: stage
stage: $(READY) ## Lay one function out for a deployment from source: FUNCTION=api
	@$(BIN)/python -m infra.delivery.sources stage "$(FUNCTION)" "build/$(FUNCTION)"

# --- Delivery: what Cloud Build runs, and what a developer may run by hand (docs/delivery.md)
IMAGE ?= costumes-lora
ENV ?= dev
# an image by its digest: the one that is named, else the one that was pushed last from here
DIGEST = $(if $(findstring @sha256:,$(IMAGE)),$(IMAGE),$(shell cat build/image.txt 2>/dev/null))
# only envs/dev has the variable, and without an image it has no simulator
SIMULATOR = $(shell cat build/simulator.txt 2>/dev/null)
TERRAFORM = TF_VAR_image="$(DIGEST)" $(if $(SIMULATOR),TF_VAR_simulator_image="$(SIMULATOR)") terraform -chdir=infra/gcp/envs/$(ENV)
PLAN = build/$(ENV).tfplan
KEPT_PLAN = gs://$(STATE_BUCKET)/plans/$(ENV)/$(COMMIT).tfplan
RELEASE = IMAGE="$(DIGEST)" $(BIN)/python -m infra.delivery.release

.PHONY: image
image: ## Build the image with Docker: IMAGE=name:tag
	docker build --tag "$(IMAGE)" .

.PHONY: push
push: ## Push the image and keep its digest in build/image.txt: IMAGE=name:tag
	docker push "$(IMAGE)"
	@mkdir -p build
	docker inspect --format '{{index .RepoDigests 0}}' "$(IMAGE)" > build/image.txt

.PHONY: simulator-image
simulator-image: ## Build and push the simulated fal.ai of envs/dev, on top of the pushed image: SIMULATOR_IMAGE=name:tag
	docker build --build-arg "IMAGE=$(DIGEST)" --file infra/delivery/simulator/Dockerfile --tag "$(SIMULATOR_IMAGE)" .
	docker push "$(SIMULATOR_IMAGE)"
	docker inspect --format '{{index .RepoDigests 0}}' "$(SIMULATOR_IMAGE)" > build/simulator.txt

.PHONY: plan
plan: ## Let Terraform say what it would change: ENV=dev STATE_BUCKET=name
	@mkdir -p build
	$(TERRAFORM) init -input=false -backend-config="bucket=$(STATE_BUCKET)"
	$(TERRAFORM) plan -input=false -out="$(CURDIR)/$(PLAN)"

.PHONY: apply
apply: ## Carry out what was planned, and nothing else: ENV=dev
	$(TERRAFORM) init -input=false -backend-config="bucket=$(STATE_BUCKET)"
	$(TERRAFORM) apply -input=false "$(CURDIR)/$(PLAN)"

.PHONY: keep-plan
keep-plan: ## Keep the plan for who is to approve it: ENV=prod STATE_BUCKET=name COMMIT=sha
	gcloud storage cp "$(PLAN)" "$(KEPT_PLAN)"

.PHONY: fetch-plan
fetch-plan: ## Fetch the plan that was kept: ENV=prod STATE_BUCKET=name COMMIT=sha
	@mkdir -p build
	gcloud storage cp "$(KEPT_PLAN)" "$(PLAN)"

.PHONY: ask-for-plan
ask-for-plan: ## Ask production's project to plan this image: PRODUCTION_PROJECT=id COMMIT=sha
	gcloud builds triggers run plan-production --project="$(PRODUCTION_PROJECT)" --region="$(REGION)" \
		--sha="$(COMMIT)" --substitutions="_IMAGE=$(DIGEST)"

.PHONY: ask-for-release
ask-for-release: ## Ask for the release of this image, which waits for approval: PROJECT=id COMMIT=sha
	gcloud builds triggers run release-production --project="$(PROJECT)" --region="$(REGION)" \
		--sha="$(COMMIT)" --substitutions="_IMAGE=$(DIGEST)"

.PHONY: deploy
deploy: $(READY) ## Deploy the image to all services, to nobody yet: PROJECT=id REGION=name
	@$(RELEASE) deploy

.PHONY: smoke
smoke: $(READY) ## Look at what was deployed; nothing is paid: PROJECT=id REGION=name
	@$(RELEASE) smoke

.PHONY: promote
promote: $(READY) ## Send everybody to what was deployed, and back if it is not well: PROJECT=id REGION=name
	@$(RELEASE) promote

.PHONY: rollback
rollback: $(READY) ## Send everybody back to the release before: PROJECT=id REGION=name
	@$(RELEASE) rollback

.PHONY: clean
clean: ## Delete the environment, caches and local data
	rm -rf $(VENV) build .data .pytest_cache .mypy_cache .ruff_cache .hypothesis
