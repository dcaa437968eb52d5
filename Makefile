# What a newcomer types. Each sets up the environment it needs; the first one takes a few minutes to download it. The
# command `vqa` in .venv/bin does the same, and more, with options: `vqa --help`.
VENV ?= .venv
PYTHON ?= python3.11
JOBS ?= 0
ENGINE ?= local
CLUSTER ?=
TEST_JOBS ?= 2
COVERAGE ?= 94
BIN := $(VENV)/bin
# As .venv/bin/vqa, but always of this folder, whatever VENV is.
VQA := "$(BIN)/python" -m vqa.cli
BUILD = --jobs $(JOBS)$(if $(filter-out local,$(ENGINE))$(CLUSTER), --engine $(ENGINE) --cluster "$(CLUSTER)")
STAMP := $(VENV)/.lock-sha256
SHELL := /bin/bash

# One thread per process, several processes: OpenMP barriers of two processes fight for the same cores.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Not abspath, which takes a folder with a blank in its name for two.
export PATH := $(if $(filter /%,$(firstword $(BIN))),,$(CURDIR)/)$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help venv repro test lint cpus court check certify cluster bench ui paper real study publish

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@echo "  options: JOBS=n (stages at a time; default one per GPU or core), VENV=dir (default .venv),"
	@echo "           ENGINE=parsl CLUSTER=file (long stages on other machines, docs/cluster.md)"

venv:  ## Set up the environment (done by every other target); rebuilt only when requirements.lock changes
	@if [ "$$(cat "$(STAMP)" 2>/dev/null)" != "$$(sha256sum < requirements.lock)" ]; then \
	  set -e; echo "setting up $(VENV) from requirements.lock: about 6 GB, once"; \
	  rm -rf "$(VENV)"; "$(PYTHON)" -m venv "$(VENV)"; \
	  "$(BIN)/python" -m pip install -qq --no-deps --require-hashes -r requirements.lock; \
	  "$(BIN)/python" -m pip install -qq --no-deps --no-build-isolation -e .; \
	  sha256sum < requirements.lock > "$(STAMP)"; \
	fi

repro: venv  ## Rebuild data, trainings, tables and figures of the demo scale; only what is out of date
	$(VQA) repro --scale demo $(BUILD)

test: venv  ## Run all tests, TEST_JOBS files at a time; fails if they reach less of vqa than COVERAGE percent
	"$(BIN)/python" -m pytest -n $(TEST_JOBS) --dist loadfile --lines $(COVERAGE)

lint: venv  ## Check style, formatting, types, and that imports run down the floors
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/lint-imports"
	"$(BIN)/mypy"

cpus: venv  ## Prove that other processors give the same bytes, with QEMU (package qemu-user)
	"$(BIN)/python" -m pytest -m cpus -rs tests/test_cpus.py

court: venv  ## Measure the error rates of the verdicts on planted truths, and write them to reports/court.csv
	"$(BIN)/python" tests/court/rates.py
	"$(BIN)/python" -m pytest -m court tests/court

check: venv  ## Compare every run's metrics with reports/baselines; exit code 1 on a regression
	$(VQA) check --scale demo
	@if [ -d real/runs ]; then $(VQA) check --scale real; fi

cluster: venv  ## Test stages on workers of Parsl and of Ray, some of them killed; installs requirements-cluster.lock
	"$(BIN)/python" -m pip install -qq --no-deps --require-hashes -r requirements-cluster.lock
	"$(BIN)/python" -m pytest -rs -m "" tests/graph/test_cluster.py

certify: venv  ## Run a drawn sample of the demo's stages anew, in two minutes, and say how near they come to dvc.lock
	$(VQA) certify --scale demo --jobs $(JOBS)

bench: venv  ## Measure speed: sampling, training, data, graph
	$(VQA) bench

ui: venv  ## Mirror the runs into MLflow and open its UI on http://127.0.0.1:5000
	$(VQA) track
	"$(BIN)/mlflow" ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000

paper: venv  ## Rebuild the paper scale on GPUs; needs VQA_DATA, see docs/paper.md
	$(VQA) repro --scale paper $(BUILD)

real: venv  ## Rebuild the real scale: published labels, features and predictions (40 MB, from VQA_MIRROR or the network)
	$(VQA) repro --scale real $(BUILD)

study: venv  ## Rebuild the study scale: the demo's world with five trainings of every row and test sets of 1000
	$(VQA) repro --scale study $(BUILD)

publish: venv  ## Write the pages of the demo and of the real scale, both built, to results/
	$(VQA) publish --scale demo
	$(VQA) publish --scale real
