"""API keys: made, listed, shown, changed, revoked. Served with and without the base path."""

from __future__ import annotations

from litestar import delete, get, patch, post
from msgspec import UNSET

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.use_cases import key_terms as t
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import key_examples as x
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http import requests as q
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.views import api_key_view
from shothik_payment.entrypoints.http.writes import Done, Write

_read_keys = QueryReader(q.KeysQuery).read


def actor_of(caller: UserPrincipal) -> str:
    """As the audit log names them."""
    return f"admin:{caller.user_id}"


def key_id_of(call: Call, caller: UserPrincipal, body: object) -> str:
    return call.path_name("keyId")


async def key_reply(call: Call, key: ApiKey) -> r.ApiKeyReply:
    await call.app.key_usage.show_last_use([key])
    return r.ApiKeyReply(api_key=api_key_view(key, call.app.wall_clock.now()))


def key_update(changes: q.KeyChanges) -> t.KeyUpdate:
    return t.KeyUpdate(
        name=t.UNSET if changes.name is None else changes.name,
        scopes=t.UNSET if changes.scopes is None else changes.scopes,
        expires_at=t.UNSET if changes.expires_at is UNSET else millis(changes.expires_at),
        allowed_ips=t.UNSET if changes.allowed_ips is UNSET else changes.allowed_ips,
        rate_limit=t.UNSET if changes.rate_limit is UNSET else changes.rate_limit,
    )


@post(
    "/admin/api-keys/generate",
    status_code=201,
    opt=documented(
        Doc(
            summary="Make a key for a service; it is shown this once",
            tag="api keys",
            caller=Caller.ADMIN,
            status=201,
            body=q.GenerateKeyBody(service="paraphrase_service", name="paraphrase key"),
            answer=r.GeneratedKeyReply(key=x.PLAIN, api_key=x.KEY),
            errors=(e.IdempotencyKeyReused,),
            writes=True,
        )
    ),
)
async def generate(request: AnyRequest) -> Answer:
    return await _generate_write.answer(call_of(request.scope), request.receive)


async def _generate(
    call: Call, caller: UserPrincipal, body: q.GenerateKeyBody, request: RequestBinding | None
) -> Done:
    key, plain = await call.app.key_administration.generate(
        body.service,
        actor=actor_of(caller),
        name=body.name,
        scopes=body.scopes,
        expires_at=millis(body.expires_at),
        allowed_ips=body.allowed_ips or (),
        rate_limit=body.rate_limit,
        ip=door.client_ip(call),
        request=request,
    )
    shown = await key_reply(call, key)
    return r.GeneratedKeyReply(key=plain, api_key=shown.api_key), plain is None


_generate_write = Write(
    operation="POST /admin/api-keys/generate",
    door=door.for_admin,
    read=BodyReader(q.GenerateKeyBody).read,
    subject=lambda call, caller, body: actor_of(caller),
    work=_generate,
    status=201,
    takes_turns=True,
    keeps_answer=False,  # it has the plain key in it: a repeat is told from what is stored
)


@get(
    "/admin/api-keys",
    opt=documented(
        Doc(
            summary="The keys, of one service or in one status where given",
            tag="api keys",
            caller=Caller.ADMIN,
            query=q.KeysQuery,
            answer=r.ApiKeysReply(api_keys=[x.KEY], next=None),
        )
    ),
)
async def keys(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    query = _read_keys(request.scope["query_string"])
    after = place_of("keys", "cursor", query.cursor)
    page, last = await call.app.key_administration.list(
        query.service, after, query.limit, query.status
    )
    await call.app.key_usage.show_last_use(page)
    now = call.app.wall_clock.now()
    views = [api_key_view(key, now) for key in page]
    return reply(r.ApiKeysReply(api_keys=views, next=optional_cursor("keys", last)))


@get(
    "/admin/api-keys/{keyId:str}",
    opt=documented(
        Doc(
            summary="One key",
            tag="api keys",
            caller=Caller.ADMIN,
            answer=r.ApiKeyReply(api_key=x.KEY),
            errors=(e.NotFound,),
        )
    ),
)
async def key(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    found = await call.app.key_administration.get(call.path_name("keyId"))
    return reply(await key_reply(call, found))


@patch(
    "/admin/api-keys/{keyId:str}",
    opt=documented(
        Doc(
            summary="Change a key: what is absent stays; null lifts an end, addresses, a limit. Of "
            "a rotated key the name, and to an earlier end",
            tag="api keys",
            caller=Caller.ADMIN,
            body=q.UpdateKeyBody(name="night jobs", rate_limit=100, allowed_ips=["10.0.0.0/8"]),
            answer=r.ApiKeyReply(api_key=x.CHANGED),
            errors=(
                e.NotFound,
                e.ApiKeyRevoked,
                e.ApiKeyExpired,
                e.ApiKeyRotated,
                e.IdempotencyKeyReused,
            ),
            writes=True,
        )
    ),
)
async def update(request: AnyRequest) -> Answer:
    return await _update_write.answer(call_of(request.scope), request.receive)


async def _update(
    call: Call, caller: UserPrincipal, body: q.UpdateKeyBody, request: RequestBinding | None
) -> Done:
    changed, replayed = await call.app.key_administration.update(
        call.path_name("keyId"),
        key_update(body),
        actor=actor_of(caller),
        ip=door.client_ip(call),
        request=request,
    )
    return await key_reply(call, changed), replayed


_update_write = Write(
    operation="PATCH /admin/api-keys/{id}",
    door=door.for_admin,
    read=BodyReader(q.UpdateKeyBody).read,
    subject=key_id_of,
    work=_update,
    takes_turns=True,
)


@delete(
    "/admin/api-keys/{keyId:str}",
    status_code=200,
    opt=documented(
        Doc(
            summary="Revoke a key for good; again: the same answer",
            tag="api keys",
            caller=Caller.ADMIN,
            body=q.RevokeKeyBody(),
            body_required=False,
            answer=r.ApiKeyReply(api_key=x.REVOKED),
            errors=(e.NotFound, e.IdempotencyKeyReused),
            writes=True,
        )
    ),
)
async def revoke(request: AnyRequest) -> Answer:
    return await _revoke_write.answer(call_of(request.scope), request.receive)


async def _revoke(
    call: Call, caller: UserPrincipal, body: q.RevokeKeyBody, request: RequestBinding | None
) -> Done:
    revoked, replayed = await call.app.key_administration.revoke(
        call.path_name("keyId"),
        actor=actor_of(caller),
        ip=door.client_ip(call),
        request=request,
    )
    return await key_reply(call, revoked), replayed


_revoke_write = Write(
    operation="DELETE /admin/api-keys/{id}",
    door=door.for_admin,
    read=BodyReader(q.RevokeKeyBody, may_be_empty=True).read,
    subject=key_id_of,
    work=_revoke,
    takes_turns=True,
)
