"""The test clock."""

from __future__ import annotations

from typing import Annotated

from litestar import post
from msgspec import Meta

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import Body
from shothik_payment.entrypoints.http.times import rfc3339
from shothik_payment.entrypoints.http.validation import BodyReader
from shothik_payment.entrypoints.http.writes import Done, Write

MAX_ADVANCE_SECONDS = 5 * 366 * 24 * 3600


class AdvanceBody(Body, kw_only=True):
    advance_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=MAX_ADVANCE_SECONDS,
            description="By how much the clock is put forward; there is no way back.",
            extra={"expected": f"a whole number from 1 to {MAX_ADVANCE_SECONDS}"},
        ),
    ]


class AdvanceReply(r.Reply, kw_only=True, frozen=True):
    now: r.Time
    remaining_seconds: Annotated[
        int,
        Meta(
            ge=0,
            description="Not gone yet, since too much fell due on the way: ask for it again. 0: "
            "the clock went all the way.",
        ),
    ]


@post(
    "/admin/test-clock",
    status_code=200,
    opt=documented(
        Doc(
            summary="Put the time forward, and do all that falls due in its order: for trying out "
            "renewals and expiries. Only where the service runs with TEST_CLOCK=on, else 404. "
            "Tokens, API keys, signatures and rate limits stay in the real time",
            tag="admin",
            caller=Caller.ADMIN,
            body=AdvanceBody(advance_seconds=2_678_400),
            answer=AdvanceReply(now="2030-03-03T12:00:00.000Z", remaining_seconds=0),
            errors=(e.NotFound, e.Conflict, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def advance(request: AnyRequest) -> Answer:
    return await _advance_write.answer(call_of(request.scope), request.receive)


async def _advance(
    call: Call, caller: UserPrincipal, body: AdvanceBody, request: RequestBinding | None
) -> Done:
    run = call.app.clock_run
    if run is None:
        raise e.NotFound("test clock", "TEST_CLOCK=off")
    done, before = await run.advance(body.advance_seconds, request)
    remaining = -(-done.remaining_ms // SECOND)
    return AdvanceReply(now=rfc3339(done.now), remaining_seconds=remaining), before


_advance_write = Write(
    operation="POST /admin/test-clock",
    door=door.for_admin,
    read=BodyReader(AdvanceBody).read,
    subject=lambda call, caller, body: "test clock",
    work=_advance,
    takes_turns=True,
)
