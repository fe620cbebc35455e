"""What admins do with payments: look, refund, decide."""

from __future__ import annotations

from litestar import get, post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import payment_replies as p
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import AcceptBody, PageQuery, RefundBody
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.views import admin_payment_view
from shothik_payment.entrypoints.http.writes import Done, Write

_read_page = QueryReader(PageQuery).read

_PAYMENT = p.AdminPaymentView(
    id="pay_1a20001k5v8",
    user_id="user_123",
    gateway="sandbox",
    status="partially_refunded",
    amount_minor=1000,
    currency="USD",
    credits=100,
    pack_id="credits_100",
    plan=None,
    session_id="session_abc123",
    payment_url="http://127.0.0.1:3001/sandbox/checkout/session_abc123",
    failure_code=None,
    refunded_minor=500,
    paid_minor=1000,
    paid_currency="USD",
    reference="session_abc123",
    review_reason=None,
    review_note=None,
    refunds=[
        p.RefundView(
            id="rfd_1a20001k5v9",
            amount_minor=500,
            status="succeeded",
            reason="not used",
            gateway_id="sbx_rfd_1a20001k5v9",
            credits_taken=50,
            failure_code=None,
            created_at="2030-01-31T12:00:00.000Z",
        )
    ],
    disputes=[],
    created_at="2030-01-31T11:00:00.000Z",
    updated_at="2030-01-31T12:00:00.000Z",
)


@get(
    "/admin/payments/review",
    opt=documented(
        Doc(
            summary="The payments that somebody has to look at, newest first",
            tag="admin",
            caller=Caller.ADMIN,
            query=PageQuery,
            answer=p.AdminPaymentsReply(payments=[_PAYMENT], next=None),
        )
    ),
)
async def under_review(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    query = _read_page(request.scope["query_string"])
    before = place_of("review", "cursor", query.cursor)
    page, last = await call.app.payment_admin.under_review(before, query.limit)
    views = [admin_payment_view(payment) for payment in page]
    return reply(p.AdminPaymentsReply(payments=views, next=optional_cursor("review", last)))


@get(
    "/admin/payments/{id:str}",
    opt=documented(
        Doc(
            summary="Anybody's payment, with its refunds and disputes",
            tag="admin",
            caller=Caller.ADMIN,
            answer=p.AdminPaymentReply(payment=_PAYMENT),
            errors=(e.NotFound,),
        )
    ),
)
async def payment(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    found = await call.app.payment_admin.get(call.path_name("id"))
    return reply(p.AdminPaymentReply(payment=admin_payment_view(found)))


@post(
    "/admin/payments/{id:str}/refund",
    status_code=200,
    opt=documented(
        Doc(
            summary="Return the money, or a part of it; a refund without an answer yet is pending",
            tag="admin",
            caller=Caller.ADMIN,
            body=RefundBody(amount=500, reason="not used"),
            body_required=False,
            answer=p.AdminPaymentReply(payment=_PAYMENT),
            errors=(
                e.NotFound,
                e.PaymentNotRefundable,
                e.RefundInProgress,
                e.RefundExceedsPayment,
                e.PartialRefundUnsupported,
                e.LimitReached,
                e.GatewayRefused,
                e.IdempotencyKeyReused,
            ),
            writes=True,
        )
    ),
)
async def refund(request: AnyRequest) -> Answer:
    return await _refund_write.answer(call_of(request.scope), request.receive)


async def _refund(
    call: Call, caller: UserPrincipal, body: RefundBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.payment_admin.refund(
        call.path_name("id"), body.amount, body.reason, request
    )
    return _answered(outcome)


_refund_write = Write(
    operation="POST /admin/payments/{id}/refund",
    door=door.for_admin,
    read=BodyReader(RefundBody, may_be_empty=True).read,
    subject=lambda call, caller, body: call.path_name("id"),
    work=_refund,
    takes_turns=True,
)


@post(
    "/admin/payments/{id:str}/accept",
    status_code=200,
    opt=documented(
        Doc(
            summary="End a review: the credits that were asked for are granted, unless they were",
            tag="admin",
            caller=Caller.ADMIN,
            body=AcceptBody(reason="the payer sent the rest by bank transfer"),
            answer=p.AdminPaymentReply(payment=_PAYMENT),
            errors=(e.NotFound, e.Conflict, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def accept(request: AnyRequest) -> Answer:
    return await _accept_write.answer(call_of(request.scope), request.receive)


async def _accept(
    call: Call, caller: UserPrincipal, body: AcceptBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.payment_admin.accept(call.path_name("id"), body.reason, request)
    return _answered(outcome)


_accept_write = Write(
    operation="POST /admin/payments/{id}/accept",
    door=door.for_admin,
    read=BodyReader(AcceptBody).read,
    subject=lambda call, caller, body: call.path_name("id"),
    work=_accept,
)


def _answered(outcome: Outcome) -> Done:
    if outcome.payment is None:
        raise RuntimeError("a payment was changed, and is not there")
    done = p.AdminPaymentReply(payment=admin_payment_view(outcome.payment))
    return done, outcome.replayed
