"""API keys: made, listed, shown, revoked. Served with and without the base path."""

from __future__ import annotations

from litestar import delete, get, post
from msgspec import structs

from shothik_payment.domain import errors as e
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import GenerateKeyBody, KeysQuery
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import BodyReader, QueryReader
from shothik_payment.entrypoints.http.views import api_key_view
from shothik_payment.entrypoints.http.writes import Done, Write

_read_keys = QueryReader(KeysQuery).read

_KEY = r.ApiKeyView(
    id="key_01k5v8",
    service="paraphrase_service",
    name="paraphrase key",
    prefix="sk_paraphrase_",
    last4="W3zk",
    scopes=["credits:deduct", "credits:read"],
    status="active",
    created_at="2030-01-31T12:00:00.000Z",
    expires_at=None,
    last_used_at=None,
    rate_limit=None,
    allowed_ips=[],
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
            body=GenerateKeyBody(service="paraphrase_service", name="paraphrase key"),
            answer=r.GeneratedKeyReply(
                key="sk_paraphrase_<26 random and 6 checksum characters>", api_key=_KEY
            ),
            errors=(e.IdempotencyKeyReused,),
            writes=True,
        )
    ),
)
async def generate(request: AnyRequest) -> Answer:
    return await _generate_write.answer(call_of(request.scope), request.receive)


async def _generate(
    call: Call, caller: UserPrincipal, body: GenerateKeyBody, request: RequestBinding | None
) -> Done:
    key, plain = await call.app.key_administration.generate(
        body.service,
        actor=f"admin:{caller.user_id}",
        name=body.name,
        scopes=body.scopes,
        expires_at=millis(body.expires_at),
        allowed_ips=body.allowed_ips or (),
        rate_limit=body.rate_limit,
        ip=door.client_ip(call),
        request=request,
    )
    view = api_key_view(key, call.app.wall_clock.now())
    return r.GeneratedKeyReply(key=plain, api_key=view), plain is None


_generate_write = Write(
    operation="POST /admin/api-keys/generate",
    door=door.for_admin,
    read=BodyReader(GenerateKeyBody).read,
    subject=lambda call, caller, body: f"admin:{caller.user_id}",
    work=_generate,
    status=201,
    takes_turns=True,
    keeps_answer=False,  # it has the plain key in it: a repeat is told from what is stored
)


@get(
    "/admin/api-keys",
    opt=documented(
        Doc(
            summary="The keys, of one service where given",
            tag="api keys",
            caller=Caller.ADMIN,
            query=KeysQuery,
            answer=r.ApiKeysReply(api_keys=[_KEY], next=None),
        )
    ),
)
async def keys(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    query = _read_keys(request.scope["query_string"])
    after = place_of("keys", "cursor", query.cursor)
    page, last = await call.app.key_administration.list(query.service, after, query.limit)
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
            answer=r.ApiKeyReply(api_key=_KEY),
            errors=(e.NotFound,),
        )
    ),
)
async def key(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    found = await call.app.key_administration.get(call.path_name("keyId"))
    return reply(r.ApiKeyReply(api_key=api_key_view(found, call.app.wall_clock.now())))


@delete(
    "/admin/api-keys/{keyId:str}",
    status_code=200,
    opt=documented(
        Doc(
            summary="Revoke a key for good; again: the same answer",
            tag="api keys",
            caller=Caller.ADMIN,
            answer=r.ApiKeyReply(api_key=structs.replace(_KEY, status="revoked")),
            errors=(e.NotFound,),
        )
    ),
)
async def revoke(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.admin(call)
    revoked = await call.app.key_administration.revoke(
        call.path_name("keyId"), actor=f"admin:{caller.user_id}", ip=door.client_ip(call)
    )
    return reply(r.ApiKeyReply(api_key=api_key_view(revoked, call.app.wall_clock.now())))
