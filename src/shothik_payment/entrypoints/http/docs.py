"""What a route says of itself. The OpenAPI document is made of these, for every kind of handler."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.model.api_key import Scope

ErrorTypes = tuple[type[PaymentServiceError], ...]


class Caller(StrEnum):
    ANYONE = "anyone"
    SERVICE = "service"
    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Doc:
    """`answer` and `body` are examples, and their types the schemas. `errors` are those that not
    every route of this kind can have.

    `limited`: the caller's requests are counted. `writes`: refused when the service is full, and
    harmless to repeat under a request key where there is a body. `raw_body`: any bytes.
    `other_answers`: examples by status.
    """

    summary: str
    tag: str
    caller: Caller
    answer: msgspec.Struct
    status: int = 200
    scope: Scope | None = None
    body: msgspec.Struct | None = None
    body_required: bool = True
    raw_body: bool = False
    query: type[msgspec.Struct] | None = None
    errors: ErrorTypes = ()
    limited: bool = False
    writes: bool = False
    other_answers: dict[int, msgspec.Struct] = field(default_factory=dict)


def documented(doc: Doc) -> dict[str, Any]:
    """For a handler's `opt`."""
    return {"doc": doc}
