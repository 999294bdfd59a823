# The table of contents: each target is one script, and `make` alone lists them.
# ARGS passes arguments on: make run ARGS="--config config.yaml", make test ARGS="--filter MirrorCore".
.DEFAULT_GOAL := help
.PHONY: help run story test test-clients test-large fuzz attack chaos bench check deb test-deb format sbom docs setup

help: ## list these targets
	@scripts/help.sh $(MAKEFILE_LIST)

run: ## build the release executable and serve (ARGS go to `cloud-mirror serve`)
	@scripts/run.sh $(ARGS)

story: ## show two regions, two front ends, two copiers and a Redis on this machine
	@scripts/story.sh

test: ## build everything and run every test against real servers (ARGS as for `swift test`)
	@scripts/test.sh $(ARGS)

test-clients: ## test named origins with every client, also Bazel and Nix, which are installed for it
	@scripts/test-clients.sh

test-large: ## copy 5 GiB into a bucket and back (minutes, 10 GiB of disk)
	@scripts/test-large.sh

fuzz: ## feed generated input to parsers and whole clients (ARGS: names; SECONDS=60 or EXECUTIONS=1000000 for each; SEED; RELEASE=1: optimised)
	@SECONDS_EACH=$(or $(SECONDS),60) EXECUTIONS=$(EXECUTIONS) SEED=$(SEED) RELEASE=$(RELEASE) scripts/fuzz.sh $(ARGS)

attack: ## attack the whole executable and print figures (CLIENTS=10000 hostile clients)
	@CLIENTS=$(CLIENTS) scripts/attack.sh

chaos: ## break everything at the same time and check the invariants (SECONDS=120 for each scene; SEED)
	@SECONDS_EACH=$(or $(SECONDS),120) SEED=$(SEED) scripts/chaos.sh

bench: ## measure beside nginx, HAProxy, rclone and s5cmd, and rewrite the table of docs/benchmarks.md (ARGS: names; quick: the main ones, only printed)
	@Benchmarks/run.sh $(ARGS)

check: ## format, layers, forbidden constructs, shell scripts
	@scripts/check.sh

deb: ## build the Debian package and check it with lintian (EXECUTABLE=file: package that one)
	@scripts/deb.sh

test-deb: ## build the package; install, start and remove it in a clean system of its own (root)
	@scripts/deb.sh && scripts/test-deb.py .build/deb/cloud-mirror_*.deb

format: ## rewrite the Swift sources in the project's format
	@scripts/format.sh

sbom: ## write the bill of materials of the executable, as CycloneDX, into .build/sbom
	@scripts/sbom.sh

docs: ## regenerate the checked-in references and build the API documentation
	@scripts/docs.sh

setup: ## install what is missing (Debian packages)
	@scripts/setup.sh
