"""API keys rotated, and many at once. Served with and without the base path."""

from __future__ import annotations

from litestar import post

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.api_key import DEFAULT_GRACE_SECONDS, ApiKey
from shothik_payment.domain.use_cases.api_keys import Rotation
from shothik_payment.domain.use_cases.key_bulk import Bulk, BulkAction, BulkResult
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import key_examples as x
from shothik_payment.entrypoints.http import key_replies as k
from shothik_payment.entrypoints.http import requests as q
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.routes.api_keys import actor_of, key_id_of, key_update
from shothik_payment.entrypoints.http.validation import BodyReader
from shothik_payment.entrypoints.http.writes import Done, Write


@post(
    "/admin/api-keys/{keyId:str}/rotate",
    status_code=200,
    opt=documented(
        Doc(
            summary="A new key in the place of this one, which goes on for a grace period",
            tag="api keys",
            caller=Caller.ADMIN,
            body=q.RotateKeyBody(grace_seconds=DEFAULT_GRACE_SECONDS),
            body_required=False,
            answer=x.ROTATED,
            errors=(
                e.NotFound,
                e.Conflict,
                e.ApiKeyRevoked,
                e.ApiKeyExpired,
                e.ApiKeyRotated,
                e.IdempotencyKeyReused,
            ),
            writes=True,
        )
    ),
)
async def rotate(request: AnyRequest) -> Answer:
    return await _rotate_write.answer(call_of(request.scope), request.receive)


async def _rotate(
    call: Call, caller: UserPrincipal, body: q.RotateKeyBody, request: RequestBinding | None
) -> Done:
    rotation = await call.app.key_administration.rotate(
        call.path_name("keyId"),
        actor=actor_of(caller),
        grace_seconds=_grace(body.grace_seconds),
        ip=door.client_ip(call),
        request=request,
    )
    await call.app.key_usage.show_last_use([rotation.key])
    return k.rotated_reply(rotation, call.app.wall_clock.now()), rotation.plain is None


def _grace(seconds: int | None) -> int:
    return DEFAULT_GRACE_SECONDS if seconds is None else seconds


_rotate_write = Write(
    operation="POST /admin/api-keys/{id}/rotate",
    door=door.for_admin,
    read=BodyReader(q.RotateKeyBody, may_be_empty=True).read,
    subject=key_id_of,
    work=_rotate,
    takes_turns=True,
    keeps_answer=False,  # it has the plain key in it: a repeat is told from what is stored
)


@post(
    "/admin/api-keys/bulk",
    status_code=207,
    opt=documented(
        Doc(
            summary="Revoke, rotate or change many keys: one result a key, in their order; what "
            "fails for one spoils no other",
            tag="api keys",
            caller=Caller.ADMIN,
            status=207,
            body=q.BulkKeysBody(action=BulkAction.REVOKE, key_ids=["key_01k5v8", "key_01k5v9"]),
            answer=x.BULK,
            errors=(e.IdempotencyKeyReused,),
            writes=True,
        )
    ),
)
async def bulk(request: AnyRequest) -> Answer:
    return await _bulk_write.answer(call_of(request.scope), request.receive)


async def _bulk(
    call: Call, caller: UserPrincipal, body: q.BulkKeysBody, request: RequestBinding | None
) -> Done:
    update = None if body.changes is None else key_update(body.changes)
    wanted = Bulk(body.action, body.key_ids, update, _grace(body.grace_seconds))
    results, replayed = await call.app.key_bulk.run(
        wanted, actor=actor_of(caller), ip=door.client_ip(call), request=request
    )
    keys = [_key_in(result) for result in results]
    await call.app.key_usage.show_last_use([key for key in keys if key is not None])
    now = call.app.wall_clock.now()
    return k.BulkReply(results=[k.bulk_result_view(result, now) for result in results]), replayed


def _key_in(result: BulkResult) -> ApiKey | None:
    outcome = result.outcome
    if isinstance(outcome, Rotation):
        return outcome.key
    return outcome if isinstance(outcome, ApiKey) else None


_bulk_write = Write(
    operation="POST /admin/api-keys/bulk",
    door=door.for_admin,
    read=BodyReader(q.BulkKeysBody).read,
    subject=lambda call, caller, body: actor_of(caller),
    work=_bulk,
    status=207,
    takes_turns=True,
    keeps_answer=False,  # there may be plain keys in it
)
