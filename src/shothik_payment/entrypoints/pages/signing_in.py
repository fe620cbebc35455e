"""The pages before a session and after it, and what goes wrong in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template
from litestar.types import ExceptionHandlersMap

from shothik_payment.domain.errors import Forbidden, PaymentServiceError, Unauthenticated
from shothik_payment.domain.model.networks import neighbourhood
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.errors import failure, surprise
from shothik_payment.entrypoints.pages.visits import (
    NOTHING,
    Visit,
    cookie_name,
    cookies_of,
    read_pairs,
    require_same_origin,
    see_other,
    session_cookie,
    stranger,
    visit_of,
)

ATTEMPTS_PER_MINUTE = 30
_MAX_NEXT = 512
_TEXTS = {
    404: "There is no such page.",
    405: "This page does not take what was sent to it.",
}


def sign_in_handlers(realm: Realm) -> Sequence[HTTPRouteHandler]:
    home = f"/{realm}"

    @get("/sign-in")
    async def ask(request: AnyRequest) -> Template:
        return _ask(stranger(request, realm), request.query_params.get("next"))

    @post("/sign-in", status_code=200)
    async def sign_in(request: AnyRequest) -> Template | Response[None]:
        visit = stranger(request, realm)
        call = visit.call
        require_same_origin(call)
        sent = await read_pairs(call, request.receive)
        wanted = sent.get("next", [""])[0]
        subject = f"sign-in:{realm}:{neighbourhood(door.client_ip(call) or '')}"
        try:
            door.require_allowed(await call.app.limiter.hit(subject, ATTEMPTS_PER_MINUTE, 60))
            cookie, session = await call.app.sign_in.open(realm, sent.get("token", [""])[0])
        except PaymentServiceError as error:
            return refused(_ask(visit, wanted, error), failure(call, error))
        seconds = max(1, (session.expires_at - session.opened_at) // 1000)
        return see_other(_own(home, wanted), [session_cookie(call, realm, cookie, seconds)])

    @post("/sign-out", status_code=303)
    async def sign_out(request: AnyRequest) -> Response[None]:
        visit = await visit_of(request, realm)
        await visit.form(request.receive, NOTHING, "sign out", realm)
        if visit.session is not None:
            await visit.app.sign_in.close(visit.session)
        return see_other(f"{home}/sign-in", [session_cookie(visit.call, realm, "", 0)])

    @get("/{page:path}")
    async def unknown(request: AnyRequest) -> None:
        raise NotFoundException

    return [ask, sign_in, sign_out, unknown]


def _ask(
    visit: Visit,
    wanted: str | None,
    problem: PaymentServiceError | None = None,
    status: int = 200,
) -> Template:
    return visit.show("sign_in.html", status, problem=problem, next=wanted or "")


def refused(page: Template, answer: Answer) -> Template:
    """With the status and the headers that the API would answer with, as when to come again."""
    page.status_code = answer.status
    for name, value in answer.headers:
        page.set_header(name.decode(), value.decode("latin-1"))
    return page


def _own(home: str, wanted: str) -> str:
    """Where to go on: a page of the same realm, whatever the address says."""
    inside = wanted == home or wanted.startswith((f"{home}/", f"{home}?"))
    plain = wanted.isprintable() and wanted.isascii() and len(wanted) <= _MAX_NEXT
    return wanted if inside and plain and "\\" not in wanted else home


def _page_of_form(call: Call) -> str:
    """Where the form that was sent stands: not always where it was sent to. Empty: not told."""
    try:
        page = urlsplit(call.headers.get(b"referer", b"").decode("latin-1"))
    except ValueError:
        return ""
    return _with_query(page.path, page.query)


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def problem_pages(realm: Realm) -> ExceptionHandlersMap:
    """What a refusal looks like on a page."""

    def ask_to_sign_in(request: Request[Any, Any, Any], error: Unauthenticated) -> Response[Any]:
        call = call_of(request.scope)
        looks = request.method == "GET"
        had_session = cookie_name(realm) in cookies_of(call)
        problem = error if had_session or not looks else None
        here = _with_query(request.url.path, request.url.query)
        wanted = here if looks else _page_of_form(call)
        page = _ask(stranger(request, realm), wanted, problem, 401)
        if had_session:
            page.set_cookie(session_cookie(call, realm, "", 0))
        return page

    def refuse(request: Request[Any, Any, Any], error: PaymentServiceError) -> Response[Any]:
        answer = failure(call_of(request.scope), error)
        page = _problem(request, realm, answer.status, error.message, error.code)
        return refused(page, answer)

    def refuse_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        if error.status_code >= 500:
            return unexpected(request, error)
        text = _TEXTS.get(error.status_code, error.detail)
        page = _problem(request, realm, error.status_code, text, None)
        for name, value in (error.headers or {}).items():
            page.set_header(name, value)
        return page

    def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        call = call_of(request.scope)
        surprise(call, error)
        text = f"Something went wrong here; it is recorded as {call.request_id}."
        return _problem(request, realm, 500, text, "internal_error")

    return {
        Unauthenticated: ask_to_sign_in,
        Forbidden: refuse,
        PaymentServiceError: refuse,
        HTTPException: refuse_http,
        Exception: unexpected,
    }


def _problem(
    request: Request[Any, Any, Any], realm: Realm, status: int, text: str, code: str | None
) -> Template:
    visit = stranger(request, realm)
    return visit.show("problem.html", status, text=text, code=code, number=status)
