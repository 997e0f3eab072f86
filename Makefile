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
	@awk -F': .*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^#: / { told = told sprintf("  %-17s  %s\n", "", substr($$0, 4)) } \
		/^[a-z-]+: .*## / { printf "  %-17s%s\n%s", $$1, $$2, told; told = "" }' $(firstword $(MAKEFILE_LIST))

$(READY): pyproject.toml uv.lock
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or later is needed and was not found: install it, or set PYTHON=/path/to/python3."; exit 1; fi
	@echo "Making the environment in $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is needed (Debian: apt-get install python3-venv)."; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^ *"\(uv>=.*\)",/\1/p' pyproject.toml)"
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv sync --frozen --quiet --active
	@touch $@

##@ Try it and use it

#: IMAGES=folder      your own pictures (jpg, png, webp), four at least; a .txt of the same name is a caption
#: TRIGGER=word       what calls up the person in a prompt (without it: TOK)
.PHONY: demo
demo: $(READY) ## Train once, from pictures to a model, with a simulated fal.ai; nothing is kept or paid
	@$(BIN)/python -m infra.local.demo

#: PORT=8080          where to listen, on this machine alone; 0 takes a free port
#: DATA_DIR=.data     where everything is kept, for the next time
#: BACKEND=embedded   or emulators: the official ones of Google Cloud, which need Java
#: PROCESSES=one      or separate: each function by itself, as in the cloud; on emulators only
#: Every other setting is in .env.example: give it here, or copy that file to .env
.PHONY: up
up: $(READY) ## Run everything on this machine until Ctrl-C, with the console in the browser
	@$(BIN)/python -m infra.local.up

##@ Work on it

.PHONY: setup
setup: $(READY) ## Make the environment in .venv; whatever else comes first makes it, too

#: ARGS="-k webhook"  what pytest is to be told
.PHONY: test
test: $(READY) ## Run all tests, about six minutes on two cores
	@$(BIN)/python -m infra.local.browser
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

#: SEEDS=300          how many schedules
#: SEED=7             only this one, told as a story
.PHONY: simulate
simulate: $(READY) ## Play schedules of faults against the promises, and say which break one
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),300))

#: SEED=7             another storm
.PHONY: chaos
chaos: $(READY) ## Raise long storms over real processes, and try all faults on emulators: the tests have both in short
	@CHAOS=long $(if $(SEED),CHAOS_SEED=$(SEED)) $(BIN)/python -m pytest -q -s tests/pipeline/test_chaos.py tests/pipeline/test_pipeline.py

#: ONLY=name          only what has this in its name; where nothing has, all names are listed
#: BACKEND=emulators  what goes over the wire, on the emulators, in the place of what one machine does alone
.PHONY: bench
bench: $(READY) ## Measure everything that a speed is claimed of, some minutes
	@MALLOC_ARENA_MAX=1 $(BIN)/python -m tests.bench $(if $(BACKEND),--backend "$(BACKEND)") $(if $(ONLY),--only "$$ONLY")

.PHONY: screenshots
screenshots: $(READY) ## Take the README's pictures of the console anew
	@taken=$$(mktemp -d); mkdir -p docs/screenshots; \
	SCREENSHOTS=$$taken $(BIN)/python -m pytest -q tests/browser/test_every_page.py -k nothing_is_wider; \
	for name in shoot-1280-light training-done-1280-dark training-failed-360-light gallery-1280-light comparison-1280-dark; do cp $$taken/$$name.png docs/screenshots/; done; \
	rm -r $$taken

.PHONY: check
check: $(READY) ## Do what CI does: format, lint, types, imports, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(MAKE) --no-print-directory test

.PHONY: format
format: $(READY) ## Format the code, and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: requirements
requirements: $(READY) ## Write functions/*/requirements.txt anew, after uv.lock changed
	@$(BIN)/python -m infra.delivery.sources requirements

##@ Google Cloud, without an account

.PHONY: infra-check
infra-check: $(READY) ## Check the Terraform: form, agreement with the code, security (checkov)
	@$(BIN)/python -m pytest -q tests/infra/test_terraform_*.py tests/contracts/test_firestore_rules.py
	@$(BIN)/uv tool run --quiet --from $(CHECKOV) checkov --directory infra/gcp --framework terraform --skip-download --quiet --compact

