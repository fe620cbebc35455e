"""What is known about a key: who changed what of it, and whether it can be used. Served with and
without the base path."""

from __future__ import annotations

from litestar import get, post

from shothik_payment.domain import errors as e
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import key_examples as x
from shothik_payment.entrypoints.http import key_replies as k
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.cursors import number_of, optional_cursor
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader

_read_page = QueryReader(PageQuery).read


@get(
    "/admin/api-keys/{keyId:str}/audit-log",
    opt=documented(
        Doc(
            summary="Every change of a key, and refused uses of it, the last written first",
            tag="api keys",
            caller=Caller.ADMIN,
            query=PageQuery,
            answer=x.AUDIT_LOG,
            errors=(e.NotFound,),
        )
    ),
)
async def audit_log(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    query = _read_page(request.scope["query_string"])
    before = number_of("audit", "cursor", query.cursor)
    entries, last = await call.app.key_administration.audit_log(
        call.path_name("keyId"), before, query.limit
    )
    return reply(
        k.AuditLogReply(entries=k.audit_views(entries), next=optional_cursor("audit", last))
    )


@post(
    "/admin/api-keys/{keyId:str}/validate",
    status_code=200,
    opt=documented(
        Doc(
            summary="Whether a key can be used, and what is to be known about it; counts as no use",
            tag="api keys",
            caller=Caller.ADMIN,
            answer=x.HEALTH,
            errors=(e.NotFound,),
        )
    ),
)
async def validate(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    key = await call.app.key_administration.get(call.path_name("keyId"))
    await call.app.key_usage.show_last_use([key])
    return reply(k.KeyHealthReply(health=k.health_view(await call.app.key_health.check(key))))
