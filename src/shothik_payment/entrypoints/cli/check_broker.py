"""The broker's part of `check`: would the service hear of its users? Publishes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from shothik_payment.domain.catalog import Service
from shothik_payment.domain.errors import Misconfigured, Unavailable
from shothik_payment.domain.ports.event_stream import QueueState
from shothik_payment.entrypoints.cli.messages import listening
from shothik_payment.entrypoints.cli.probe import Probe
from shothik_payment.entrypoints.container import Container

_EXCHANGE = "exchange payment.events"
_MUST_BE = ("stop_user", "resume_user")
_MAY_BE = "control"


async def check_broker(container: Container, api_key: str) -> list[Probe]:
    """The exchange, and the control queues of the key's service and of each other active one."""
    catalog = container.catalog()
    names = [_queue(service, kind) for service in catalog.services for kind in (*_MUST_BE, _MAY_BE)]
    started = time.monotonic()
    try:
        # Whoever connects makes the exchange, so it is there, or is there as something else.
        async with listening(container) as stream:
            found = await stream.states(names)
    except Misconfigured:
        note = "RABBITMQ_URL=memory://: there is nothing to listen to from another process"
        return [Probe(_EXCHANGE, None, 0, note)]
    except Unavailable as error:
        return [Probe(_EXCHANGE, False, _since(started), str(error))]
    probes = [Probe(_EXCHANGE, True, _since(started), "")]
    for service in catalog.services:
        own = api_key.startswith(f"sk_{service.slug}_")
        probes.extend(_of_service(service, found, own=own))
    return probes


def _of_service(service: Service, found: dict[str, QueueState], *, own: bool) -> Iterator[Probe]:
    """`own`: it has to have its queues. Another one that has none is not active."""
    kinds = [kind for kind in (*_MUST_BE, _MAY_BE) if _queue(service, kind) in found]
    if not kinds and not own:
        return
    for kind in dict.fromkeys((*_MUST_BE, *kinds)):
        queue = _queue(service, kind)
        state = found.get(queue)
        if state is None:
            note = "not there: serve or worker makes it once the service has a key"
            yield Probe(f"queue {queue}", False, 0, note)
        elif state.consumers:
            yield Probe(f"queue {queue}", True, 0, _words(state))
        else:
            yield Probe(f"queue {queue}", None, 0, f"{_words(state)}: nobody listens")


def _queue(service: Service, kind: str) -> str:
    return f"{service.name}.{kind}"


def _words(state: QueueState) -> str:
    return f"waiting: {state.waiting}, consumers: {state.consumers}"


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
