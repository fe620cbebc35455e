"""The queues in which services hear of events: `{service}.{kind}`, and what each is bound by."""

from __future__ import annotations

from collections.abc import Collection

from shothik_payment.domain.events import EVENT_TYPES

_CONTROL = {
    "stop_user": ("stop_user",),
    "resume_user": ("resume_user",),
    "control": ("stop_user", "resume_user"),
}
_KINDS = {*_CONTROL, *(data.type.removeprefix("service.") for data in EVENT_TYPES)}


def queue_of(service: str, kind: str) -> str:
    """`kind`: `stop_user`, `resume_user`, `control` for both, or a type such as `credit.added`."""
    return f"{service}.{kind.removeprefix('service.')}"


def routing_keys_of(service: str, kind: str) -> list[str]:
    """What brings the events of that kind, those for this service only where there are such."""
    control = _CONTROL.get(kind.removeprefix("service."))
    return [kind] if control is None else [f"service.{service}.{event}" for event in control]


def routing_keys_to(queue: str, services: Collection[str]) -> list[str] | None:
    """What is for a queue of this name, where it is one of these services' own. None: it is
    somebody's for a purpose of theirs, and anything may be."""
    service, _, kind = queue.partition(".")
    own = service in services and kind in _KINDS
    return routing_keys_of(service, kind) if own else None
