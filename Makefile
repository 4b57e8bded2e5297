# `make run` builds and starts the console, `make test` proves it. What they do step by step stands in .ci/.
.PHONY: run test

run:
	@.ci/console.sh

test:
	@.ci/test.sh
