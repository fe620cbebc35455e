"""Holds: reserve before a job, charge what it really cost, give the rest back."""

from __future__ import annotations

from litestar import get, post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.use_cases.principals import ServicePrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.replies import HoldReply, HoldView
from shothik_payment.entrypoints.http.requests import CaptureBody, HoldBody, ReleaseBody
from shothik_payment.entrypoints.http.routes.charging import done_row
from shothik_payment.entrypoints.http.validation import BodyReader
from shothik_payment.entrypoints.http.views import hold_view
from shothik_payment.entrypoints.http.writes import Done, Write

_ENDING_DOOR = door.for_service(Scope.HOLDS_WRITE, limited=False)
_STATUS_BY_ROW = {
    TransactionKind.HOLD: HoldStatus.ACTIVE,
    TransactionKind.CAPTURE: HoldStatus.CAPTURED,
    TransactionKind.RELEASE: HoldStatus.RELEASED,
}
_ENDED = (e.NotFound, e.WrongService, e.HoldClosed, e.HoldExpired, e.IdempotencyKeyReused)


def _example(status: HoldStatus, captured: int, new_balance: int) -> HoldReply:
    view = HoldView(
        id="hold_1a20001k5v8",
        user_id="user_123",
        service="research_service",
        amount=20,
        captured=captured,
        status=status.value,
        expires_at="2030-01-31T12:15:00.000Z",
    )
    return HoldReply(hold=view, new_balance=new_balance)


def _reply(outcome: Outcome) -> HoldReply:
    """The hold as it stood after the command: told by its ledger row, since a repeat finds the
    hold itself further on."""
    row = done_row(outcome.transaction)
    hold = outcome.hold
    if hold is None:
        raise RuntimeError(f"{row.id} is about a hold that is not there")
    view = hold_view(hold, _STATUS_BY_ROW[row.kind], _captured(row))
    return HoldReply(hold=view, new_balance=row.new_balance)


def _captured(row: Transaction) -> int:
    return row.amount if row.kind is TransactionKind.CAPTURE else 0


@post(
    "/holds",
    status_code=200,
    opt=documented(
        Doc(
            summary="Reserve credits before a job",
            tag="holds",
            caller=Caller.SERVICE,
            scope=Scope.HOLDS_WRITE,
            body=HoldBody(user_id="user_123", units=1, feature="deep_research", ttl_seconds=900),
            answer=_example(HoldStatus.ACTIVE, 0, 80),
            errors=(
                e.InsufficientCredits,
                e.UserFrozen,
                e.ServiceNotInPlan,
                e.PlanLimitReached,
                e.WrongService,
                e.LimitReached,
                e.IdempotencyKeyReused,
            ),
            limited=True,
            writes=True,
        )
    ),
)
async def place(request: AnyRequest) -> Answer:
    return await _place_write.answer(call_of(request.scope), request.receive)


async def _place(
    call: Call, caller: ServicePrincipal, body: HoldBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.spend.hold(
        caller,
        body.user_id,
        amount=body.amount,
        units=body.units,
        service=body.service,
        feature=body.feature,
        metadata=body.metadata,
        ttl_seconds=body.ttl_seconds,
        request=request,
    )
    return _reply(outcome), outcome.replayed


_place_write = Write(
    operation="POST /holds",
    door=door.for_service(Scope.HOLDS_WRITE, limited=True),
    read=BodyReader(HoldBody).read,
    subject=lambda call, caller, body: body.user_id,
    work=_place,
)


@get(
    "/holds/{id:str}",
    opt=documented(
        Doc(
            summary="A hold as it is now, with what the user can spend beside it",
            tag="holds",
            caller=Caller.SERVICE,
            scope=Scope.HOLDS_WRITE,
            answer=_example(HoldStatus.CAPTURED, 12, 88),
            errors=(e.NotFound, e.WrongService),
            limited=True,
        )
    ),
)
async def show(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.counted_service(call, Scope.HOLDS_WRITE)
    hold = await call.app.spend.own_hold(caller, call.path_name("id"))
    wallet = await call.app.wallet_views.wallet(hold.user_id)
    view = hold_view(hold, hold.status, hold.captured)
    return reply(HoldReply(hold=view, new_balance=wallet.available))


@post(
    "/holds/{id:str}/capture",
    status_code=200,
    opt=documented(
        Doc(
            summary="Charge what the job cost (all of the hold where no amount is given), once; "
            "the rest is released",
            tag="holds",
            caller=Caller.SERVICE,
            scope=Scope.HOLDS_WRITE,
            body=CaptureBody(amount=12),
            body_required=False,
            answer=_example(HoldStatus.CAPTURED, 12, 88),
            errors=(*_ENDED, e.CaptureExceedsHold),
            writes=True,
        )
    ),
)
async def capture(request: AnyRequest) -> Answer:
    return await _capture_write.answer(call_of(request.scope), request.receive)


async def _capture(
    call: Call, caller: ServicePrincipal, body: CaptureBody, request: RequestBinding | None
) -> Done:
    hold_id = call.path_name("id")
    outcome = await call.app.spend.capture(caller, hold_id, amount=body.amount, request=request)
    return _reply(outcome), outcome.replayed


_capture_write = Write(
    operation="POST /holds/{id}/capture",
    door=_ENDING_DOOR,
    read=BodyReader(CaptureBody, may_be_empty=True).read,
    subject=lambda call, caller, body: call.path_name("id"),
    work=_capture,
)


@post(
    "/holds/{id:str}/release",
    status_code=200,
    opt=documented(
        Doc(
            summary="Give a hold back without charging anything",
            tag="holds",
            caller=Caller.SERVICE,
            scope=Scope.HOLDS_WRITE,
            body=ReleaseBody(request_id="req-7f3c"),
            body_required=False,
            answer=_example(HoldStatus.RELEASED, 0, 100),
            errors=_ENDED,
            writes=True,
        )
    ),
)
async def release(request: AnyRequest) -> Answer:
    return await _release_write.answer(call_of(request.scope), request.receive)


async def _release(
    call: Call, caller: ServicePrincipal, body: ReleaseBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.spend.release(caller, call.path_name("id"), request=request)
    return _reply(outcome), outcome.replayed


_release_write = Write(
    operation="POST /holds/{id}/release",
    door=_ENDING_DOOR,
    read=BodyReader(ReleaseBody, may_be_empty=True).read,
    subject=lambda call, caller, body: call.path_name("id"),
    work=_release,
)
