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

# Each benchmark prints a JSON line, with what the machine did meanwhile; kept in target/bench/. What there is: server/benches/ and
# end2end/bench/. A year of 1,000 domains needs 5 GB of disk and 6 minutes: CALLSHEET_BENCH_DOMAINS=1000.
bench:
	@.ci/bench.sh
