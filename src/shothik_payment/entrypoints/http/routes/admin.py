"""What admins do: give and take credits, read the events."""

from __future__ import annotations

from litestar import get, post
from msgspec import Raw

from shothik_payment.domain import errors as e
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.cursors import cursor, number_of, optional_cursor
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.idempotency import claim, earlier, finished
from shothik_payment.entrypoints.http.requests import AdjustBody, EventsQuery
from shothik_payment.entrypoints.http.routes.charging import done_row
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.views import EVENT_SOURCE, event_view

_read_adjust = BodyReader(AdjustBody).read
_read_events = QueryReader(EventsQuery).read


@post(
    "/admin/credits",
    status_code=200,
    opt=documented(
        Doc(
            summary="Give credits (positive) or take available ones (negative)",
            tag="admin",
            caller=Caller.ADMIN,
            body=AdjustBody(user_id="user_123", amount=100, reason="goodwill"),
            answer=r.AdjustReply(
                transaction_id="txn_1a20001k5v0", new_balance=100, previous_balance=0
            ),
            errors=(e.InsufficientCredits, e.LimitReached, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def adjust(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    call.require_room()
    caller = await door.admin(call)
    body = _read_adjust(await call.body(request.receive))
    who = f"admin:{caller.user_id}"
    claimed = claim(call, who, "POST /admin/credits", body.user_id, body)
    if claimed is not None and (answer := await earlier(call, claimed)) is not None:
        return answer
    outcome = await call.app.admin_credits.adjust(
        body.user_id,
        body.amount,
        body.reason,
        expires_at=millis(body.expires_at),
        request=None if claimed is None else claimed.binding,
    )
    row = done_row(outcome.transaction)
    done = r.AdjustReply(
        transaction_id=row.id, new_balance=row.new_balance, previous_balance=row.balance_before
    )
    return finished(call, claimed, done, replayed=outcome.replayed)


_EVENT = r.EventView(
    id="evt_1a20001k5v1",
    source=EVENT_SOURCE,
    type="credit.added",
    subject="user_123",
    time="2030-01-31T12:00:00.000Z",
    sequence="00000000000000000001",
    data=Raw(
        b'{"userId":"user_123","occurredAt":"2030-01-31T12:00:00.000Z",'
        b'"transactionId":"txn_1a20001k5v0","amount":100,"appliedToDebt":0,"newBalance":100,'
        b'"previousBalance":0,"source":"adjustment"}'
    ),
)


@get(
    "/admin/events",
    opt=documented(
        Doc(
            summary="Past events, in order for each user",
            tag="admin",
            caller=Caller.ADMIN,
            query=EventsQuery,
            answer=r.EventsReply(events=[_EVENT], next=None, last="ZXZlbnRzOjE"),
        )
    ),
)
async def events(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    query = _read_events(request.scope["query_string"])
    after = number_of("events", "after", query.after) or 0
    page = await call.app.event_feed.page(after, query.limit, query.user_id, query.type or ())
    return reply(
        r.EventsReply(
            events=[event_view(event) for event in page.events],
            next=optional_cursor("events", page.next),
            last=cursor("events", page.last),
        )
    )
