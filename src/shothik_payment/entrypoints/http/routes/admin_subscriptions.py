"""What admins do with a user's subscription: look, extend, end, give."""

from __future__ import annotations

from litestar import get, post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import requests as q
from shothik_payment.entrypoints.http import subscription_examples as x
from shothik_payment.entrypoints.http import subscription_replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.routes.subscription_reads import history_page
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import BodyReader
from shothik_payment.entrypoints.http.writes import Done, Write

_PATH = "/admin/users/{userId:str}/subscription"


@get(
    _PATH,
    opt=documented(
        Doc(
            summary="A user's subscription; `free` without one",
            tag="admin",
            caller=Caller.ADMIN,
            answer=x.CURRENT,
        )
    ),
)
async def current(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    view = await call.app.subscriptions.current(call.user_id())
    return reply(r.current_reply(view, call.app.catalog.billing.free))


@get(
    f"{_PATH}/history",
    opt=documented(
        Doc(
            summary="What has happened to a user's subscriptions, newest first",
            tag="admin",
            caller=Caller.ADMIN,
            query=q.PageQuery,
            answer=x.HISTORY,
        )
    ),
)
async def history(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    return reply(await history_page(call, call.user_id()))


@post(
    f"{_PATH}/extend",
    status_code=200,
    opt=documented(
        Doc(
            summary="Let the period end so many days later; those that follow begin there",
            tag="admin",
            caller=Caller.ADMIN,
            body=q.ExtendSubscriptionBody(days=7, reason="an outage of ours"),
            answer=x.ACTIVE,
            errors=(
                e.NoSubscription,
                e.SubscriptionPaymentOpen,
                e.NotInThisStatus,
                e.IdempotencyKeyReused,
            ),
            writes=True,
        )
    ),
)
async def extend(request: AnyRequest) -> Answer:
    return await _extend_write.answer(call_of(request.scope), request.receive)


async def _extend(
    call: Call,
    caller: UserPrincipal,
    body: q.ExtendSubscriptionBody,
    request: RequestBinding | None,
) -> Done:
    view = await call.app.subscriptions.extend(call.user_id(), body.days, body.reason, request)
    return r.subscription_reply(view), view.replayed


_extend_write = Write(
    operation="POST /admin/users/{id}/subscription/extend",
    door=door.for_admin,
    read=BodyReader(q.ExtendSubscriptionBody).read,
    subject=lambda call, caller, body: call.user_id(),
    work=_extend,
)


@post(
    f"{_PATH}/cancel",
    status_code=200,
    opt=documented(
        Doc(
            summary="Cancel a user's subscription: at the period's end, or at once",
            tag="admin",
            caller=Caller.ADMIN,
            body=q.EndSubscriptionBody(now=True, reason="asked for by mail"),
            answer=x.CANCELLED,
            errors=(e.NoSubscription, e.SubscriptionPaymentOpen, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def cancel(request: AnyRequest) -> Answer:
    return await _cancel_write.answer(call_of(request.scope), request.receive)


async def _cancel(
    call: Call, caller: UserPrincipal, body: q.EndSubscriptionBody, request: RequestBinding | None
) -> Done:
    view = await call.app.subscriptions.cancel(
        call.user_id(), now=body.now is True, reason=body.reason, request=request
    )
    return r.subscription_reply(view), view.replayed


_cancel_write = Write(
    operation="POST /admin/users/{id}/subscription/cancel",
    door=door.for_admin,
    read=BodyReader(q.EndSubscriptionBody).read,
    subject=lambda call, caller, body: call.user_id(),
    work=_cancel,
)


@post(
    f"{_PATH}/grant",
    status_code=200,
    opt=documented(
        Doc(
            summary="Give a plan without a payment, for one period of it or until `endsAt`",
            tag="admin",
            caller=Caller.ADMIN,
            body=q.GrantPlanBody(plan="pro", reason="won the contest"),
            answer=x.GRANTED,
            errors=(
                e.NotFound,
                e.SubscriptionExists,
                e.SubscriptionPaymentOpen,
                e.IdempotencyKeyReused,
            ),
            writes=True,
        )
    ),
)
async def grant(request: AnyRequest) -> Answer:
    return await _grant_write.answer(call_of(request.scope), request.receive)


async def _grant(
    call: Call, caller: UserPrincipal, body: q.GrantPlanBody, request: RequestBinding | None
) -> Done:
    view = await call.app.subscriptions.grant(
        call.user_id(), body.plan, body.reason, millis(body.ends_at), request
    )
    return r.subscription_reply(view), view.replayed


_grant_write = Write(
    operation="POST /admin/users/{id}/subscription/grant",
    door=door.for_admin,
    read=BodyReader(q.GrantPlanBody).read,
    subject=lambda call, caller, body: call.user_id(),
    work=_grant,
)
