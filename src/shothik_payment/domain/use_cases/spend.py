"""Charging for work: deduct, reverse, and holds."""

from __future__ import annotations

from shothik_payment.domain.catalog import Catalog, Service
from shothik_payment.domain.errors import (
    InvalidRequest,
    NotFound,
    PaymentServiceError,
    WrongService,
)
from shothik_payment.domain.ledger.commands import (
    CaptureHold,
    Deduct,
    PlaceHold,
    ReleaseHold,
    RequestBinding,
    Reverse,
)
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.hold import DEFAULT_HOLD_TTL_SECONDS, Hold, HoldStatus
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.model.transaction import Metadata, Transaction
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases.old_identities import deduction_place, own_id
from shothik_payment.domain.use_cases.principals import ServicePrincipal
from shothik_payment.domain.use_cases.requests import recall


def own_service(catalog: Catalog, caller: ServicePrincipal, word: str | None) -> Service:
    """The caller's service; `word`, where given, has to mean it."""
    if word is None:
        return caller.service
    service = catalog.service(word)
    if service.name != caller.service.name:
        raise WrongService(caller.service.name)
    return service


def charge(service: Service, amount: int | None, units: int | None) -> int:
    """The credits to move: `amount` itself, or what `units` cost by the rate card."""
    if amount is not None and units is None:
        return amount
    if units is not None and amount is None:
        return service.credits_for(units)
    raise InvalidRequest.of("amount", "either amount or units, and not both")


class Spend:
    """`taken_over`: for ids of transactions of the service that this one replaces, ours."""

    def __init__(
        self,
        writer: LedgerWriter,
        wallets: Wallets,
        taken_over: Documents,
        catalog: Catalog,
        clock: Clock,
        ids: Ids,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._writer = writer
        self._wallets = wallets
        self._taken_over = taken_over
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._observer = observer

    async def deduct(
        self,
        caller: ServicePrincipal,
        user_id: str,
        *,
        amount: int | None,
        units: int | None,
        service: str | None = None,
        feature: str | None = None,
        metadata: Metadata | None = None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        try:
            own = own_service(self._catalog, caller, service)
            credits = charge(own, amount, units)
        except PaymentServiceError as refusal:
            return await recall(self._writer, self._clock, self._ids, user_id, request, refusal)
        outcome = await self._writer.submit(
            Deduct(
                id=self._ids.next(),
                user_id=user_id,
                at=self._clock.now(),
                request=request,
                amount=credits,
                service=own.name,
                feature=feature,
                metadata=metadata,
            )
        )
        self._tell(caller, outcome)
        return outcome

    async def reverse(
        self,
        caller: ServicePrincipal,
        transaction_id: str,
        *,
        amount: int | None,
        reason: str | None = None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        original = await self._original(transaction_id)
        return await self._writer.submit(
            Reverse(
                id=self._ids.next(),
                user_id=original.user_id,
                at=self._clock.now(),
                request=request,
                transaction_id=original.id,
                service=caller.service.name,
                amount=amount,
                reason=reason,
            )
        )

    async def _original(self, transaction_id: str) -> Transaction:
        """By its id, or by the one that it had in the service that this one replaces."""
        found = await self._wallets.transaction(transaction_id)
        if found is None:
            ours = own_id(await self._taken_over.get(deduction_place(transaction_id)))
            if ours is not None:
                found = await self._wallets.transaction(ours)
        if found is None:
            raise NotFound("transaction", transaction_id)
        return found

    async def hold(
        self,
        caller: ServicePrincipal,
        user_id: str,
        *,
        amount: int | None,
        units: int | None,
        service: str | None = None,
        feature: str | None = None,
        metadata: Metadata | None = None,
        ttl_seconds: int | None = None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        try:
            own = own_service(self._catalog, caller, service)
            credits = charge(own, amount, units)
        except PaymentServiceError as refusal:
            return await recall(self._writer, self._clock, self._ids, user_id, request, refusal)
        return await self._writer.submit(
            PlaceHold(
                id=self._ids.next(),
                user_id=user_id,
                at=self._clock.now(),
                request=request,
                amount=credits,
                service=own.name,
                ttl_ms=(ttl_seconds or DEFAULT_HOLD_TTL_SECONDS) * SECOND,
                feature=feature,
                metadata=metadata,
            )
        )

    async def capture(
        self,
        caller: ServicePrincipal,
        hold_id: str,
        *,
        amount: int | None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        hold = await self.own_hold(caller, hold_id)
        outcome = await self._writer.submit(
            CaptureHold(
                id=self._ids.next(),
                user_id=hold.user_id,
                at=self._clock.now(),
                request=request,
                hold_id=hold_id,
                service=caller.service.name,
                amount=amount,
            )
        )
        self._tell(caller, outcome)
        return outcome

    async def release(
        self, caller: ServicePrincipal, hold_id: str, *, request: RequestBinding | None = None
    ) -> Outcome:
        hold = await self.own_hold(caller, hold_id)
        return await self._writer.submit(
            ReleaseHold(
                id=self._ids.next(),
                user_id=hold.user_id,
                at=self._clock.now(),
                request=request,
                hold_id=hold_id,
                service=caller.service.name,
            )
        )

    def _tell(self, caller: ServicePrincipal, outcome: Outcome) -> None:
        row = outcome.transaction
        if row is not None and not outcome.replayed:
            self._observer.charged(caller.service.name, row.amount)

    async def own_hold(self, caller: ServicePrincipal, hold_id: str) -> Hold:
        """The caller's hold as it is now: one past its end is expired, booked or not."""
        hold = await self._wallets.hold(hold_id)
        if hold is None:
            raise NotFound("hold", hold_id)
        if hold.service != caller.service.name:
            raise WrongService(caller.service.name)
        if hold.status is HoldStatus.ACTIVE and hold.expires_at <= self._clock.now():
            hold.status = HoldStatus.EXPIRED
        return hold
