"""Request keys: what a client sends to make a repeated write harmless."""

from __future__ import annotations

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.ledger.commands import Recall, RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.ledger_store import RequestRecord


def bind(caller: str, operation: str, client_key: str | None, fingerprint: bytes) -> (
    RequestBinding | None
):  # fmt: skip
    """The binding of a client's key, None where the client sent none.

    `caller` is a service's name (all its keys share the scope, so a rotation keeps replays
    working), or `user` or `admin` with the id; `operation` is method and route. The ledger scopes
    the key by the wallet's user as well.
    """
    if client_key is None:
        return None
    return RequestBinding(f"{caller} {operation} {client_key}", client_key, fingerprint)


async def recall(
    writer: LedgerWriter,
    clock: Clock,
    ids: Ids,
    user_id: str,
    request: RequestBinding | None,
    refusal: PaymentServiceError,
) -> Outcome:
    """What was done under the request's key, where today's catalog and settings say `refusal`: they
    may have changed since. Raises `refusal` where nothing was done, IdempotencyKeyReused."""
    if request is None:
        raise refusal
    return await writer.submit(
        Recall(id=ids.next(), user_id=user_id, at=clock.now(), request=request, refusal=refusal)
    )


def bound(
    actor: str, request: RequestBinding | None, subject_id: str, now: Millis
) -> RequestRecord | None:
    """What is stored of a request about an API key: what it has done, and to which key."""
    if request is None:
        return None
    return RequestRecord(actor, request.key, request.fingerprint, subject_id, now)
