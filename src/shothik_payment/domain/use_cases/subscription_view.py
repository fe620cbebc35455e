"""A subscription as who asks about it sees it."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.subscription import Subscription


@dataclass(slots=True)
class SubscriptionView:
    """The user's last subscription, None: there never was one; `payment` is the one that it waits
    for; `coming`: the terms that a next period would have, None where the plan that was chosen for
    it is not to be had any more; `ends`: there will be none after this one."""

    subscription: Subscription | None
    payment: Payment | None = None
    replayed: bool = False
    coming: Terms | None = None
    ends: bool = False


def answer_to(outcome: Outcome, view: SubscriptionView) -> SubscriptionView:
    """None is given the link of a subscription that has replaced its own."""
    view.replayed = outcome.replayed
    shown = view.subscription
    if shown is not None and outcome.subscription_id not in (None, shown.id):
        view.payment = None
    return view
