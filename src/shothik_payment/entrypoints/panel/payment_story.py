"""Everything that is known about a payment, in the order in which it happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from shothik_payment.domain.events import PaymentCompleted, PaymentFailed, PaymentRefunded
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import Millis
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.panel.shown_events import shown

_TYPES = (PaymentCompleted.type, PaymentFailed.type, PaymentRefunded.type)
_MOST = 200
Kind = Literal["opened", "refund", "dispute", "row", "event", "now"]
_RANKS: dict[Kind, int] = {"opened": 0, "refund": 1, "dispute": 1, "row": 2, "event": 3, "now": 4}
"""What was first of what has the same time."""


@dataclass(frozen=True, slots=True)
class Step:
    """`of` is what it is about: the payment, its refund or dispute, a ledger row, or an event."""

    at: Millis
    kind: Kind
    of: Any


async def story_of(app: Application, payment: Payment) -> list[Step]:
    """Oldest first. Events are there for as long as they are kept."""
    steps = [Step(payment.created_at, "opened", payment)]
    steps.extend(Step(refund.created_at, "refund", refund) for refund in payment.refunds)
    steps.extend(Step(dispute.opened_at, "dispute", dispute) for dispute in payment.disputes)
    rows = await app.wallets.of_payment(payment.id, _MOST)
    steps.extend(Step(row.at, "row", row) for row in rows)
    told = await app.events.latest(_MOST, payment.user_id, _TYPES)
    own = [event for event in told if json.loads(event.data)["paymentId"] == payment.id]
    steps.extend(Step(event.at, "event", event) for event in shown(reversed(own)))
    if payment.updated_at > payment.created_at:
        steps.append(Step(payment.updated_at, "now", payment))
    return sorted(steps, key=lambda step: (step.at, _RANKS[step.kind]))
