"""What admins do with users: freeze them, and let them on again."""

from __future__ import annotations

from litestar import post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import user_replies as r
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import FreezeBody
from shothik_payment.entrypoints.http.validation import BodyReader
from shothik_payment.entrypoints.http.writes import Done, Write


@post(
    "/admin/users/{userId:str}/freeze",
    status_code=200,
    opt=documented(
        Doc(
            summary="Stop a user: nothing more is spent or bought, what is under way may end",
            tag="admin",
            caller=Caller.ADMIN,
            body=FreezeBody(reason="chargebacks from three cards"),
            answer=r.UserReply(
                user=r.UserView(
                    user_id="user_123",
                    status="frozen",
                    balance=95,
                    held=0,
                    debt=0,
                    causes=["frozen"],
                )
            ),
            errors=(e.Conflict, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def freeze(request: AnyRequest) -> Answer:
    return await _freeze_write.answer(call_of(request.scope), request.receive)


async def _freeze(
    call: Call, caller: UserPrincipal, body: FreezeBody, request: RequestBinding | None
) -> Done:
    wallet, replayed = await call.app.user_admin.freeze(
        call.user_id(), body.reason, actor=caller.user_id, request=request
    )
    return r.UserReply(user=r.user_view(wallet)), replayed


_freeze_write = Write(
    operation="POST /admin/users/{id}/freeze",
    door=door.for_admin,
    read=BodyReader(FreezeBody).read,
    subject=lambda call, caller, body: call.user_id(),
    work=_freeze,
)


@post(
    "/admin/users/{userId:str}/unfreeze",
    status_code=200,
    opt=documented(
        Doc(
            summary="Let a frozen user on; other causes of a stop stay",
            tag="admin",
            caller=Caller.ADMIN,
            body=FreezeBody(reason="the cards were the user's own"),
            answer=r.UserReply(
                user=r.UserView(
                    user_id="user_123", status="active", balance=95, held=0, debt=0, causes=[]
                )
            ),
            errors=(e.Conflict, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def unfreeze(request: AnyRequest) -> Answer:
    return await _unfreeze_write.answer(call_of(request.scope), request.receive)


async def _unfreeze(
    call: Call, caller: UserPrincipal, body: FreezeBody, request: RequestBinding | None
) -> Done:
    wallet, replayed = await call.app.user_admin.unfreeze(
        call.user_id(), body.reason, actor=caller.user_id, request=request
    )
    return r.UserReply(user=r.user_view(wallet)), replayed


_unfreeze_write = Write(
    operation="POST /admin/users/{id}/unfreeze",
    door=door.for_admin,
    read=BodyReader(FreezeBody).read,
    subject=lambda call, caller, body: call.user_id(),
    work=_unfreeze,
)
