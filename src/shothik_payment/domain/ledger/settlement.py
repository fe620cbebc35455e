"""Payments: from the intent to the credits that they buy. The state only moves forward."""

from __future__ import annotations

from dataclasses import replace

from shothik_payment.domain.errors import Conflict, NotFound, PaymentNotOpen
from shothik_payment.domain.events import PaymentCompleted, PaymentFailed
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import GrantCredits
from shothik_payment.domain.ledger.credits import book_grant, require_not_frozen
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import (
    AbandonPayment,
    AcceptPayment,
    AttachCheckout,
    AuthorisePayment,
    ClosePayment,
    OpenPayment,
    PostponeCheck,
    SettlePayment,
)
from shothik_payment.domain.ledger.recovery import recover
from shothik_payment.domain.ledger.renewals import (
    awaiting,
    link_given,
    paid,
    under_review,
    unpaid,
)
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.payment import (
    OPEN_STATUSES,
    SETTLEABLE_STATUSES,
    DisputeState,
    Payment,
    PaymentStatus,
)
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.model.transaction import Transaction, TransactionKind

_FIRST_LOOK = 10 * MINUTE
"""After a refund or a dispute that began at the gateway."""


def open_payment(account: Account, command: OpenPayment) -> Outcome:
    require_not_frozen(account)
    if command.payment.id in account.payments:
        raise Conflict("This payment exists already.")
    payment = replace(command.payment, created_at=account.at)
    account.save_payment(payment)
    account.bind_request(payment.id)
    return Outcome(payment=payment)


def attach_checkout(account: Account, command: AttachCheckout) -> Outcome:
    """Where nothing waits for the payment any more it stays ended, and has no link: what it was
    for may be charged in another way by now, or its request has begun anew."""
    payment = payment_of(account, command.payment_id)
    if payment.session_id is not None:
        return Outcome(payment=payment)
    payment.session_id = command.session_id or None
    account.save_payment(payment)
    given_up, link = payment.status is PaymentStatus.FAILED, command.payment_url is not None
    useless = link and _useless(account, payment) is not None
    if useless and payment.status is PaymentStatus.CREATED:
        payment.status, payment.next_check_at = PaymentStatus.CANCELLED, None
    if link and payment.came_to_nothing and (useless or not given_up):
        return Outcome(payment=payment)
    if given_up:
        # Given up by a sweep or a concurrent repeat, and now it can be paid after all.
        payment.status = PaymentStatus.CREATED
        payment.failure_code = None
        payment.next_check_at = account.at
    if payment.status is PaymentStatus.CREATED:
        payment.status = PaymentStatus.PENDING
    payment.payment_url = command.payment_url
    if not payment.off_session:
        link_given(account, payment)
    return Outcome(payment=payment)


def abandon_payment(account: Account, command: AbandonPayment) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.status is PaymentStatus.CREATED:
        payment.status = PaymentStatus.FAILED
        payment.failure_code = command.failure_code
        payment.next_check_at = None
        account.save_payment(payment)
        unpaid(account, payment)
    return Outcome(payment=payment)


def authorise_payment(account: Account, command: AuthorisePayment) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.status in (PaymentStatus.CREATED, PaymentStatus.PENDING):
        payment.status = PaymentStatus.AUTHORISED
        account.save_payment(payment)
    return Outcome(payment=payment)


def settle_payment(account: Account, command: SettlePayment) -> Outcome:
    """Paid: once. Told again it changes nothing; what contradicts goes to review."""
    payment = payment_of(account, command.payment_id)
    if _paid_here_as_well(payment, command) and _useless(account, payment) is None:
        # What was paid elsewhere is still to be looked at, and this is what was asked for.
        payment.surplus_reference = payment.reference
        payment.paid, payment.reference = command.paid, command.reference
        return Outcome(_grant(account, payment), payment=payment)
    if payment.status not in SETTLEABLE_STATUSES:
        return _paid_before(account, payment, command)
    contradiction = _contradiction(payment, command) or _useless(account, payment)
    payment.paid = command.paid
    payment.reference = command.reference
    payment.session_id = payment.session_id or command.session_id or None
    payment.next_check_at = None
    if contradiction is not None:
        payment.status = PaymentStatus.REVIEW
        payment.review_reason = contradiction
        account.save_payment(payment)
        under_review(account, payment)
        return Outcome(payment=payment)
    return Outcome(_grant(account, payment), payment=payment)


def _paid_before(account: Account, payment: Payment, command: SettlePayment) -> Outcome:
    """More money than that which is known has to be looked at; it grants nothing."""
    if command.reference in (payment.reference, payment.surplus_reference):
        return Outcome(payment=payment, replayed=True)
    payment.surplus_reference = command.reference
    elsewhere = _elsewhere(payment, command)
    payment.review_reason = elsewhere or f"paid once more, {command.reference}"
    account.save_payment(payment)
    return Outcome(payment=payment)


def _elsewhere(payment: Payment, command: SettlePayment) -> str | None:
    if command.session_id is None or payment.session_id in (None, command.session_id):
        return None
    return f"paid in another checkout, {command.session_id}"


