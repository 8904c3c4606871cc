# Thin on purpose: what is done is in tools/. `make serve` and `make test` need nothing but a
# Debian bookworm machine and root or sudo; the second time they are quick.
DATA_DIR ?= ./data
LISTEN ?= 127.0.0.1:8283
KELPIE_FLAGS ?=

.PHONY: serve build test test-long bench tidy format clean

serve: build
	@tools/serve.sh "$(DATA_DIR)" "$(LISTEN)" $(KELPIE_FLAGS)

build:
	@tools/setup.sh serve
	@tools/build.sh release kelpie

test:
	@tools/test.sh

test-long:
	@tools/test.sh --long

bench:
	@tools/setup.sh serve
	@bench/run.sh

tidy:
	@tools/tidy

format:
	@git ls-files -co --exclude-standard -- '*.cc' '*.h' | xargs -r clang-format-19 -i

# Removes what was built. Data directories stay.
clean:
	rm -rf build
