"""What operators do with a payment: return money, end a review."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from shothik_payment.domain.errors import (
    Conflict,
    InvalidRequest,
    PaymentNotRefundable,
    PaymentServiceError,
    RefundInProgress,
)
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import REFUNDABLE_STATUSES, Payment
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.requests import AcceptBody
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.figures import money, number
from shothik_payment.entrypoints.pages.visits import Submitted, Visit
from shothik_payment.entrypoints.panel.actions import REASON, Action, action_handlers

_PATH = "/payments/{id:str}"


class RefundForm(Struct, rename="camel", kw_only=True):
    """`amount` as a decimal number in the payment's currency; absent: all that is left."""

    amount: f.Name | None = None
    reason: f.Reason


_REFUND = QueryReader(RefundForm)
_ACCEPT = QueryReader(AcceptBody)


async def _payment_of(visit: Visit) -> Payment:
    return await visit.app.payment_admin.get(visit.call.path_name("id"))


def _payment_page(visit: Visit, payment: Payment) -> str:
    return f"/{visit.realm}/payments/{quote(payment.id, safe='')}"


def _minor(text: str | None, currency: str) -> int | None:
    if text is None:
        return None
    try:
        amount = Money.parse(text, currency).amount_minor
    except ValueError:
        amount = 0
    if amount == 0:
        raise InvalidRequest.of("amount", f"an amount in {currency}, as {Money(500, currency)}")
    return amount


async def _refund(visit: Visit) -> Action[RefundForm]:
    payment = await _payment_of(visit)
    page, refusal = _payment_page(visit, payment), _not_refundable(payment)
    left = Money(payment.refundable_minor, (payment.paid or payment.price).currency)

    async def work(sent: Submitted[RefundForm]) -> str:
        amount = _minor(sent.fields.amount, left.currency)
        outcome = await visit.app.payment_admin.refund(
            payment.id, amount, sent.fields.reason, sent.request
        )
        pending = outcome.payment is not None and outcome.payment.pending_refunds
        return f"{page}?done={'refunding' if pending else 'refunded'}"

    return Action(
        here="Payments",
        title=f"Refund {payment.id}",
        summary=_what_is_returned(payment, left) if refusal is None else [],
        refusal=refusal,
        fields=[
            {
                "name": "amount",
                "label": f"Amount in {left.currency}",
                "help": f"As {left.decimal()}. Blank: all that is left.",
                "attributes": {"inputmode": "decimal", "autocomplete": "off"},
            },
            REASON,
        ],
        confirm="Refund",
        danger=True,
        back=page,
        reader=_REFUND,
        operation="POST /admin/payments/{id}/refund",
        subject=payment.id,
        work=work,
    )


def _not_refundable(payment: Payment) -> PaymentServiceError | None:
    """What a refund would be refused with now, whatever its amount."""
    if payment.status not in REFUNDABLE_STATUSES or payment.refundable_minor <= 0:
        return PaymentNotRefundable(payment.id, payment.status)
    under_way = payment.pending_refunds
    return RefundInProgress(payment.id, under_way[0].id) if under_way else None


def _what_is_returned(payment: Payment, left: Money) -> list[str]:
    return [
        f"{money(payment.paid)} were paid by {payment.user_id} for "
        f"{number(payment.credits)} credits; {money(left)} can be returned.",
        "Credits are taken back in proportion. What was spent of them becomes a debt.",
    ]


async def _accept(visit: Visit) -> Action[AcceptBody]:
    payment = await _payment_of(visit)
    page = _payment_page(visit, payment)

    async def work(sent: Submitted[AcceptBody]) -> str:
        await visit.app.payment_admin.accept(payment.id, sent.fields.reason, sent.request)
        return f"{page}?done=accepted"

    under_review = payment.review_reason
    return Action(
        here="Payments",
        title=f"Accept {payment.id}",
        summary=[
            *([f"Under review: {under_review}."] if under_review else []),
            f"Asked for: {money(payment.price)}. Paid: {money(payment.paid)}.",
            f"Accepting ends the review and grants {payment.user_id} the {number(payment.credits)} "
            "credits that were asked for, unless they were granted before.",
        ],
        refusal=None if under_review else Conflict("The payment is not under review."),
        fields=[REASON],
        confirm="Accept the payment",
        back=page,
        reader=_ACCEPT,
        operation="POST /admin/payments/{id}/accept",
        subject=payment.id,
        work=work,
    )


HANDLERS = [
    *action_handlers(f"{_PATH}/refund", _refund),
    *action_handlers(f"{_PATH}/accept", _accept),
]