#: FUNCTION=api       or packager, submitter, webhook, mirror, monitor, eraser, notifier
.PHONY: stage
stage: export FUNCTION ?=
stage: $(READY) ## Lay one function out for a deployment from source, in build/
	@$(BIN)/python -m infra.delivery.sources stage "$$FUNCTION" "build/$$FUNCTION"

##@ Deliver it: what Cloud Build runs, and what can be run by hand (docs/delivery.md)

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

#: IMAGE=name:tag     what it is to be called (without it: costumes-lora)
.PHONY: image
image: ## Build the image with Docker
	docker build --tag "$(IMAGE)" .

#: IMAGE=name:tag     which; a registry and project are part of the name
.PHONY: push
push: ## Push the image, and keep its digest in build/image.txt
	docker push "$(IMAGE)"
	@mkdir -p build
	docker inspect --format '{{index .RepoDigests 0}}' "$(IMAGE)" > build/image.txt

#: SIMULATOR_IMAGE=name:tag  what it is to be called
.PHONY: simulator-image
simulator-image: ## Build and push the simulated fal.ai of envs/dev, on top of the pushed image
	docker build --build-arg "IMAGE=$(DIGEST)" --file infra/delivery/simulator/Dockerfile --tag "$(SIMULATOR_IMAGE)" .
	docker push "$(SIMULATOR_IMAGE)"
	docker inspect --format '{{index .RepoDigests 0}}' "$(SIMULATOR_IMAGE)" > build/simulator.txt

#: ENV=dev            the folder of infra/gcp/envs
#: STATE_BUCKET=name  the bucket that holds Terraform's state
.PHONY: plan
plan: ## Let Terraform say what it would change
	@mkdir -p build
	$(TERRAFORM) init -input=false -backend-config="bucket=$(STATE_BUCKET)"
	$(TERRAFORM) plan -input=false -out="$(CURDIR)/$(PLAN)"

#: ENV=dev            the same as for the plan
.PHONY: apply
apply: ## Carry out what was planned, and nothing else
	$(TERRAFORM) init -input=false -backend-config="bucket=$(STATE_BUCKET)"
	$(TERRAFORM) apply -input=false "$(CURDIR)/$(PLAN)"

#: ENV=prod STATE_BUCKET=name  as for the plan
#: COMMIT=sha         the commit that it is for
.PHONY: keep-plan
keep-plan: ## Keep the plan for whoever is to approve it
	gcloud storage cp "$(PLAN)" "$(KEPT_PLAN)"

#: ENV=prod STATE_BUCKET=name COMMIT=sha  as they were when it was kept
.PHONY: fetch-plan
fetch-plan: ## Fetch the plan that was kept
	@mkdir -p build
	gcloud storage cp "$(KEPT_PLAN)" "$(PLAN)"

#: PRODUCTION_PROJECT=id  production's project
#: REGION=name        where its Cloud Build triggers are
#: COMMIT=sha         the commit that the image was built from
.PHONY: ask-for-plan
ask-for-plan: ## Ask production's project to plan this image
	gcloud builds triggers run plan-production --project="$(PRODUCTION_PROJECT)" --region="$(REGION)" \
		--sha="$(COMMIT)" --substitutions="_IMAGE=$(DIGEST)"

#: PROJECT=id REGION=name COMMIT=sha  as above, of the project that is asked
.PHONY: ask-for-release
ask-for-release: ## Ask for the release of this image, which waits for approval
	gcloud builds triggers run release-production --project="$(PROJECT)" --region="$(REGION)" \
		--sha="$(COMMIT)" --substitutions="_IMAGE=$(DIGEST)"

#: PROJECT=id         your project at Google Cloud
#: REGION=name        where its services run, such as europe-west1
.PHONY: deploy
deploy: $(READY) ## Deploy the image to all services, to nobody yet
	@$(RELEASE) deploy

#: PROJECT=id REGION=name  as for deploy
.PHONY: smoke
smoke: $(READY) ## Look at what was deployed; nothing is trained or paid
	@$(RELEASE) smoke

#: PROJECT=id REGION=name  as for deploy
.PHONY: promote
promote: $(READY) ## Send everybody to what was deployed, and back by itself if it is not well
	@$(RELEASE) promote

#: PROJECT=id REGION=name  as for deploy
.PHONY: rollback
rollback: $(READY) ## Send everybody back to the release before
	@$(RELEASE) rollback

##@ Tidy up

.PHONY: clean
clean: ## Delete the environment, caches, and what `make up` kept in .data
	rm -rf $(VENV) build .data .pytest_cache .mypy_cache .ruff_cache .hypothesis
