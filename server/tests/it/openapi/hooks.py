"""What schemathesis cannot know of this console. It loads this as SCHEMATHESIS_HOOKS; schemathesis.rs tells by the environment:

OWN_KEY: id of the key that asks. SEEN: the file that is told which statuses each operation answered with.
"""

import atexit
import json
import os
from collections import defaultdict

import schemathesis
from schemathesis import GenerationMode

OWN_KEY = int(os.environ["OWN_KEY"])
# Where a value of the right form can be none for the code: it names a place in a list or a host, or goes with another value.
NOT_BY_FORM = {"cursor", "limit", "domain", "filter", "format", "until", "Idempotency-Key"}
seen: dict[str, set[int]] = defaultdict(set)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps what the rest of the run needs: its own key, and the domain that has streams."""
    if case.path.startswith("/api/v1/keys/{id}") and str(case.path_parameters.get("id")) == str(OWN_KEY):
        case.path_parameters["id"] = OWN_KEY + 1
    if (case.method, case.path) == ("DELETE", "/api/v1/domains/{push}"):
        if case.path_parameters.get("push") == "push.example.com":
            case.path_parameters["push"] = "spare.example.com"


@schemathesis.hook
def after_call(context, case, response):
    seen[f"{case.method.upper()} {case.path}"].add(response.status_code)


@atexit.register
def tell():
    with open(os.environ["SEEN"], "w") as file:
        json.dump({operation: sorted(statuses) for operation, statuses in seen.items()}, file)


@schemathesis.check
def reads_what_it_describes(context, response, case):
    """`invalid_value` is what the code says of a value that it cannot read: what fits the schema must be read."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE or response.status_code != 422:
        return
    problem = response.json()
    if problem["type"] == "/problems/invalid_value" and case.path != "/api/v1/transcode-jobs":
        assert problem.get("field") in NOT_BY_FORM, f"described otherwise than read: {problem['detail']}"


@schemathesis.check
def problems_say_their_status(context, response, case):
    """As RFC 9457 has it, and with a remedy."""
    if response.status_code >= 400:
        problem = response.json()
        assert problem["status"] == response.status_code, problem
        assert problem["detail"], problem


@schemathesis.check
def is_not_turned_away(context, response, case):
    """A run that the limit of requests holds up proves nothing."""
    if response.status_code == 429:
        assert response.json()["type"] == "/problems/probe_too_many", "the console must allow more requests for this test"
