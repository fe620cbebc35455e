"""Charging for work and giving back: /deduct and /reverse."""

from __future__ import annotations

from litestar import post
from litestar.types import Receive

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model import api_key
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.use_cases.principals import ServicePrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.replies import DeductReply, ReverseReply
from shothik_payment.entrypoints.http.requests import DeductBody, ReverseBody
from shothik_payment.entrypoints.http.validation import BodyReader
from shothik_payment.entrypoints.http.writes import Done, Write

DEDUCT_PATH = "/deduct"
DEDUCT = Doc(
    summary="Charge a user's wallet, by amount or by units of the rate card",
    tag="charging",
    caller=Caller.SERVICE,
    scope=api_key.Scope.CREDITS_DEDUCT,
    body=DeductBody(
        user_id="user_123",
        amount=5,
        service="paraphrase_service",
        feature="text_paraphrase",
        request_id="req-7f3a",
    ),
    answer=DeductReply(transaction_id="txn_1a20001k5v8", new_balance=95, previous_balance=100),
    errors=(
        e.InsufficientCredits,
        e.UserFrozen,
        e.WrongService,
        e.ServiceNotInPlan,
        e.PlanLimitReached,
        e.IdempotencyKeyReused,
    ),
    limited=True,
    writes=True,
)


@post(DEDUCT_PATH, status_code=200, opt=documented(DEDUCT))
async def deduct(request: AnyRequest) -> Answer:
    return await answer_deduct(call_of(request.scope), request.receive)


async def answer_deduct(call: Call, receive: Receive) -> Answer:
    return await _deduct_write.answer(call, receive)


async def _deduct(
    call: Call, caller: ServicePrincipal, body: DeductBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.spend.deduct(
        caller,
        body.user_id,
        amount=body.amount,
        units=body.units,
        service=body.service,
        feature=body.feature,
        metadata=body.metadata,
        request=request,
    )
    row = done_row(outcome.transaction)
    done = DeductReply(
        transaction_id=row.id, new_balance=row.new_balance, previous_balance=row.balance_before
    )
    return done, outcome.replayed


_deduct_write = Write(
    operation="POST /deduct",
    door=door.for_service(api_key.Scope.CREDITS_DEDUCT, limited=True),
    read=BodyReader(DeductBody).read,
    subject=lambda call, caller, body: body.user_id,
    work=_deduct,
)


@post(
    "/reverse",
    status_code=200,
    opt=documented(
        Doc(
            summary="Give back what a deduct or a capture took, in parts up to the whole",
            tag="charging",
            caller=Caller.SERVICE,
            scope=api_key.Scope.CREDITS_REVERSE,
            body=ReverseBody(transaction_id="txn_1a20001k5v8", amount=5, reason="the job failed"),
            answer=ReverseReply(
                transaction_id="txn_1a20001k5w3", amount_reversed=5, new_balance=100
            ),
            errors=(
                e.NotFound,
                e.WrongService,
                e.AlreadyReversed,
                e.NotReversible,
                e.ReversalExceedsTransaction,
                e.IdempotencyKeyReused,
            ),
            writes=True,
        )
    ),
)
async def reverse(request: AnyRequest) -> Answer:
    return await _reverse_write.answer(call_of(request.scope), request.receive)


async def _reverse(
    call: Call, caller: ServicePrincipal, body: ReverseBody, request: RequestBinding | None
) -> Done:
    outcome = await call.app.spend.reverse(
        caller, body.transaction_id, amount=body.amount, reason=body.reason, request=request
    )
    row = done_row(outcome.transaction)
    done = ReverseReply(
        transaction_id=row.id, amount_reversed=row.amount, new_balance=row.new_balance
    )
    return done, outcome.replayed


_reverse_write = Write(
    operation="POST /reverse",
    door=door.for_service(api_key.Scope.CREDITS_REVERSE, limited=False),
    read=BodyReader(ReverseBody).read,
    subject=lambda call, caller, body: body.transaction_id,
    work=_reverse,
)


def done_row(row: Transaction | None) -> Transaction:
    """The ledger row of what was done; a command that books always leaves one."""
    if row is None:
        raise RuntimeError("a booking without a ledger row")
    return row
