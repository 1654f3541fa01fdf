# The two commands: `make run` starts a simulated vehicle, `make test` tests. Both set up what they need.

VENV := .venv
OHT50 := $(VENV)/bin/oht50
STAMP := $(VENV)/.set-up
RUN_ARGS ?=

.PHONY: run test test-ros setup clients

run: setup
	@exec $(OHT50) up --sim $(RUN_ARGS)

test: setup clients
	$(VENV)/bin/ruff check .
	$(VENV)/bin/python tools/audit_dependencies.py
ifdef TEST_ARGS
	$(VENV)/bin/python -m pytest $(TEST_ARGS)
else
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --ignore test/system
	@echo 'The tests of whole vehicles have the machine to themselves: a vehicle without processor time stops, as it should.'
	$(VENV)/bin/python -m pytest test/system
endif

# The same tests on a real rclpy, where a ROS 2 is sourced or in /opt/ros.
test-ros: clients
	tools/test-ros.sh $(TEST_ARGS)

setup: $(STAMP)

# The interfaces are generated at installation, so a change of theirs installs again.
$(STAMP): setup.py requirements.txt test/requirements.txt pyproject.toml package.xml rosless/primitives.py $(wildcard rosless/idl/*.py) $(wildcard msg/*.msg srv/*.srv)
	@sh tools/setup.sh $(VENV)
	@touch $@

clients:
	@tools/setup-clients.sh $(VENV)
