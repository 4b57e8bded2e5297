"""Drives the Python SDK whose folder is on PYTHONPATH: a call on each line of the input, what came of it on each line of the output."""

import datetime
import importlib
import inspect
import json
import os
import sys
import time

import requests
from jdcloud_sdk.core import jdcloudclient
from jdcloud_sdk.core.config import Config
from jdcloud_sdk.core.credential import Credential
from jdcloud_sdk.core.logger import FATAL, Logger
from jdcloud_sdk.core.signer import Signer
from jdcloud_sdk.services.live.client.LiveClient import LiveClient

credential = Credential(os.environ["ACCESS_KEY"], os.environ["SECRET_KEY"])
client = LiveClient(credential, Config(os.environ["ENDPOINT"], scheme="http", timeout=30), Logger(FATAL))


def parameters_of(module, name, values):
    """As a script does it: what is required goes to the constructor, the rest to setters."""
    make = getattr(module, name + "Parameters")
    required = [argument for argument in inspect.signature(make.__init__).parameters if argument != "self"]
    parameters = make(*[values.get(argument) for argument in required])
    for key, value in values.items():
        if key not in required:
            getattr(parameters, "set" + key[0].upper() + key[1:])(value)
    return parameters


class Wire:
    """Stands between the SDK and the network, and does to a signed request what the call says."""

    def __init__(self, trick):
        self.trick = trick

    def request(self, method, url, data=None, **rest):
        if self.trick == "tamper":
            data = data.replace("room_7", "room_8")
        response = requests.request(method, url, data=data, **rest)
        if self.trick == "replay":
            response = requests.request(method, url, data=data, **rest)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-jdcloud-request-id"] == response.json()["requestId"]
        return response


for line in sys.stdin:
    call = json.loads(line)
    name = call["operation"][0].upper() + call["operation"][1:]
    module = importlib.import_module("jdcloud_sdk.services.live.apis.%sRequest" % name)
    jdcloudclient.requests = Wire(call.get("trick"))
    late = datetime.timedelta(seconds=call.get("late", 0))
    Signer._Signer__now = lambda self: datetime.datetime.utcfromtimestamp(time.time()) - late
    request = getattr(module, name + "Request")(parameters_of(module, name, call["parameters"]), call.get("headers"))
    response = client.send(request)
    error = response.error and {"code": response.error.code, "status": response.error.status}
    print(json.dumps({"requestId": response.request_id, "error": error, "result": response.result}), flush=True)
