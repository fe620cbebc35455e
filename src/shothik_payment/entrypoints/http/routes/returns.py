"""The payer's browser, coming back from a gateway."""

from __future__ import annotations

from litestar import Response, get

from shothik_payment.domain.errors import NotFound
from shothik_payment.domain.model.payment import (
    OPEN_STATUSES,
    SETTLEABLE_STATUSES,
    Payment,
    PaymentStatus,
)
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.pages import page, see_other

_MAX_ID = 255


@get("/payments/{gateway:str}/callback", include_in_schema=False)
async def returned(request: AnyRequest) -> Response[str]:
    """Nothing that the browser brings is believed: the checkout's id is looked for among ours, and
    its gateway is asked. `status` only says where a payer goes while it is not known yet."""
    call = call_of(request.scope)
    session_id = request.query_params.get("paymentID", "")
    if not 0 < len(session_id) <= _MAX_ID:
        return _missing()
    try:
        payment, further = await call.app.settlements.returned(
            call.path_name("gateway"), session_id
        )
    except NotFound:
        return _missing()
    if further is not None:
        return see_other(further)
    return _back(payment, went_well=request.query_params.get("status") == "success")


def _missing() -> Response[str]:
    text = "There is no such payment. Start it again where you came from."
    return page("returned.html", 404, {"title": "Not found", "text": text})


def _back(payment: Payment, *, went_well: bool) -> Response[str]:
    paid = payment.status not in SETTLEABLE_STATUSES
    waiting = payment.status in OPEN_STATUSES and went_well
    url = payment.success_url if paid or waiting else payment.cancel_url
    if url is not None:
        return see_other(url)
    if payment.status is PaymentStatus.REVIEW:
        title = "Received"
        text = (
            "What was paid is not what was asked for. Somebody looks at it before you get credits."
        )
    elif payment.status is PaymentStatus.REFUNDED:
        title, text = "Refunded", "The money goes back the way it came. You can close this page."
    elif paid:
        title, text = "Paid", f"{payment.credits:,} credits are yours. You can close this page."
    elif waiting:
        title = "On its way"
        text = "The payment is being confirmed; your credits follow. You can close this page."
    else:
        title, text = "Not paid", "Nothing was paid. You can close this page and start again."
    return page("returned.html", 200, {"title": title, "text": text})
