"""One action on many API keys, each on its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.errors import InvalidRequest, PaymentServiceError, Unavailable
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.api_key import DEFAULT_GRACE_SECONDS, ApiKey
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.api_keys import ApiKeys, KeyChange
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.use_cases.api_keys import KeyAdministration, Rotation
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from shothik_payment.domain.use_cases.requests import bound

MAX_KEYS = 100
BUDGET_MS = 20 * SECOND
"""What was not begun by then, with a store that hardly answers, is left for a repeat."""


class BulkAction(StrEnum):
    REVOKE = "revoke"
    ROTATE = "rotate"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Bulk:
    """`update` is for that action alone, and `grace_seconds` for rotations."""

    action: BulkAction
    key_ids: Sequence[str]
    update: KeyUpdate | None = None
    grace_seconds: int = DEFAULT_GRACE_SECONDS


@dataclass(frozen=True, slots=True)
class BulkResult:
    key_id: str
    outcome: ApiKey | Rotation | PaymentServiceError


class KeyBulk:
    def __init__(self, administration: KeyAdministration, keys: ApiKeys, clock: Clock) -> None:
        self._administration = administration
        self._keys = keys
        self._clock = clock

    async def run(
        self,
        bulk: Bulk,
        *,
        actor: str,
        ip: str | None = None,
        request: RequestBinding | None = None,
    ) -> tuple[list[BulkResult], bool]:
        """One result a key, in their order, and whether this is a repeat. One that is refused
        spoils no other. Under a request key, each key is changed once, whatever repeats: what was
        refused is judged again. Raises InvalidRequest, IdempotencyKeyReused."""
        _check(bulk)
        repeated = await self._bind(actor, request)
        began_at = self._clock.now()
        results = []
        for key_id in bulk.key_ids:
            outcome: ApiKey | Rotation | PaymentServiceError
            if self._clock.now() - began_at > BUDGET_MS:
                outcome = Unavailable("There was no time left for this key; try again.")
            else:
                outcome = await self._one(bulk, key_id, actor, ip, _of_key(request, key_id))
            results.append(BulkResult(key_id, outcome))
        return results, repeated

    async def _bind(self, actor: str, request: RequestBinding | None) -> bool:
        """The request key is bound first, since another body must not reach any key under it."""
        if request is None:
            return False
        if await self._administration.done(actor, request) is not None:
            return True
        record = bound(actor, request, "", self._clock.now())
        if await self._keys.commit(KeyChange(request=record)) is None:
            return False
        await self._administration.done(actor, request)
        return True

    async def _one(
        self, bulk: Bulk, key_id: str, actor: str, ip: str | None, request: RequestBinding | None
    ) -> ApiKey | Rotation | PaymentServiceError:
        keys = self._administration
        try:
            if bulk.action is BulkAction.REVOKE:
                return (await keys.revoke(key_id, actor=actor, ip=ip, request=request))[0]
            if bulk.action is BulkAction.ROTATE:
                grace = bulk.grace_seconds
                return await keys.rotate(
                    key_id, actor=actor, grace_seconds=grace, ip=ip, request=request
                )
            update = bulk.update or KeyUpdate()
            return (await keys.update(key_id, update, actor=actor, ip=ip, request=request))[0]
        except PaymentServiceError as error:
            return error


def _check(bulk: Bulk) -> None:
    """Raises InvalidRequest."""
    if not 1 <= len(bulk.key_ids) <= MAX_KEYS or len(set(bulk.key_ids)) < len(bulk.key_ids):
        raise InvalidRequest.of("keyIds", f"1 to {MAX_KEYS} ids, each once")
    if bulk.action is BulkAction.UPDATE and bulk.update is None:
        raise InvalidRequest.of("changes", "what is to be changed of the keys")


def _of_key(request: RequestBinding | None, key_id: str) -> RequestBinding | None:
    """A request key of its own for each key, which tells nothing but to whoever has both."""
    if request is None:
        return None
    fingerprint = hashlib.blake2b(request.fingerprint + key_id.encode(), digest_size=16).digest()
    return RequestBinding(f"{request.key} {key_id}", request.client_key, fingerprint)
