"""Buying credits, and hearing from gateways."""

from __future__ import annotations

from litestar import get, post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import payment_replies as p
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import WEBHOOK_BODY_LIMIT, AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import InitiateBody, PageQuery
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.views import payment_view
from shothik_payment.entrypoints.http.writes import Done, Write

_read_page = QueryReader(PageQuery).read

_PAYMENT = p.PaymentView(
    id="pay_1a20001k5v8",
    gateway="sandbox",
    status="pending",
    amount_minor=1000,
    currency="USD",
    credits=100,
    pack_id="credits_100",
    plan=None,
    session_id="session_abc123",
    payment_url="http://127.0.0.1:3001/sandbox/checkout/session_abc123",
    failure_code=None,
    refunded_minor=0,
    created_at="2030-01-31T12:00:00.000Z",
    updated_at="2030-01-31T12:00:00.000Z",
)


@post(
    "/payments/initiate",
    status_code=200,
    opt=documented(
        Doc(
            summary="Open a checkout for a pack, or for any number of credits",
            tag="payments",
            caller=Caller.USER,
            body=InitiateBody(
                pack_id="credits_100",
                currency="USD",
                success_url="http://localhost:3000/bought",
                cancel_url="http://localhost:3000/cancelled",
            ),
            answer=p.InitiateReply(
                payment_id=_PAYMENT.id,
                session_id=_PAYMENT.session_id,
                payment_url=_PAYMENT.payment_url,
            ),
            errors=(
                e.NotFound,
                e.UserFrozen,
                e.GatewayRefused,
                e.IdempotencyKeyReused,
            ),
            limited=True,
            writes=True,
        )
    ),
)
async def initiate(request: AnyRequest) -> Answer:
    return await _initiate_write.answer(call_of(request.scope), request.receive)


async def _initiate(
    call: Call, caller: UserPrincipal, body: InitiateBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.checkouts.initiate(
        caller.user_id,
        pack_id=body.pack_id,
        credits=body.credits,
        gateway=body.gateway,
        currency=body.currency,
        success_url=body.success_url,
        cancel_url=body.cancel_url,
        request=request,
    )
    return _opened(outcome), outcome.replayed


_initiate_write = Write(
    operation="POST /payments/initiate",
    door=door.for_initiate,
    read=BodyReader(InitiateBody).read,
    subject=lambda call, caller, body: caller.user_id,
    work=_initiate,
    takes_turns=True,
)


def _opened(outcome: Outcome) -> p.InitiateReply:
    payment = outcome.payment
    if payment is None:
        raise RuntimeError("a checkout without a payment")
    return p.InitiateReply(
        payment_id=payment.id, session_id=payment.session_id, payment_url=payment.payment_url
    )


@get(
    "/payments",
    opt=documented(
        Doc(
            summary="The caller's payments, newest first",
            tag="payments",
            caller=Caller.USER,
            query=PageQuery,
            answer=p.PaymentsReply(payments=[_PAYMENT], next=None),
        )
    ),
)
async def payments(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    query = _read_page(request.scope["query_string"])
    before = place_of("payments", "cursor", query.cursor)
    page, last = await call.app.checkouts.of_user(caller.user_id, before, query.limit)
    views = [payment_view(payment) for payment in page]
    return reply(p.PaymentsReply(payments=views, next=optional_cursor("payments", last)))


@get(
    "/payments/{id:str}",
    opt=documented(
        Doc(
            summary="One of the caller's payments",
            tag="payments",
            caller=Caller.USER,
            answer=p.PaymentReply(payment=_PAYMENT),
            errors=(e.NotFound,),
        )
    ),
)
async def payment(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    own = await call.app.checkouts.own(caller.user_id, call.path_name("id"))
    return reply(p.PaymentReply(payment=payment_view(own)))


@post(
    "/webhooks/{gateway:str}",
    status_code=200,
    opt=documented(
        Doc(
            summary="A gateway's notification, verified from its raw body; 200 once it is stored",
            tag="payments",
            caller=Caller.ANYONE,
            raw_body=True,
            answer=r.Reply(),
            errors=(e.NotFound, e.Unauthenticated),
            writes=True,
        )
    ),
)
async def webhook(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    call.require_room()
    gateway = call.path_name("gateway")
    body = await call.body(request.receive, WEBHOOK_BODY_LIMIT)
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in call.headers.items()}
    await call.app.webhooks.hear(gateway, body, headers)
    return reply(r.Reply())
