# `make run` builds and starts the console, `make test` proves it, `make bench` measures it. What they do step by step stands in .ci/.
.PHONY: run test bench

run:
	@.ci/console.sh

test:
	@.ci/test.sh

# Each benchmark prints JSON lines, with the bare work of this machine measured in the same run; kept in target/bench/.
bench:
	@mkdir -p target/bench
	@cargo bench --locked --package callsheet-server | tee target/bench/delivery.jsonl
