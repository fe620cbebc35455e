"""Repeats of a write: the client's key, what it is bound to, and the answer that was given."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import msgspec

from shothik_payment.domain.errors import FieldProblem, IdempotencyKeyReused, InvalidRequest
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ports.answer_cache import FinishedAnswer
from shothik_payment.domain.use_cases.requests import bind
from shothik_payment.entrypoints.http.call import Call
from shothik_payment.entrypoints.http.fields import NAME_EXPECTED, require_name

FINGERPRINT_BYTES = 16

# Fields in the order of their declaration, names in metadata sorted.
_canonical = msgspec.json.Encoder(order="deterministic").encode


class WithRequestId(Protocol):
    request_id: str | None


@dataclass(slots=True)
class Claim:
    """A request under a key. `place` is where its answer is kept for repeats."""

    binding: RequestBinding
    place: str


def claim(
    call: Call, caller: str, operation: str, subject: str, body: WithRequestId
) -> Claim | None:
    """None where the client sent no key. Takes the key out of `body`.

    `caller` is a service's name, `user:…` or `admin:…`; `operation` is method and route; `subject`
    is what the request is about: the user, or the id in its path or body, which leads to one.
    """
    key = body.request_id
    header = call.headers.get(b"idempotency-key")
    if header is not None:
        key = _agreed(header, key)
    if key is None:
        return None
    body.request_id = None
    digest = blake2b(subject.encode(), digest_size=FINGERPRINT_BYTES)
    digest.update(b"\n")
    digest.update(_canonical(body))
    binding = bind(caller, operation, key, digest.digest())
    return None if binding is None else Claim(binding, f"{subject}\n{binding.key}")


def _agreed(header: bytes, in_body: str | None) -> str:
    try:
        key = header.decode()
    except UnicodeDecodeError:
        raise InvalidRequest.of("Idempotency-Key", NAME_EXPECTED) from None
    require_name("Idempotency-Key", key)
    if in_body is not None and in_body != key:
        expected = "the same key in the header Idempotency-Key and the body's requestId"
        raise InvalidRequest([FieldProblem("requestId", expected)])
    return key


def repeated(claimed: Claim, known: FinishedAnswer) -> bytes:
    """What was answered to the same request before.

    Raises IdempotencyKeyReused where the key was used with another body.
    """
    if known.fingerprint != claimed.binding.fingerprint:
        raise IdempotencyKeyReused
    return known.body


def keep(call: Call, claimed: Claim, body: bytes) -> None:
    """For repeats: what was answered to what is done for good."""
    call.app.answers.put(claimed.place, FinishedAnswer(claimed.binding.fingerprint, body))
