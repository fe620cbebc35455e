"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio

from litestar import get

from shothik_payment.domain.errors import Unavailable
from shothik_payment.entrypoints.http import health_replies as r
from shothik_payment.entrypoints.http.answers import Answer, encode, reply
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.replies import ErrorView

_AWAY = "The data store is away."
_OK = r.DependencyView(status="ok", message=None)


def _not_ready(dependencies: dict[str, r.DependencyView]) -> r.NotReadyReply:
    error = ErrorView(code=Unavailable.code, message=_AWAY, details={"retryAfterSeconds": 1})
    return r.NotReadyReply(message=_AWAY, error=error, dependencies=dependencies)


@get(
    "/health/live",
    opt=documented(
        Doc(
            summary="The process answers",
            tag="health",
            caller=Caller.ANYONE,
            answer=r.LiveReply(),
        )
    ),
)
async def live(request: AnyRequest) -> Answer:
    return reply(r.LiveReply())


@get(
    "/health/ready",
    opt=documented(
        Doc(
            summary="The dependencies; 503 only while the store is away",
            tag="health",
            caller=Caller.ANYONE,
            answer=r.ReadyReply(status="ok", dependencies={"store": _OK, "broker": _OK}),
            other_answers={
                503: _not_ready({"store": r.DependencyView(status="unavailable", message=_AWAY)})
            },
        )
    ),
)
async def ready(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    checks, readiness = call.app.health, call.api.readiness
    seconds = call.api.settings.health_timeout_seconds
    problems = await asyncio.gather(*(readiness.problem(check, seconds) for check in checks))
    dependencies = {
        check.name: _OK if problem is None else _unavailable(problem)
        for check, problem in zip(checks, problems, strict=True)
    }
    if problems[0] is not None:
        return Answer(encode(_not_ready(dependencies)), 503, [(b"retry-after", b"1")])
    degraded = any(problem is not None for problem in problems)
    return reply(r.ReadyReply(status="degraded" if degraded else "ok", dependencies=dependencies))


def _unavailable(problem: str) -> r.DependencyView:
    return r.DependencyView(status="unavailable", message=problem)
