# The steps of each command are in .ci/.
.PHONY: run dev test soak fuzz bench

# Builds the console for release if anything changed, then starts it.
run:
	@.ci/console.sh release

# The same with a development build, which takes seconds after a change.
dev:
	@.ci/console.sh dev

test:
	@.ci/test.sh

# The tests that kill, freeze, cut off, attack and fill up the console: CALLSHEET_SOAK times as many failures, which last as long as
# server/tests/it/reliability/mod.rs says. It also prints the delay of deliveries during an attack.
soak: export CALLSHEET_SOAK ?= 20
soak:
	@.ci/with-postgres.sh cargo nextest run --locked --package callsheet-server --profile soak -E 'test(/^reliability::/)'

# Made-up bytes for what reads those of anonymous publishers, for CALLSHEET_FUZZ_SECONDS (60) per target.
fuzz:
	@.ci/fuzz.sh

# Each benchmark prints JSON lines, with what the machine did meanwhile, and keeps them in target/bench/. The benchmarks are in server/benches/
# and end2end/bench/. A year of 1,000 domains needs 5 GB of disk and 6 minutes: CALLSHEET_BENCH_DOMAINS=1000.
bench:
	@.ci/bench.sh
