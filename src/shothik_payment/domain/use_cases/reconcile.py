"""Compares gateways, payments, ledger, balances and outbox, user after user."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.events import PaymentCompleted, PaymentRefunded
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import START, EventLog
from shothik_payment.domain.ports.gateway import GatewayReport, PaymentGateway
from shothik_payment.domain.ports.ledger_audit import LedgerAudit
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.pruning import KEEP_EVENTS
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases import verify
from shothik_payment.domain.use_cases.comparison import Booked, Comparison, Told
from shothik_payment.domain.use_cases.differences import Difference, Kind
from shothik_payment.domain.use_cases.look_ups import LOOK_UPS_AT_ONCE, LookUps
from shothik_payment.domain.use_cases.settlements import Settlements

PAGE = 100
_LOOKS = 3
_CLOCKS_APART_MS = HOUR
_CREDITS = ("available", "held", "debt")
_TOLD_TYPES = (PaymentCompleted.type, PaymentRefunded.type)


@dataclass(slots=True)
class Reconciled:
    """One user: how many payments were compared, what differs, and what did until it was
    repaired."""

    user_id: str
    payments: int = 0
    differences: list[Difference] = field(default_factory=list)
    repaired: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class _Examined:
    """`report` None: the gateway has not said."""

    payment: Payment
    report: GatewayReport | None
    differences: list[Difference]

    @property
    def doubtful(self) -> bool:
        return any(d.kind is not Kind.NOT_COMPARED for d in self.differences)


class _Bookings:
    """What a user's rows have, by payment."""

    def __init__(self) -> None:
        self.of: dict[str, Booked] = {}

    def add(self, row: Transaction) -> None:
        if row.payment_id is not None:
            self.of.setdefault(row.payment_id, Booked()).add(row)

    async def reading(self, rows: AsyncIterator[Transaction]) -> AsyncIterator[Transaction]:
        async for row in rows:
            self.add(row)
            yield row


