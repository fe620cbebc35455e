"""A user's own subscription: have one, change it, end it."""

from __future__ import annotations

from litestar import delete, patch, post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import requests as q
from shothik_payment.entrypoints.http import subscription_examples as x
from shothik_payment.entrypoints.http import subscription_replies as r
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.writes import Done, Write

_OK, _NO = "http://localhost:3000/bought", "http://localhost:3000/cancelled"
_read_how = QueryReader(q.CancelSubscriptionQuery).read


def _choice(body: q.ChoiceBody) -> Choice:
    return Choice(body.gateway, body.currency, body.success_url, body.cancel_url)


@post(
    "/subscriptions",
    status_code=200,
    opt=documented(
        Doc(
            summary="Subscribe to a plan: active at once where it is free or a saved method is "
            "charged, else once it is paid at `paymentUrl`",
            tag="subscriptions",
            caller=Caller.USER,
            body=q.SubscribeBody(plan="pro", currency="USD", success_url=_OK, cancel_url=_NO),
            answer=x.DUE,
            errors=(
                e.NotFound,
                e.UserFrozen,
                e.SubscriptionExists,
                e.SubscriptionPaymentOpen,
                e.PaymentNotOpen,
                e.GatewayRefused,
                e.IdempotencyKeyReused,
            ),
            limited=True,
            writes=True,
        )
    ),
)
async def subscribe(request: AnyRequest) -> Answer:
    return await _subscribe_write.answer(call_of(request.scope), request.receive)


async def _subscribe(
    call: Call, caller: UserPrincipal, body: q.SubscribeBody, request: RequestBinding | None
) -> Done:
    view = await call.app.subscriptions.subscribe(caller.user_id, body.plan, _choice(body), request)
    return r.subscription_reply(view), view.replayed


_subscribe_write = Write(
    operation="POST /subscriptions",
    door=door.for_initiate,
    read=BodyReader(q.SubscribeBody).read,
    subject=lambda call, caller, body: caller.user_id,
    work=_subscribe,
    takes_turns=True,
)


@patch(
    "/subscriptions/current",
    opt=documented(
        Doc(
            summary="Change the plan, or let it end or pause at the period's end, or take that "
            "back: exactly one of `plan`, `cancelAtPeriodEnd` and `paused`",
            tag="subscriptions",
            caller=Caller.USER,
            body=q.ChangeSubscriptionBody(plan="team", success_url=_OK, cancel_url=_NO),
            answer=x.DUE,
            errors=(
                e.NotFound,
                e.NoSubscription,
                e.UserFrozen,
                e.SubscriptionPaymentOpen,
                e.PaymentNotOpen,
                e.NotInThisStatus,
                e.Conflict,
                e.GatewayRefused,
                e.IdempotencyKeyReused,
            ),
            limited=True,
            writes=True,
        )
    ),
)
async def change(request: AnyRequest) -> Answer:
    return await _change_write.answer(call_of(request.scope), request.receive)


async def _change(
    call: Call,
    caller: UserPrincipal,
    body: q.ChangeSubscriptionBody,
    request: RequestBinding | None,
) -> Done:
    app, user = call.app.subscriptions, caller.user_id
    if body.plan is not None or body.paused is False:
        quota = door.initiate_quota(call, caller)
        door.require_allowed(await call.app.limiter.hit(*quota))
    if body.plan is not None:
        view = await app.change(user, body.plan, _choice(body), request)
    elif body.cancel_at_period_end is not None:
        ends = body.cancel_at_period_end
        view = await (
            app.cancel(user, now=False, only_at_end=True, request=request)
            if ends
            else app.keep(user, request)
        )
    elif body.paused:
        view = await app.pause(user, request)
    else:
        view = await app.resume(user, _choice(body), request)
    return r.subscription_reply(view), view.replayed


def _read_change(body: bytes) -> q.ChangeSubscriptionBody:
    change = _read_change_fields(body)
    asked = (change.plan, change.cancel_at_period_end, change.paused)
    if sum(one is not None for one in asked) != 1:
        raise e.InvalidRequest.of("plan", "exactly one of plan, cancelAtPeriodEnd and paused")
    return change


_read_change_fields = BodyReader(q.ChangeSubscriptionBody).read
_change_write = Write(
    operation="PATCH /subscriptions/current",
    door=door.for_user,
    read=_read_change,
    subject=lambda call, caller, body: caller.user_id,
    work=_change,
    takes_turns=True,
)


@delete(
    "/subscriptions/current",
    status_code=200,
    opt=documented(
        Doc(
            summary="Cancel: at the period's end, or with `now=true` at once, credits included",
            tag="subscriptions",
            caller=Caller.USER,
            query=q.CancelSubscriptionQuery,
            body=q.CancelSubscriptionBody(),
            body_required=False,
            answer=x.CANCELLED,
            errors=(e.NoSubscription, e.SubscriptionPaymentOpen, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def cancel(request: AnyRequest) -> Answer:
    return await _cancel_write.answer(call_of(request.scope), request.receive)


async def _cancel(
    call: Call,
    caller: UserPrincipal,
    body: q.CancelSubscriptionBody,
    request: RequestBinding | None,
) -> Done:
    view = await call.app.subscriptions.cancel(caller.user_id, now=_now(call), request=request)
    return r.subscription_reply(view), view.replayed


def _now(call: Call) -> bool:
    return _read_how(call.scope["query_string"]).now == "true"


_cancel_write = Write(
    operation="DELETE /subscriptions/current",
    door=door.for_user,
    read=BodyReader(q.CancelSubscriptionBody, may_be_empty=True).read,
    # How it is asked for is not in the body, and tells two requests apart all the same.
    subject=lambda call, caller, body: f"{caller.user_id} now={_now(call)}",
    work=_cancel,
)


@post(
    "/subscriptions/current/pay",
    status_code=200,
    opt=documented(
        Doc(
            summary="A page to pay a renewal that could not be charged",
            tag="subscriptions",
            caller=Caller.USER,
            body=q.PayRenewalBody(success_url=_OK, cancel_url=_NO),
            body_required=False,
            answer=x.DUE,
            errors=(
                e.NoSubscription,
                e.UserFrozen,
                e.SubscriptionPaymentOpen,
                e.PaymentNotOpen,
                e.NotInThisStatus,
                e.Conflict,
                e.GatewayRefused,
                e.IdempotencyKeyReused,
            ),
            limited=True,
            writes=True,
        )
    ),
)
async def pay(request: AnyRequest) -> Answer:
    return await _pay_write.answer(call_of(request.scope), request.receive)


async def _pay(
    call: Call, caller: UserPrincipal, body: q.PayRenewalBody, request: RequestBinding | None
) -> Done:
    choice = Choice(success_url=body.success_url, cancel_url=body.cancel_url)
    view = await call.app.subscriptions.pay(caller.user_id, choice, request)
    return r.subscription_reply(view), view.replayed


_pay_write = Write(
    operation="POST /subscriptions/current/pay",
    door=door.for_initiate,
    read=BodyReader(q.PayRenewalBody, may_be_empty=True).read,
    subject=lambda call, caller, body: caller.user_id,
    work=_pay,
    takes_turns=True,
)
