"""What admins do: give and take credits, read the events."""

from __future__ import annotations

from datetime import UTC, datetime

from litestar import get, post
from msgspec import Raw

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.domain.use_cases.replay import Wanted
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import cursor, optional_cursor, place_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import AdjustBody, EventsQuery, ReplayBody
from shothik_payment.entrypoints.http.routes.charging import done_row
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.views import EVENT_SOURCE, event_view
from shothik_payment.entrypoints.http.writes import Done, Write

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
    return await _adjust_write.answer(call_of(request.scope), request.receive)


async def _adjust(
    call: Call, caller: UserPrincipal, body: AdjustBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.admin_credits.adjust(
        body.user_id,
        body.amount,
        body.reason,
        expires_at=millis(body.expires_at),
        request=request,
    )
    row = done_row(outcome.transaction)
    done = r.AdjustReply(
        transaction_id=row.id, new_balance=row.new_balance, previous_balance=row.balance_before
    )
    return done, outcome.replayed


_adjust_write = Write(
    operation="POST /admin/credits",
    door=door.for_admin,
    read=BodyReader(AdjustBody).read,
    subject=lambda call, caller, body: body.user_id,
    work=_adjust,
)


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
    after = place_of("events", "after", query.after) or START
    page = await call.app.event_feed.page(after, query.limit, query.user_id, query.type or ())
    return reply(
        r.EventsReply(
            events=[event_view(event) for event in page.events],
            next=optional_cursor("events", page.next),
            last=cursor("events", page.last),
        )
    )


@post(
    "/admin/events/replay",
    status_code=200,
    opt=documented(
        Doc(
            summary="Past events again: as they were into one queue (a service's own gets what it "
            "is there for), or to everyone, and then who is stopped is told as it is now",
            tag="admin",
            caller=Caller.ADMIN,
            body=ReplayBody(
                since=datetime(2030, 1, 31, tzinfo=UTC),
                until=datetime(2030, 2, 1, tzinfo=UTC),
                user_id="user_123",
                types=["credit.added"],
                queue="paraphrase_service.replay",
            ),
            answer=r.ReplayReply(replayed=1, refused=0, retold=0),
            errors=(e.NotFound, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def replay(request: AnyRequest) -> Answer:
    return await _replay_write.answer(call_of(request.scope), request.receive)


async def _replay(
    call: Call, caller: UserPrincipal, body: ReplayBody, request: RequestBinding | None
) -> Done:
    wanted = Wanted(
        since=millis(body.since),
        until=millis(body.until),
        user_id=body.user_id,
        types=body.types or (),
        queue=body.queue,
    )
    done, before = await call.app.replay.run(wanted, request)
    return r.ReplayReply(replayed=done.replayed, refused=done.refused, retold=done.retold), before


_replay_write = Write(
    operation="POST /admin/events/replay",
    door=door.for_admin,
    read=BodyReader(ReplayBody).read,
    subject=lambda call, caller, body: f"admin:{caller.user_id}",
    work=_replay,
    takes_turns=True,
)
