"""Taking over what the replaced service has kept: wallets, transactions, subscriptions, keys.

Each step may be repeated, also after it was killed half-way: what was taken over is found under
a request key made of its old identity, and a repeat that says otherwise is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import Conflict, InvalidRequest
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.takeover import (
    TakeOverBalance,
    TakeOverDeduction,
    TakeOverSubscription,
)
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.api_key import ApiKey, Scope
from shothik_payment.domain.model.time import END_OF_TIME, Millis
from shothik_payment.domain.model.transaction import Metadata
from shothik_payment.domain.ports.api_keys import ApiKeys, AuditEntry, KeyChange
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.ledger_store import RequestRecord
from shothik_payment.domain.use_cases.offers import choose_gateway

TAKEN_OVER = "taken over"
"""The kind of the documents that lead from a transaction's old id to ours."""
_ACTOR = "import"


@dataclass(frozen=True, slots=True)
class OldWallet:
    user_id: str
    balance: int


@dataclass(frozen=True, slots=True)
class OldDeduction:
    """One that may still be reversed; `amount` is what is left to give back."""

    transaction_id: str
    user_id: str
    service: str
    amount: int
    feature: str | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class OldSubscription:
    """One in force, paid until `period_end`. `gateway` and `currency` None: the first that fit."""

    user_id: str
    plan: str
    period_start: Millis
    period_end: Millis
    gateway: str | None = None
    currency: str | None = None
    cancel_at_period_end: bool = False


@dataclass(frozen=True, slots=True)
class OldKey:
    """`digest`: the key's SHA-256."""

    digest: bytes
    last4: str
    service: str
    name: str
    created_at: Millis
    expires_at: Millis | None = None
    revoked_at: Millis | None = None
    scopes: tuple[Scope, ...] = tuple(Scope)
    allowed_ips: tuple[str, ...] = ()
    rate_limit: int | None = None


OldRecord = OldWallet | OldDeduction | OldSubscription | OldKey


@dataclass(frozen=True, slots=True)
class TakenOver:
    """`credits` as they are stored. `before`: an earlier run did it."""

    credits: int
    before: bool


class Takeover:
    """`clock` is the wallets', `wall_clock` the keys'. `gateways` by name, as in Checkouts."""

    def __init__(
        self,
        writer: LedgerWriter,
        taken_over: Documents,
        keys: ApiKeys,
        catalog: Catalog,
        gateways: Mapping[str, PaymentGateway],
        clock: Clock,
        wall_clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._taken_over = taken_over
        self._keys = keys
        self._catalog = catalog
        self._gateways = gateways
        self._clock = clock
        self._wall_clock = wall_clock
        self._ids = ids

    async def take(self, old: OldRecord, *, dry: bool = False) -> TakenOver:
        """`dry`: only look whether it could be taken over, as far as that shows without the store.

        Raises InvalidRequest, Conflict or another refusal for what cannot be taken over,
        IdempotencyKeyReused for what was taken over with another content, Unavailable."""
        if isinstance(old, OldWallet):
            return await self._wallet(old, dry)
        if isinstance(old, OldDeduction):
            return await self._deduction(old, dry)
        if isinstance(old, OldSubscription):
            return await self._subscription(old, dry)
        return await self._key(old, dry)

    async def _wallet(self, old: OldWallet, dry: bool) -> TakenOver:
        if dry or not old.balance:
            return TakenOver(old.balance, before=False)
        outcome = await self._writer.submit(
            TakeOverBalance(
                id=self._ids.next(),
                user_id=old.user_id,
                at=self._clock.now(),
                request=_bound("wallet", old.user_id, str(old.balance)),
                amount=old.balance,
            )
        )
        return _booked(outcome)

    async def _deduction(self, old: OldDeduction, dry: bool) -> TakenOver:
        service = self._catalog.service(old.service).name
        if dry:
            return TakenOver(old.amount, before=False)
        content = f"{old.user_id} {service} {old.amount}"
        outcome = await self._writer.submit(
            TakeOverDeduction(
                id=self._ids.next(),
                user_id=old.user_id,
                at=self._clock.now(),
                request=_bound("transaction", old.transaction_id, content),
                amount=old.amount,
                service=service,
                feature=old.feature,
                metadata=old.metadata,
            )
        )
        await self._lead(old.transaction_id, outcome)
        return _booked(outcome)

    async def _lead(self, old_id: str, outcome: Outcome) -> None:
        """From the old id to the row; a run that was killed in between has not done so."""
        row = outcome.transaction
        own_id = b"" if row is None else row.id.encode()
        if not await self._taken_over.replace(old_id, None, own_id):
            known = await self._taken_over.get(old_id)
            if known != own_id:
                raise Conflict(f"Another user's transaction {old_id} was taken over already.")

    async def _subscription(self, old: OldSubscription, dry: bool) -> TakenOver:
        plan = self._catalog.billing.plans.get(old.plan)
        if plan is None:
            plans = ", ".join(self._catalog.billing.plans)
            raise InvalidRequest.of("plan", f"one of {plans}")
        gateway, currency = None, None
        if not plan.free:
            chosen, currency = choose_gateway(
                self._gateways, plan.prices, old.gateway, old.currency
            )
            gateway = chosen.name
        if not self._clock.now() < old.period_end <= END_OF_TIME:
            raise InvalidRequest.of(
                "currentPeriodEnd", "a time in the future, before the year 2200"
            )
        if dry:
            return TakenOver(0, before=False)
        outcome = await self._writer.submit(
            TakeOverSubscription(
                id=self._ids.next(),
                user_id=old.user_id,
                at=self._clock.now(),
                request=_bound("subscription", old.user_id, f"{old.plan} {old.period_end}"),
                plan=old.plan,
                period_start=old.period_start,
                period_end=old.period_end,
                gateway=gateway,
                currency=currency,
                cancel_at_period_end=old.cancel_at_period_end,
            )
        )
        return TakenOver(0, outcome.replayed)

    async def _key(self, old: OldKey, dry: bool) -> TakenOver:
        """Kept as a legacy key: it has no checksum that could be looked at first."""
        service = self._catalog.service(old.service)
        if dry:
            return TakenOver(0, before=False)
        known = await self._keys.by_digest(old.digest)
        if known is not None:
            if known.service != service.name:
                raise Conflict(f"The key is one of {known.service} already.")
            return TakenOver(0, before=True)
        key = ApiKey(
            id=f"key_{self._ids.next()}",
            service=service.name,
            name=old.name,
            digest=old.digest,
            prefix=f"sk_{service.slug}_",
            last4=old.last4,
            created_at=old.created_at,
            scopes=list(old.scopes),
            expires_at=old.expires_at,
            revoked_at=old.revoked_at,
            rate_limit=old.rate_limit,
            allowed_ips=list(old.allowed_ips),
            legacy=True,
        )
        now = self._wall_clock.now()
        bound = _bound("key", old.digest.hex(), service.name)
        done = await self._keys.commit(
            KeyChange(
                added=[key],
                entries=[AuditEntry(key.id, now, _ACTOR, "import", {"service": service.name})],
                request=RequestRecord(_ACTOR, bound.key, bound.fingerprint, key.id, now),
            )
        )
        return TakenOver(0, before=done is not None)


def _bound(kind: str, old_id: str, content: str) -> RequestBinding:
    fingerprint = blake2b(content.encode(), digest_size=16).digest()
    return RequestBinding(f"{_ACTOR} {kind} {old_id}", old_id, fingerprint)


def _booked(outcome: Outcome) -> TakenOver:
    row = outcome.transaction
    return TakenOver(0 if row is None else row.amount, outcome.replayed)
