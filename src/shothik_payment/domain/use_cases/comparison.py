"""What a payment says of itself, against what the gateway, the ledger and the outbox have of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from shothik_payment.domain.ledger.disputes import is_news
from shothik_payment.domain.ledger.settlement import status_of
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import (
    OPEN_STATUSES,
    SETTLEABLE_STATUSES,
    Dispute,
    DisputeState,
    Payment,
    Refund,
    RefundState,
)
from shothik_payment.domain.model.time import DAY, Millis, rfc3339
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.ports.gateway import GatewayDispute, GatewayRefund, GatewayReport
from shothik_payment.domain.use_cases.differences import Difference, Kind

STUCK_AFTER_MS = DAY
_ORDER = [RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED]


@dataclass(slots=True)
class Booked:
    """What the ledger's rows have for one payment. `granted` and `grant_ids`: the first grant, of
    which there must not be two; `taken_back`: what clawbacks took, debt included, less what was
    granted again."""

    grant_ids: list[str] = field(default_factory=list)
    granted: int = 0
    granted_at: Millis | None = None
    taken_back: int = 0

    def add(self, row: Transaction) -> None:
        if row.kind is TransactionKind.CLAWBACK:
            self.taken_back += row.amount
        elif row.kind is TransactionKind.GRANT and row.reason is not None:
            # Only what was taken back is granted with a reason.
            self.taken_back -= row.amount
        elif row.kind is TransactionKind.GRANT:
            self.grant_ids.extend(part.grant_id for part in row.parts)
            self.granted += row.amount
            self.granted_at = row.at


@dataclass(slots=True)
class Told:
    """How many events of one payment the outbox has."""

    completed: int = 0
    refunded: int = 0


class Comparison:
    """Collects the differences of one payment."""

    def __init__(self, payment: Payment) -> None:
        self._payment = payment
        self._money = payment.paid or payment.price
        self.differences: list[Difference] = []

    def _differ(
        self,
        kind: Kind,
        what: str,
        ours: int | str | None,
        theirs: int | str | None,
        amount: Money | int | None = None,
        *,
        repairable: bool = False,
    ) -> None:
        """`amount` None: all of the payment's money."""
        if ours == theirs:
            return
        of = self._payment
        about = self._money if amount is None else amount
        self.differences.append(
            Difference(of.user_id, of.id, of.gateway, kind, what, ours, theirs, about, repairable)
        )

    def not_compared(self, why: str) -> None:
        self._differ(Kind.NOT_COMPARED, "not compared", None, why)

    def not_repaired(self, why: str) -> None:
        self._differ(Kind.ATTENTION, "not repaired", None, why)

    def with_time(self, now: Millis) -> None:
        """What waits for somebody."""
        payment, long_ago = self._payment, now - STUCK_AFTER_MS
        if payment.review_reason is not None:
            self._differ(Kind.ATTENTION, "under review", None, payment.review_reason)
        unstarted = payment.status in OPEN_STATUSES and payment.session_id is None
        if unstarted and payment.created_at < long_ago:
            since = f"open since {rfc3339(payment.created_at)}"
            self._differ(Kind.ATTENTION, "without a checkout", None, since)
        for refund in payment.pending_refunds:
            if refund.gateway_id is None and refund.created_at < long_ago:
                since = f"the gateway has not taken it since {rfc3339(refund.created_at)}"
                self._differ(
                    Kind.ATTENTION, f"refund {refund.id}", None, since, self._minor(refund)
                )

    # The gateway

    def with_gateway(self, report: GatewayReport) -> None:
        payment, there = self._payment, report.paid
        settles = payment.paid is None and payment.status in SETTLEABLE_STATUSES
        self._differ(
            Kind.GATEWAY,
            "money paid",
            _text(payment.paid),
            _text(there),
            _apart(payment.paid, there),
            repairable=there is not None and settles,
        )
        if there is None:
            return
        if payment.review_reason is None:
            # Settling it brings that to review.
            told = report.payment_id
            self._differ(Kind.GATEWAY, "the payment", payment.id, told, there, repairable=settles)
        self._with_refunds(report.refunds)
        self._with_disputes(report.disputes)

    def _with_refunds(self, told: tuple[GatewayRefund, ...]) -> None:
        left = {refund.id: refund for refund in self._payment.refunds}
        for theirs in told:
            ours = next((r for r in left.values() if _same(r, theirs)), None)
            if ours is not None:
                self._with_refund(left.pop(ours.id), theirs)
            elif theirs.state is not RefundState.FAILED:
                words = f"{theirs.amount} {theirs.state}"
                self._differ(
                    Kind.GATEWAY, f"refund {theirs.id}", None, words, theirs.amount, repairable=True
                )
        for ours in left.values():
            # Without the gateway's id it is on its way there, or was refused.
            if ours.gateway_id is not None and ours.state is not RefundState.FAILED:
                money = self._minor(ours)
                words = f"{money} {ours.state}"
                self._differ(Kind.GATEWAY, f"refund {ours.id}", words, None, money)

    def _with_refund(self, ours: Refund, theirs: GatewayRefund) -> None:
        money = self._minor(ours)
        same = money == theirs.amount
        self._differ(
            Kind.GATEWAY,
            f"refund {ours.id}",
            f"{money} {ours.state}",
            f"{theirs.amount} {theirs.state}",
            money if same else _apart(money, theirs.amount),
            repairable=same and _ORDER.index(theirs.state) > _ORDER.index(ours.state),
        )

    def _with_disputes(self, told: tuple[GatewayDispute, ...]) -> None:
        left = {dispute.id: dispute for dispute in self._payment.disputes}
        for theirs in told:
            ours = left.pop(theirs.id, None)
            words = f"{theirs.amount} {theirs.state}"
            if ours is None:
                self._differ(
                    Kind.GATEWAY,
                    f"dispute {theirs.id}",
                    None,
                    words,
                    theirs.amount,
                    repairable=True,
                )
                continue
            money = self._minor(ours)
            same = money == theirs.amount
            self._differ(
                Kind.GATEWAY,
                f"dispute {ours.id}",
                f"{money} {ours.state}",
                words,
                money if same else _apart(money, theirs.amount),
                repairable=same and is_news(ours.state, theirs.state),
            )
        for ours in left.values():
            money = self._minor(ours)
            self._differ(Kind.GATEWAY, f"dispute {ours.id}", f"{money} {ours.state}", None, money)

    # The ledger

    def with_ledger(self, booked: Booked) -> None:
        payment = self._payment
        granted = 0 if payment.grant_id is None else payment.credits
        self._differ(
            Kind.LEDGER,
            "credits granted",
            _grants(granted, [] if payment.grant_id is None else [payment.grant_id]),
            _grants(booked.granted, booked.grant_ids),
            # Of another grant than the payment names, all are in question.
            abs(granted - booked.granted) or granted,
        )
        clawed = sum(r.clawed for r in payment.refunds) + sum(d.clawed for d in payment.disputes)
        self._differ(
            Kind.LEDGER,
            "credits taken back",
            clawed,
            booked.taken_back,
            abs(clawed - booked.taken_back),
        )
        self._with_status()
        if payment.paid is not None:
            self._with_money_gone(payment.paid, clawed)

    def _with_status(self) -> None:
        payment = self._payment
        if payment.paid is not None:
            self._differ(Kind.LEDGER, "status", status_of(payment).value, payment.status.value)
        elif payment.status not in SETTLEABLE_STATUSES:
            self._differ(Kind.LEDGER, "status", "not paid", payment.status.value)

    def _with_money_gone(self, paid: Money, clawed: int) -> None:
        """What was returned, lost or is disputed, against the credits taken back for it."""
        payment = self._payment
        returned = Money(
            sum(r.amount_minor for r in payment.refunds if r.state is RefundState.SUCCEEDED),
            paid.currency,
        )
        here = Money(payment.refunded_minor, paid.currency)
        self._differ(
            Kind.LEDGER, "money returned", str(returned), str(here), _apart(returned, here)
        )
        gone = returned.amount_minor + self._disputed(DisputeState.LOST)
        # Of an open dispute, only what was unspent is taken back.
        least, most = (
            0 if payment.grant_id is None else payment.credits * min(minor, whole) // whole
            for whole in [max(paid.amount_minor, 1)]
            for minor in (gone, gone + self._disputed(DisputeState.OPEN))
        )
        due = min(max(clawed, least), most)
        self._differ(Kind.LEDGER, "credits for money gone", due, clawed, abs(due - clawed))

    def _disputed(self, state: DisputeState) -> int:
        return sum(d.amount_minor for d in self._payment.disputes if d.state is state)

    # The outbox

    def with_outbox(self, booked: Booked, told: Told, kept_since: Millis) -> None:
        """Events from before `kept_since` may be gone."""
        payment = self._payment
        granted = int(payment.grant_id is not None)
        kept = booked.granted_at is None or booked.granted_at >= kept_since
        self._count("payment.completed", granted if kept else 0, granted, told.completed)
        succeeded = [r for r in payment.refunds if r.state is RefundState.SUCCEEDED]
        least = sum(refund.created_at >= kept_since for refund in succeeded)
        # One that failed may have succeeded before, and have been told.
        most = sum(refund.state is not RefundState.PENDING for refund in payment.refunds)
        self._count("payment.refunded", least, most, told.refunded)

    def _count(self, what: str, least: int, most: int, told: int) -> None:
        self._differ(Kind.OUTBOX, what, min(max(told, least), most), told)

    def _minor(self, part: Refund | Dispute) -> Money:
        return Money(part.amount_minor, self._money.currency)


def _same(refund: Refund, told: GatewayRefund) -> bool:
    return told.id == refund.gateway_id or refund.id == told.refund_id


def _text(money: Money | None) -> str | None:
    return None if money is None else str(money)


def _grants(credits: int, ids: list[str]) -> str | None:
    return f"{credits} in {', '.join(sorted(ids))}" if ids else None


def _apart(ours: Money | None, theirs: Money | None) -> Money | None:
    """What lies between; where that is no number, what the gateway has, else what we have."""
    if ours is None or theirs is None or ours.currency != theirs.currency:
        return theirs or ours
    return Money(abs(ours.amount_minor - theirs.amount_minor), ours.currency)
