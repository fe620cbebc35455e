"""What a key was used for. Served with and without the base path."""

from __future__ import annotations

from litestar import get

from shothik_payment.domain import errors as e
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.key_usage_replies import (
    KeyUsageReply,
    KeyUsageView,
    UsagePointView,
    key_usage_view,
)
from shothik_payment.entrypoints.http.requests import KeyUsageQuery
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import QueryReader

_read_usage = QueryReader(KeyUsageQuery).read

_USAGE = KeyUsageView(
    granularity="day",
    since="2030-01-30T00:00:00.000Z",
    until="2030-02-01T00:00:00.000Z",
    total=103,
    by_status={"200": 101, "402": 2},
    by_endpoint={"GET /balance/{userId}": 1, "POST /deduct": 102},
    points=[
        UsagePointView(start="2030-01-30T00:00:00.000Z", requests=0, by_status={}),
        UsagePointView(
            start="2030-01-31T00:00:00.000Z", requests=103, by_status={"200": 101, "402": 2}
        ),
    ],
)


@get(
    "/admin/api-keys/{keyId:str}/usage",
    opt=documented(
        Doc(
            summary="How often a key was used, by day or hour",
            tag="api keys",
            caller=Caller.ADMIN,
            query=KeyUsageQuery,
            answer=KeyUsageReply(usage=_USAGE),
            errors=(e.NotFound,),
        )
    ),
)
async def usage(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.admin(call)
    query = _read_usage(request.scope["query_string"])
    report = await call.app.key_usage.report(
        call.path_name("keyId"), query.granularity, millis(query.since), millis(query.until)
    )
    return reply(KeyUsageReply(usage=key_usage_view(report)))
