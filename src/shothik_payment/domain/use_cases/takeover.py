"""Taking over what the replaced service has kept: wallets, transactions, subscriptions, keys.

Each step may be repeated, also after it was killed half-way: what was taken over is found by its
old identity, and a repeat that says otherwise is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from shothik_payment.domain.catalog import Catalog, Service
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
from shothik_payment.domain.ports.api_keys import ApiKeys, AuditEntry, KeyChange, VersionConflict
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.use_cases.key_terms import require_name
from shothik_payment.domain.use_cases.offers import choose_gateway
from shothik_payment.domain.use_cases.old_identities import (
    OldIdentities,
    deduction_place,
    fingerprint,
)

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
    """`digest`: the key's SHA-256. `scopes` None: all there are."""

    digest: bytes
    last4: str
    service: str
    created_at: Millis
    name: str | None = None
    expires_at: Millis | None = None
    revoked_at: Millis | None = None
    scopes: tuple[Scope, ...] | None = None
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
        self._taken_over = OldIdentities(taken_over)
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
        if dry:
            return TakenOver(old.balance, before=False)
        outcome = await self._writer.submit(
            TakeOverBalance(
                id=self._ids.next(),
                user_id=old.user_id,
                at=self._clock.now(),
                request=_bound("wallet", old.user_id, _content(old)),
                amount=old.balance,
            )
        )
        return _booked(outcome)

    async def _deduction(self, old: OldDeduction, dry: bool) -> TakenOver:
        service = self._catalog.service(old.service).name
        if dry:
            return TakenOver(old.amount, before=False)
        place, content = deduction_place(old.transaction_id), _content(old)
        claim = await self._taken_over.claim(place, content)
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
        if not claim.done and outcome.transaction is not None:
            await self._taken_over.finish(place, claim, outcome.transaction.id)
        return _booked(outcome)

    async def _subscription(self, old: OldSubscription, dry: bool) -> TakenOver:
        place, content = f"subscription {old.user_id}", _content(old)
        found = await self._taken_over.find(place, content)
        if found is not None and found.done:
            return TakenOver(0, before=True)
        gateway, currency = self._paid_by(old)
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
                request=_bound("subscription", old.user_id, content),
                plan=old.plan,
                period_start=old.period_start,
                period_end=old.period_end,
                gateway=gateway,
                currency=currency,
                cancel_at_period_end=old.cancel_at_period_end,
            )
        )
        # Its request key lives for some weeks only.
        await self._taken_over.finish(place, await self._taken_over.claim(place, content), "done")
        return TakenOver(0, outcome.replayed)

    def _paid_by(self, old: OldSubscription) -> tuple[str | None, str | None]:
        """Gateway and currency; none for a free plan."""
        plan = self._catalog.billing.plans.get(old.plan)
        if plan is None:
            plans = ", ".join(self._catalog.billing.plans)
            raise InvalidRequest.of("plan", f"one of {plans}")
        if plan.free:
            return None, None
        chosen, currency = choose_gateway(self._gateways, plan.prices, old.gateway, old.currency)
        return chosen.name, currency

    async def _key(self, old: OldKey, dry: bool) -> TakenOver:
        """Kept as a legacy key: it has no checksum that could be looked at first."""
        service = self._catalog.service(old.service)
        place, content = f"key {old.digest.hex()}", _content(old)
        found = await self._taken_over.find(place, content)
        if found is not None and found.done:
            return TakenOver(0, before=True)
        # Before the claim, which would bind the name: a key without it is another line. What an
        # earlier release has claimed is bound already, and could not be taken over any more.
        if found is None and old.name is not None:
            require_name(old.name)
        if dry:
            return TakenOver(0, before=False)
        claim = await self._taken_over.claim(place, content)
        known = await self._keys.by_digest(old.digest)
        if known is None:
            known = await self._add(_legacy_key(f"key_{self._ids.next()}", old, service))
        if known is not None and (known.service != service.name or not known.legacy):
            raise Conflict(f"There is this key already, as {known.id}.")
        await self._taken_over.finish(place, claim, "done")
        return TakenOver(0, before=known is not None)

    async def _add(self, key: ApiKey) -> ApiKey | None:
        """None once it is added; the one there is where another import was faster."""
        entry = AuditEntry(
            key.id, self._wall_clock.now(), _ACTOR, "import", {"service": key.service}
        )
        try:
            await self._keys.commit(KeyChange(added=[key], entries=[entry]))
        except VersionConflict:
            return await self._keys.by_digest(key.digest)
        return None


def _legacy_key(key_id: str, old: OldKey, service: Service) -> ApiKey:
    return ApiKey(
        id=key_id,
        service=service.name,
        name=old.name or f"{service.slug} key of the old service",
        digest=old.digest,
        prefix=f"sk_{service.slug}_",
        last4=old.last4,
        created_at=old.created_at,
        scopes=list(Scope if old.scopes is None else old.scopes),
        expires_at=old.expires_at,
        revoked_at=old.revoked_at,
        rate_limit=old.rate_limit,
        allowed_ips=list(old.allowed_ips),
        legacy=True,
    )


def _content(old: OldRecord) -> str:
    """What the line says and nothing else, in one spelling: a later release that knows more fields
    or scopes makes the same of it. So the fields' names and defaults stay as they are."""
    said = {
        field.name: value
        for field in fields(old)
        if (value := getattr(old, field.name)) != field.default
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), default=bytes.hex)


def _bound(kind: str, old_id: str, content: str) -> RequestBinding:
    return RequestBinding(f"{_ACTOR} {kind} {old_id}", old_id, fingerprint(content))


def _booked(outcome: Outcome) -> TakenOver:
    row = outcome.transaction
    return TakenOver(0 if row is None else row.amount, outcome.replayed)