def _contradiction(payment: Payment, command: SettlePayment) -> str | None:
    """Why an admin has to look at it."""
    if elsewhere := _elsewhere(payment, command):
        return elsewhere
    if command.meant_for not in (None, payment.id):
        return f"the gateway says that the money is for {command.meant_for}"
    if command.paid != payment.price:
        return f"paid {command.paid}, asked for {payment.price}"
    return None


def _useless(account: Account, payment: Payment) -> str | None:
    """What it was for is not to be had any more."""
    if payment.subscription_id is None or awaiting(account, payment) is not None:
        return None
    return "its subscription does not wait for it any more"


def _paid_here_as_well(payment: Payment, command: SettlePayment) -> bool:
    """In its own checkout and as asked for, after another one's money had brought it to review."""
    return (
        payment.status is PaymentStatus.REVIEW
        and payment.reference not in (None, command.reference)
        and command.session_id == payment.session_id
        and command.paid == payment.price
        and command.meant_for in (None, payment.id)
        and not payment.refunds
        and not payment.disputes
    )


def _grant(account: Account, payment: Payment) -> Transaction:
    payment.failure_code = None
    payment.status = PaymentStatus.PAID
    account.tell(PaymentCompleted(*told_of(payment)))
    subscription = awaiting(account, payment)
    row = None if subscription is None else paid(account, subscription, payment)
    if row is None:
        row = _purchase(account, payment)
    payment.grant_id = row.parts[0].grant_id
    recover(account, payment, "refund")  # of what was returned while it was under review
    payment.status = status_of(payment)
    account.save_payment(payment)
    return row


def _purchase(account: Account, payment: Payment) -> Transaction:
    terms = GrantCredits(
        id=account.command.id,
        user_id=payment.user_id,
        at=account.at,
        amount=payment.credits,
        source=GrantSource.PURCHASE,
        expires_at=payment.credits_expire_at,
        payment_id=payment.id,
    )
    return book_grant(account, TransactionKind.GRANT, terms)


def accept_payment(account: Account, command: AcceptPayment) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.review_reason is None:
        raise Conflict("The payment is not under review.")
    payment.review_reason = None
    payment.review_note = command.reason
    payment.surplus_reference = None
    account.bind_request(payment.id)
    if payment.status is not PaymentStatus.REVIEW:
        account.save_payment(payment)
        return Outcome(payment=payment)
    _grant(account, payment)
    return Outcome(payment=payment)


def close_payment(account: Account, command: ClosePayment) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.status is command.status:
        return Outcome(payment=payment, replayed=True)
    if payment.status not in OPEN_STATUSES:
        raise PaymentNotOpen(payment.id, payment.status)
    payment.status = command.status
    payment.failure_code = command.failure_code
    payment.session_id = payment.session_id or command.session_id or None
    payment.next_check_at = None
    account.save_payment(payment)
    if command.status is PaymentStatus.FAILED:
        account.tell(PaymentFailed(*told_of(payment), failure_code=payment.failure_code))
    unpaid(account, payment)
    return Outcome(payment=payment)


def postpone_check(account: Account, command: PostponeCheck) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.next_check_at != command.seen:
        raise Conflict("Somebody else is asking the gateway.")
    payment.checks += -1 if command.given_back else 1
    payment.next_check_at = command.next_check_at
    account.save_payment(payment)
    return Outcome(payment=payment)


def payment_of(account: Account, payment_id: str) -> Payment:
    payment = account.payments.get(payment_id)
    if payment is None:
        raise NotFound("payment", payment_id)
    return payment


def status_of(payment: Payment) -> PaymentStatus:
    """Of a payment whose money was taken: what counts most of all that has become of it."""
    if payment.grant_id is None and payment.refundable_minor:
        return PaymentStatus.REVIEW
    states = {dispute.state for dispute in payment.disputes}
    if DisputeState.OPEN in states:
        return PaymentStatus.DISPUTED
    if DisputeState.LOST in states:
        return PaymentStatus.LOST
    if not payment.refundable_minor:
        return PaymentStatus.REFUNDED
    if payment.refunded_minor:
        return PaymentStatus.PARTIALLY_REFUNDED
    return PaymentStatus.WON if DisputeState.WON in states else PaymentStatus.PAID


def settle_status(account: Account, payment: Payment) -> None:
    """After its refunds or disputes have moved: as long as one is open, the gateway is asked."""
    payment.status = status_of(payment)
    # A review about this money ends when it is back; one about more money beside it does not.
    if payment.grant_id is None and payment.surplus_reference is None:
        if not payment.refundable_minor:
            payment.review_reason = None
            unpaid(account, payment)
        elif payment.review_reason is None:
            payment.review_reason = "its refund has failed"
    if not payment.pending_refunds and not payment.disputed:
        payment.next_check_at = None
    elif payment.next_check_at is None:
        payment.next_check_at = Millis(account.at + _FIRST_LOOK)
        payment.checks = 0


def told_of(payment: Payment) -> tuple[str, str, str | None, int, str, int, str | None, str | None]:
    """The leading fields of `PaymentEventData`."""
    return (
        payment.id,
        payment.gateway,
        payment.session_id,
        payment.price.amount_minor,
        payment.price.currency,
        payment.credits,
        payment.pack_id,
        payment.plan,
    )
