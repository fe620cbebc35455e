"""A payment for a subscription, as it is recorded before the gateway is asked."""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus, return_url
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.subscription import AwaitedPayment, PaidFor, Subscription
from shothik_payment.domain.model.time import SECOND, Millis

FIRST_CHECK_MS = 20 * SECOND
"""After this time the gateway is asked for a checkout's payer, and for the end of a charge that a
request has begun."""


def charge(
    account: Account,
    subscription: Subscription,
    paid_for: PaidFor,
    terms: Terms,
    amount_minor: int,
    credits: int,
    *,
    by_payer: bool = False,
    success_url: str | None = None,
    cancel_url: str | None = None,
) -> Payment:
    """Record a payment for the subscription: to be charged to the saved method, or to be paid by
    the payer in a checkout. A renewal is the sweep's from the first; all else is charged by the
    request that asked for it, and the sweep must not charge it at the same time."""
    price, by_sweep = terms.price, paid_for is PaidFor.RENEWAL and not by_payer
    if price is None or subscription.gateway is None:
        raise RuntimeError("a plan without a price or a gateway is not charged")
    payment_id = account.new_id("pay")
    payment = Payment(
        id=payment_id,
        user_id=account.wallet.user_id,
        gateway=subscription.gateway,
        status=PaymentStatus.CREATED,
        price=Money(amount_minor, price.currency),
        credits=credits,
        created_at=account.at,
        updated_at=account.at,
        success_url=return_url(success_url, payment_id),
        cancel_url=return_url(cancel_url, payment_id),
        next_check_at=Millis(account.at + (0 if by_sweep else FIRST_CHECK_MS)),
        saves_method=True,
        off_session=not by_payer,
        subscription_id=subscription.id,
        plan=terms.plan,
    )
    subscription.awaited = AwaitedPayment(payment.id, paid_for, terms, by_payer)
    account.save_payment(payment)
    return payment
