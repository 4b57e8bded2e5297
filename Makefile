# `make run` builds and starts the console, `make test` proves it, `make bench` measures it, `make soak` breaks things around it. What they do step by step stands in .ci/.
.PHONY: run test soak bench

run:
	@.ci/console.sh

test:
	@.ci/test.sh

# The tests that break things, with this many times as many failures.
soak: export CALLSHEET_SOAK ?= 20
soak:
	@.ci/with-postgres.sh cargo nextest run --locked --package callsheet-server --profile soak -E 'test(/^reliability::/)'

# Each benchmark prints JSON lines, with the bare work of this machine measured in the same run; kept in target/bench/.
bench:
	@mkdir -p target/bench
	@cargo bench --locked --package callsheet-server | tee target/bench/delivery.jsonl
