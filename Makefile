# Everything a person or CI runs. `make run` and `make test` install what they lack (Debian and Ubuntu; elsewhere they say what is missing).

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-robustness bench-video bench-rules conformance fuzz setup fmt codegen

help:           ## what there is
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run:            ## build Seawall and open a demonstration with synthetic data on 127.0.0.1:8410
	@scripts/setup.sh run
	@cargo build --locked --release --package av --package cli
	@exec cargo run --locked --release --package cli --bin seawall -- demo

test:           ## every check and every test, as CI runs them
	@scripts/setup.sh test
	@scripts/test.sh

bench:          ## measure against other implementations on this machine; writes bench/README.md
	@bench/run.sh

bench-robustness: ## only what matching survives: 44 edits, random draws, cards of one layout; writes bench/README.md
	@bench/run.sh robustness

bench-video:    ## only what video matching survives: 30 edits of 48 videos, speed, live streams; writes bench/README.md
	@bench/run.sh video

bench-rules:    ## only rules: events a second, tails, memory of ten million keys; writes bench/README.md
	@bench/run.sh rules

conformance:    ## compare hashes with the reference implementations on several hundred images and some videos, and the HMA paths with HMA
	@scripts/setup.sh conformance
	@conformance/run.sh

fuzz:           ## fuzz every parser for a while: make fuzz SECONDS_EACH=60
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(SECONDS_EACH)

setup:          ## only install what `make test` needs
	@scripts/setup.sh test

fmt:            ## format the code
	@cargo fmt --all
	@cargo fmt --manifest-path fuzz/Cargo.toml

codegen:        ## write the generated files again: OpenAPI, config schema, command-line help
	@cargo run --locked --quiet --package xtask -- codegen
