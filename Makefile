# make run        starts a simulated vehicle
# make test       installs what is needed and runs the checks; with TEST_ARGS='test/vehicle -k estop' a part
# make lint       checks style, format and types
# make format     formats the code
# make test-unit  runs the tests that start no process, in seconds
# make test-faults  breaks running vehicles, and runs each fuzz for FUZZ_SECONDS, 60 s if not set
# make test-reliability  tries the whole catalogue of faults, for an hour, and FAULT_SEEDS random schedules, 20 if not set
# make test-slow  runs the slow tests: one variant of each promise of the page, other variants, some of whole vehicles
# make test-page  runs all tests of the page in Chromium, with all variants and the limits as they are
# make screenshots  makes the images of the page in docs/images
# make bench      measures a vehicle as people run it, and the Foxglove SDK, which it installs, beside it
# make bench-page  measures the page in Chromium, for BENCH_MINUTES, 10 if not set
# make cover      runs all tests but those of whole vehicles, and checks the branch coverage
# make test-pythons  runs the tests that start no process, and a whole vehicle, on each other Python that is here
# make test-nodes  builds the page and tests the TypeScript client with the oldest Node they are for, and with newer ones
# make test-ros   runs the tests that depend on rclpy on a real one
# make setup      installs the package into .venv and builds the page; each of the above does

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.set-up
RUN_ARGS ?=
TEST_ARGS ?=
FUZZ_SECONDS ?= 60
FAULT_SEEDS ?= 20
BENCH_ARGS ?=
BENCH_MINUTES ?= 10
WHOLE_VEHICLES := test/system test/launch test/page
FAULTS := test/faults
FUZZ := test/fuzz
# rosless beside a real ROS 2, which tools/test-ros.sh runs.
BESIDE_ROS := test/rosless/test_interop.py
EACH := $(addprefix --ignore ,$(WHOLE_VEHICLES) $(FAULTS) $(FUZZ) $(BESIDE_ROS))
# Most of them wait most of the time, so more of them than cores.
PARALLEL := -n 5 --dist loadfile --no-loadscope-reorder
SLOW := slow and not long

# Without it each process would compile what it imports, and this starts many.
unexport PYTHONDONTWRITEBYTECODE
# Output is buffered where people run it.
unexport PYTHONUNBUFFERED

.PHONY: help run test prepared lint format audit test-unit test-faults test-reliability test-slow test-page screenshots bench bench-page cover checked test-vehicles test-pythons test-nodes test-ros setup page clients
.NOTPARALLEL:

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

run: setup
	@exec $(VENV)/bin/oht50 up --sim $(RUN_ARGS)

ifneq ($(strip $(TEST_ARGS)),)
test: lint clients
	$(PYTHON) -m pytest $(TEST_ARGS)
else
test: prepared checked test-vehicles
endif

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy oht50_bridge rosless launch bench

# The tests are compiled once, and not by each worker of pytest-xdist.
prepared: setup
	@$(MAKE) --no-print-directory clients & $(PYTHON) -m pytest --collect-only -q $(EACH) > /dev/null; wait $$!

# Those tests wait now and then, which is when the checks run.
checked: prepared
	@$(MAKE) --no-print-directory lint audit & $(MAKE) --no-print-directory cover; code=$$?; \
	  wait $$! && exit $$code

format: setup clients
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	test/clients/node node_modules/prettier/bin/prettier.cjs --write --log-level warn .

audit: setup
	$(PYTHON) tools/audit_dependencies.py

test-unit: setup
	$(PYTHON) -m pytest $(PARALLEL) --without-processes

test-faults: setup
	$(PYTHON) -m pytest $(PARALLEL) -n 4 $(FAULTS)
	OHT50_FUZZ_SECONDS=$(FUZZ_SECONDS) $(PYTHON) -m pytest -rP $(PARALLEL) --timeout $$(($(FUZZ_SECONDS) + 300)) $(FUZZ)

test-reliability: setup
	@mkdir -p build && rm -f build/faults.json build/schedules.json
	PYTHONPATH=test $(PYTHON) -m faults.harness.campaign build/faults.json --keep build/faults
	@# Those of the network, in one of its own.
	$(PYTHON) -m pip install --quiet 'fnfqueue>=1.1,<2'
	sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; $$sudo unshare --net sh -c \
	  'ip link set lo up; PYTHONPATH=test $(PYTHON) -m faults.harness.campaign build/faults.json net- --keep build/faults'
	PYTHONPATH=test $(PYTHON) -m faults.harness.schedule --seeds 0:$(FAULT_SEEDS) --output build/schedules.json --keep build/faults

test-slow: setup clients
	$(PYTHON) -m pytest $(PARALLEL) -n 4 -m '$(SLOW)' $(EACH) test
	$(PYTHON) -m pytest $(PARALLEL) -n 2 -m '$(SLOW)' $(WHOLE_VEHICLES)

test-page: setup clients
	OHT50_PAGE_SLACK=0 $(PYTHON) -m pytest $(PARALLEL) -n 2 -m 'long or slow' test/page test/test_build_page.py

screenshots: setup clients
	OHT50_SCREENSHOTS=docs/images $(PYTHON) -m pytest -m long test/page/test_screenshots.py

bench: setup
	$(PYTHON) -m pip install --quiet 'foxglove-sdk>=0.30,<0.31'
	$(PYTHON) bench/run.py $(BENCH_ARGS)

bench-page: setup clients
	$(PYTHON) bench/page.py --minutes $(BENCH_MINUTES)

cover: setup clients
	@mkdir -p build
	$(PYTHON) -m pytest $(PARALLEL) $(EACH) \
	  --cov --cov-report= --cov-report=json:build/coverage.json
	$(PYTHON) tools/check_coverage.py build/coverage.json test/coverage_floors.json

# What must be on time has a raised priority, and host_watch.py knows when the host had no processor
# time.
test-vehicles: setup clients
	$(PYTHON) -m pytest $(PARALLEL) -n 4 $(WHOLE_VEHICLES)

test-pythons: setup
	tools/test-pythons.sh $(VENV)

test-nodes: setup clients
	tools/test-nodes.sh $(VENV)

# On the ROS 2 that is sourced or in /opt/ros, else on rclpy from PyPI.
test-ros: clients
	tools/test-ros.sh $(TEST_ARGS)

setup: $(STAMP) page

# The interfaces are generated at installation, so a change of theirs installs again.
$(STAMP): setup.py requirements.txt test/requirements.txt pyproject.toml package.xml rosless/primitives.py $(wildcard rosless/idl/*.py) $(wildcard msg/*.msg srv/*.srv)
	@# Beside it the page, where Node is here: `page` says what is wrong with it.
	@python3 tools/build_page.py --if-node-is-here > /dev/null 2>&1 & sh tools/setup.sh $(VENV); code=$$?; \
	  wait; exit $$code
	@touch $@

# Node comes from OHT50_NODE, PATH or PyPI; without any of them there is no page.
page: $(STAMP)
	@$(PYTHON) tools/build_page.py --venv $(VENV)

clients:
	@python3 tools/javascript.py --venv $(VENV)
