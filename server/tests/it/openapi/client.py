"""A client that `openapi-python-client` made of the description: creates a domain and reads a delivery.

client.py URL TOKEN DELIVERY: prints what came back as JSON.
"""

import json
import sys

from callsheet_client import AuthenticatedClient
from callsheet_client.api.deliveries import get_delivery, list_deliveries
from callsheet_client.api.domains import create_domain
from callsheet_client.models import CallbackKind, CreateDomain, DeliveryState, Problem

url, token, delivery_id = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)

wanted = CreateDomain(push_domain="push.example.org", play_domains=["play.example.org"])
domain = create_domain.sync(client=client, body=wanted)
again = create_domain.sync(client=client, body=wanted)
assert isinstance(again, Problem), again
delivery = get_delivery.sync(delivery_id, client=client)
listed = list_deliveries.sync(client=client, kind=CallbackKind.PUBLISH, state=DeliveryState.DELIVERED, limit=1)
print(json.dumps({
    "domain": domain.to_dict(),
    "again": again.to_dict(),
    "delivery": {
        "id": delivery.id,
        "event": delivery.event.value,
        "happened": delivery.happened_at.tzinfo is not None,
        "phases": [phase.phase.value for attempt in delivery.attempts for phase in attempt.phases],
    },
    "listed": [row.id for row in listed.items],
}))
