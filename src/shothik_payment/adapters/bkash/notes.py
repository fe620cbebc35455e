"""What bKash does not keep for us, over a restart: agreements, their payments, refunds asked for.

Nothing of the payer's is in it.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shothik_payment.domain.errors import StoreCorrupt, Unavailable
from shothik_payment.domain.ports.documents import Documents

_ATTEMPTS = 10
_T = TypeVar("_T")


class ByAgreement(msgspec.Struct, frozen=True):
    """A payment by agreement: bKash's id of it, and where the payer has to agree, if anywhere.
    `unattended`: begun without the payer, so it is not taken where the payer is needed."""

    session_id: str
    url: str | None = None
    unattended: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A refund that bKash was asked for. `seen`: the refunds of the payment before. `until`: how
    long the request may be under way (ms since the epoch). `transaction`: bKash's id of it."""

    amount_minor: int
    seen: list[str]
    until: int = 0
    transaction: str | None = None


class _Agreement(msgspec.Struct, frozen=True):
    id: str | None


class Notes:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def agreement(self, user_id: str) -> str | None:
        found = _decode(await self._documents.get(f"agreement:{user_id}"), _Agreement)
        return found.id if found is not None else None

    async def keep_agreement(self, user_id: str, agreement_id: str) -> None:
        await self._put_agreement(user_id, agreement_id)

    async def drop_agreement(self, user_id: str, agreement_id: str) -> None:
        """Where it is still this one."""
        await self._put_agreement(user_id, None, only=agreement_id)

    async def _put_agreement(
        self, user_id: str, agreement_id: str | None, only: str | None = None
    ) -> None:
        name = f"agreement:{user_id}"
        for _ in range(_ATTEMPTS):
            stored = await self._documents.get(name)
            current = _decode(stored, _Agreement)
            if only is not None and (current is None or current.id != only):
                return
            new = msgspec.json.encode(_Agreement(agreement_id))
            if new == stored or await self._documents.replace(name, stored, new):
                return
        raise Unavailable("The agreement is too busy.")

    async def by_agreement(self, payment_id: str) -> ByAgreement | None:
        return _decode(await self._documents.get(f"payment:{payment_id}"), ByAgreement)

    async def keep_by_agreement(self, payment_id: str, begun: ByAgreement) -> ByAgreement:
        """The first one that was kept for the payment: the others are never executed."""
        name = f"payment:{payment_id}"
        if await self._documents.replace(name, None, msgspec.json.encode(begun)):
            return begun
        return await self.by_agreement(payment_id) or begun

    async def asked(self, payment_id: str) -> tuple[bytes | None, dict[str, Asked]]:
        """The refunds asked for, by our id; with them what `keep_asked` takes as `old`."""
        stored = await self._documents.get(f"refunds:{payment_id}")
        return stored, _decode(stored, dict[str, Asked]) or {}

    async def keep_asked(self, payment_id: str, old: bytes | None, new: dict[str, Asked]) -> bool:
        """False: another process was faster."""
        document = msgspec.json.encode(new)
        return await self._documents.replace(f"refunds:{payment_id}", old, document)


def _decode(document: bytes | None, kind: type[_T]) -> _T | None:
    if document is None:
        return None
    try:
        return msgspec.json.decode(document, type=kind)
    except msgspec.MsgspecError as error:
        raise StoreCorrupt("A note on bKash cannot be read.") from error
