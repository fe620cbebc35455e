"""One payment, and all that has become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from litestar import get
from litestar.response import Template

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import OPEN_STATUSES, REFUNDABLE_STATUSES, Payment
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.visits import visit_of
from shothik_payment.entrypoints.panel.actions import DoneQuery, while_so
from shothik_payment.entrypoints.panel.payment_story import story_of

_DONE = QueryReader(DoneQuery)
_STILL_SO: Mapping[str, Callable[[Payment], bool]] = {
    "refunded": lambda payment: payment.refunded_minor > 0,
    "refunding": lambda payment: bool(payment.pending_refunds),
    "accepted": lambda payment: payment.review_reason is None,
}


@get("/payments/{id:str}")
async def payment(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    found = await visit.app.payment_admin.get(visit.call.path_name("id"))
    url = found.payment_url or ""
    return visit.show(
        "panel/payment.html",
        payment=found,
        in_money=lambda minor: Money(minor, (found.paid or found.price).currency),
        story=await story_of(visit.app, found),
        under_way=found.status in OPEN_STATUSES or bool(found.pending_refunds),
        checkout=url if found.status in OPEN_STATUSES and _is_web(url) else None,
        refundable=found.status in REFUNDABLE_STATUSES
        and found.refundable_minor > 0
        and not found.pending_refunds,
        done=while_so(visit.query(_DONE).done, _STILL_SO, found),
    )


def _is_web(url: str) -> bool:
    """What a gateway has told becomes a link only if it leads to a page."""
    return url.startswith(("https://", "http://"))
