"""Request keys: what a client sends to make a repeated write harmless."""

from __future__ import annotations

from shothik_payment.domain.ledger.commands import RequestBinding


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
