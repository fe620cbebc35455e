"""On which terms a subscription goes on after its period, by the catalog as it is now."""

from __future__ import annotations

from shothik_payment.domain.errors import Conflict
from shothik_payment.domain.model.plan import Billing, Terms
from shothik_payment.domain.model.subscription import RUNNING_STATUSES, PaidFor, Subscription


def next_terms(billing: Billing, subscription: Subscription) -> Terms | None:
    """The plan's as it is sold then. One that is not sold any more, or not in this currency, goes
    on as it was; so does one that costs nothing and has a price by now. None: such is the plan that
    was chosen instead, and nobody chose to pay for anything else."""
    plans, terms = billing.plans, subscription.terms
    if subscription.next_plan is not None:
        chosen = plans.get(subscription.next_plan)
        unasked = chosen is not None and subscription.next_free and not chosen.free
        return None if chosen is None or unasked else chosen.terms_in(subscription.currency)
    plan = plans.get(terms.plan)
    if plan is None or (terms.price is None and not plan.free):
        return terms
    return plan.terms_in(subscription.currency) or terms


def asked_terms(billing: Billing, subscription: Subscription) -> Terms:
    """Those of a period that somebody asks for now. Raises Conflict."""
    terms = next_terms(billing, subscription)
    if terms is None:
        raise not_sold(subscription)
    return terms


def not_sold(subscription: Subscription) -> Conflict:
    return Conflict(
        f"The plan {subscription.next_plan}, which was chosen for the next period, is not sold any "
        "more as it was. Keep the plan that there is, or choose another."
    )


def coming_terms(billing: Billing, subscription: Subscription) -> Terms | None:
    """As `next_terms`; those of a period that is being paid are fixed."""
    awaited = subscription.awaited
    if awaited is not None and awaited.paid_for is not PaidFor.UPGRADE:
        return awaited.terms
    return next_terms(billing, subscription)


def ends_with_period(billing: Billing, subscription: Subscription) -> bool:
    """Since it was cancelled, or the plan that was chosen is not to be had any more."""
    goes_on = subscription.status in RUNNING_STATUSES and not subscription.pause_at_period_end
    unsold = goes_on and coming_terms(billing, subscription) is None
    return subscription.cancel_at_period_end or unsold
