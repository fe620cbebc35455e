"""A user's own subscription: how it stands, what a change would do, what has happened."""

from __future__ import annotations

from litestar import get, post

from shothik_payment.domain import errors as e
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import requests as q
from shothik_payment.entrypoints.http import subscription_examples as x
from shothik_payment.entrypoints.http import subscription_replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import number_of, optional_cursor
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader

_read_page = QueryReader(q.PageQuery).read
_read_preview = BodyReader(q.PreviewBody).read


@get(
    "/subscriptions/current",
    opt=documented(
        Doc(
            summary="The caller's subscription; `free` without one",
            tag="subscriptions",
            caller=Caller.USER,
            answer=x.CURRENT,
        )
    ),
)
async def current(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    view = await call.app.subscriptions.current(caller.user_id)
    return reply(r.current_reply(view, call.app.catalog.billing.free))


@post(
    "/subscriptions/preview",
    status_code=200,
    opt=documented(
        Doc(
            summary="What subscribing or changing to a plan would cost now, and change when",
            tag="subscriptions",
            caller=Caller.USER,
            body=q.PreviewBody(plan="team"),
            answer=x.PREVIEW,
            errors=(
                e.NotFound,
                e.UserFrozen,
                e.SubscriptionPaymentOpen,
                e.NotInThisStatus,
            ),
        )
    ),
)
async def preview(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    body = _read_preview(await call.body(request.receive))
    choice = Choice(body.gateway, body.currency)
    return reply(
        r.preview_reply(await call.app.subscriptions.preview(caller.user_id, body.plan, choice))
    )


@get(
    "/subscriptions/history",
    opt=documented(
        Doc(
            summary="What has happened to the caller's subscriptions, newest first",
            tag="subscriptions",
            caller=Caller.USER,
            query=q.PageQuery,
            answer=x.HISTORY,
        )
    ),
)
async def history(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    return reply(await history_page(call, caller.user_id))


async def history_page(call: Call, user_id: str) -> r.SubscriptionHistoryReply:
    """The page that the query asks for. Raises InvalidRequest."""
    query = _read_page(call.scope["query_string"])
    before = number_of("steps", "cursor", query.cursor)
    page, last = await call.app.subscriptions.history(user_id, before, query.limit)
    views = [r.step_view(step) for step in page]
    return r.SubscriptionHistoryReply(history=views, next=optional_cursor("steps", last))
