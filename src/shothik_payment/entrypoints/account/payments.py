"""A user's payments: the list, each with its receipt, and the way to a gateway and back."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from litestar import Response, get
from litestar.response import Template

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import (
    OPEN_STATUSES,
    DisputeState,
    Payment,
    PaymentStatus,
)
from shothik_payment.domain.model.subscription import SubscriptionStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.account.paying import checkout_of, payment_page
from shothik_payment.entrypoints.account.plan import running
from shothik_payment.entrypoints.account.standing import plan_titles
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.links import with_query
from shothik_payment.entrypoints.pages.visits import Visit, see_other, stranger, visit_of

_PAGE = QueryReader(PageQuery)
_RECEIPTS = frozenset(
    {
        PaymentStatus.PAID,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
        PaymentStatus.WON,
        PaymentStatus.LOST,
    }
)
_NOT_PAID = frozenset({PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED})


@get("/payments")
async def payments(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    query = visit.query(_PAGE)
    before = place_of("payments", "cursor", query.cursor)
    page, last = await visit.app.checkouts.of_user(visit.user_id, before, query.limit)
    return visit.show(
        "account/payments.html",
        payments=page,
        plans=plan_titles(visit.app.catalog),
        before=before,
        next=optional_cursor("payments", last),
    )


async def _own(visit: Visit) -> Payment:
    """The payment of the path. Raises NotFound, also for another user's."""
    return await visit.app.checkouts.own(visit.user_id, visit.call.path_name("id"))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the money, in the currency that was paid; None: nothing of it. `lost`: the
    bank took it back; `disputed`: it may. `whole`: what it took, or may, is all that was left."""

    paid: Money
    returned: Money | None
    lost: Money | None
    disputed: Money | None
    remains: Money | None
    whole: bool


def _receipt(own: Payment) -> Receipt:
    paid = own.paid or own.price

    def some(minor: int) -> Money | None:
        return Money(minor, paid.currency) if minor else None

    lost, disputed = (
        sum(dispute.amount_minor for dispute in own.disputes if dispute.state is state)
        for state in (DisputeState.LOST, DisputeState.OPEN)
    )
    gone = own.refunded_minor + lost
    remains = max(0, paid.amount_minor - gone)
    return Receipt(
        paid,
        some(own.refunded_minor),
        some(lost),
        some(disputed),
        Money(remains, paid.currency) if gone else None,
        whole=remains <= disputed,
    )


async def _paid_at(visit: Visit, own: Payment) -> Millis | None:
    """When its credits came, which is when it was known to be paid. None: they have not."""
    if own.grant_id is None:
        return None
    first = await visit.app.wallets.of_payment(own.id, 1)
    return first[0].at if first else None


async def _again(visit: Visit, own: Payment) -> str:
    """Where it can be tried again: what was not begun is begun again, in the same way."""
    home, way = f"/{visit.realm}", {"currency": own.price.currency, "gateway": own.gateway}
    if own.plan is None:
        return with_query(f"{home}/buy", **way)
    found = running(await visit.app.subscriptions.current(visit.user_id))
    begins = found is None or found.status is SubscriptionStatus.INCOMPLETE
    if begins and own.plan in visit.app.catalog.billing.plans:
        return with_query(f"{home}/plan/begin/{quote(own.plan, safe='')}", **way)
    return f"{home}/plan"


@get("/payments/{id:str}")
async def payment(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    own = await _own(visit)
    return visit.show(
        "account/payment.html",
        payment=own,
        plans=plan_titles(visit.app.catalog),
        under_way=own.status in OPEN_STATUSES,
        checkout=checkout_of(own),
        receipt=_receipt(own) if own.status in _RECEIPTS else None,
        paid_at=await _paid_at(visit, own),
        again=await _again(visit, own) if own.status in _NOT_PAID else None,
    )


@get("/payments/{id:str}/go")
async def go(request: AnyRequest) -> Template | Response[None]:
    visit = await visit_of(request, Realm.ACCOUNT)
    own = await _own(visit)
    url = checkout_of(own)
    if url is None:
        return see_other(payment_page(visit, own.id))
    return visit.show(
        "account/go.html",
        payment=own,
        plans=plan_titles(visit.app.catalog),
        url=url,
        host=urlsplit(url).netloc,
    )


@get("/returned/{id:str}")
async def returned(request: AnyRequest) -> Template:
    """Whoever comes from a gateway brings no session: browsers keep the cookie back. A page of ours
    that leads on to the payment does."""
    visit = stranger(request, Realm.ACCOUNT)
    return visit.show(
        "account/returned.html", onward=payment_page(visit, visit.call.path_name("id"))
    )


HANDLERS = [payments, payment, go, returned]