class Reconcile:
    """`gateways` by name."""

    def __init__(
        self,
        audit: LedgerAudit,
        wallets: Wallets,
        payments: Payments,
        log: EventLog,
        gateways: Mapping[str, PaymentGateway],
        settlements: Settlements,
        clock: Clock,
    ) -> None:
        self._audit = audit
        self._wallets = wallets
        self._payments = payments
        self._log = log
        self._gateways = gateways
        self._settlements = settlements
        self._clock = clock

    async def count(self) -> int:
        return await self._audit.count_users()

    async def run(
        self, *, since: Millis | None = None, repair: bool = False
    ) -> AsyncIterator[Reconciled]:
        """User after user; at the end, what belongs to no wallet. `since`: only payments created
        from then on. `repair`: bring payments to where the gateway says they are."""
        look_ups = LookUps(self._gateways)
        under_way: deque[asyncio.Task[Reconciled]] = deque()
        try:
            async for user, rows in self._audit.users():
                bookings = _Bookings()
                checked = await verify.check_user(user, bookings.reading(rows))
                work = self._user(checked, bookings, look_ups, since, repair=repair)
                under_way.append(asyncio.create_task(work, name="reconcile"))
                if len(under_way) >= LOOK_UPS_AT_ONCE:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        for user_id in await self._audit.orphans():
            missing = verify.Difference(user_id, "wallet", "missing", "rows")
            yield Reconciled(user_id, 0, [_of_wallet(missing)])

    async def _user(
        self,
        checked: verify.Progress,
        bookings: _Bookings,
        look_ups: LookUps,
        since: Millis | None,
        *,
        repair: bool,
    ) -> Reconciled:
        result = Reconciled(checked.user_id, 0, [_of_wallet(d) for d in checked.differences])
        doubtful: list[str] = []
        unclaimed = set(bookings.of)
        told: dict[str, Told] = {}
        async for page in self._pages(checked.user_id):
            unclaimed.difference_update(payment.id for payment in page)
            wanted = [p for p in page if since is None or p.created_at >= since]
            if wanted and not result.payments:
                told = await self._told(checked.user_id)
            result.payments += len(wanted)
            for examined in await self._examine(wanted, bookings, told, look_ups):
                if examined.doubtful:
                    doubtful.append(examined.payment.id)
                else:
                    result.differences += examined.differences
        doubtful += sorted(unclaimed)
        if doubtful:
            await self._resolve(result, doubtful, look_ups, repair=repair)
        return result

    async def _resolve(
        self, result: Reconciled, ids: list[str], look_ups: LookUps, *, repair: bool
    ) -> None:
        found, seen = await self._look_again(result.user_id, ids, look_ups)
        mending = [e for e in found if any(d.repairable for d in e.differences)]
        if not repair or not mending:
            result.differences += seen
            return
        refused: list[Difference] = []
        for examined in mending:
            refused += await self._repair(examined)
        _, left = await self._look_again(result.user_id, ids, look_ups)
        result.repaired += [difference for difference in seen if difference not in left]
        result.differences += left + refused

    async def _repair(self, examined: _Examined) -> list[Difference]:
        """What came in between, where it could not be done."""
        if examined.report is None:
            return []
        try:
            await self._settlements.settle(examined.payment, examined.report)
        except PaymentServiceError as error:
            comparison = Comparison(examined.payment)
            comparison.not_repaired(str(error))
            return comparison.differences
        return []

    async def _look_again(
        self, user_id: str, ids: list[str], look_ups: LookUps
    ) -> tuple[list[_Examined], list[Difference]]:
        """These payments, and all differences of them. A server may be at work meanwhile: what is
        compared is of one moment, that in which no payment has moved. Whatever is booked or told
        for a payment moves it."""
        found: list[_Examined] = []
        differences: list[Difference] = []
        for _ in range(_LOOKS):
            before = await self._get(user_id, ids)
            payments = [p for p in before if p is not None]
            oldest = min((p.created_at for p in payments), default=Millis(0))
            everything = len(payments) < len(ids)
            bookings = await self._bookings(user_id, Millis(0) if everything else oldest)
            found = await self._examine(payments, bookings, await self._told(user_id), look_ups)
            differences = [d for examined in found for d in examined.differences]
            known = {payment.id for payment in payments}
            for payment_id in ids:
                if payment_id not in known and payment_id in bookings.of:
                    differences.append(_ownerless(user_id, payment_id, bookings.of[payment_id]))
            if before == await self._get(user_id, ids):
                break
        return found, differences

    async def _examine(
        self,
        payments: Sequence[Payment],
        bookings: _Bookings,
        told: Mapping[str, Told],
        look_ups: LookUps,
    ) -> list[_Examined]:
        now = self._clock.now()

        async def one(payment: Payment) -> _Examined:
            comparison = Comparison(payment)
            booked = bookings.of.get(payment.id, Booked())
            comparison.with_time(now)
            comparison.with_ledger(booked)
            kept_since = Millis(now - KEEP_EVENTS + _CLOCKS_APART_MS)
            comparison.with_outbox(booked, told.get(payment.id, Told()), kept_since)
            report: GatewayReport | None = None
            if payment.session_id is not None:
                answer = await look_ups.report(payment)
                if isinstance(answer, str):
                    comparison.not_compared(answer)
                else:
                    report = answer
                    comparison.with_gateway(report)
            elif payment.paid is not None:
                comparison.not_compared("its checkout is not known")
            return _Examined(payment, report, comparison.differences)

        return list(await asyncio.gather(*(one(payment) for payment in payments)))

    # Reading

    async def _get(self, user_id: str, ids: list[str]) -> list[Payment | None]:
        found = [await self._payments.get(payment_id) for payment_id in ids]
        return [p if p is not None and p.user_id == user_id else None for p in found]

    async def _pages(self, user_id: str) -> AsyncIterator[list[Payment]]:
        before: str | None = None
        while page := await self._payments.of_user(user_id, before, PAGE):
            yield page
            if len(page) < PAGE:
                return
            before = page[-1].id

    async def _bookings(self, user_id: str, since: Millis) -> _Bookings:
        bookings = _Bookings()
        before: int | None = None
        while rows := await self._wallets.history(user_id, before, PAGE):
            for row in rows:
                bookings.add(row)
            if rows[-1].at < since or len(rows) < PAGE:
                break
            before = rows[-1].number
        return bookings

    async def _told(self, user_id: str) -> dict[str, Told]:
        told: dict[str, Told] = {}
        after = START
        while events := await self._log.read(after, PAGE, user_id, _TOLD_TYPES):
            for event in events:
                of = told.setdefault(json.loads(event.data)["paymentId"], Told())
                if event.type == PaymentCompleted.type:
                    of.completed += 1
                else:
                    of.refunded += 1
            if len(events) < PAGE:
                break
            after = events[-1].position
        return told


def _of_wallet(found: verify.Difference) -> Difference:
    stored, folded = found.stored, found.folded
    amount = None
    if found.what in _CREDITS and isinstance(stored, int) and isinstance(folded, int):
        amount = abs(stored - folded)
    return Difference(found.user_id, None, None, Kind.BALANCE, found.what, stored, folded, amount)


def _ownerless(user_id: str, payment_id: str, booked: Booked) -> Difference:
    kept = booked.granted - booked.taken_back
    what = "credits of a payment that the user does not have"
    return Difference(user_id, payment_id, None, Kind.LEDGER, what, 0, kept, abs(kept))
