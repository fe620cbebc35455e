"""The HTTP entrypoint: all routes as one Litestar application."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import cast

from litestar import Litestar, Router
from litestar.enums import HttpMethod, ScopeType
from litestar.exceptions import HTTPException
from litestar.types import (
    ControllerRouterHandler,
    HTTPScope,
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Message,
    Receive,
    Scope,
    Send,
)

from shothik_payment.entrypoints.account import account_router
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.http.asyncapi_routes import asyncapi_json, asyncapi_page
from shothik_payment.entrypoints.http.call import BODY_LIMIT, Api, Call
from shothik_payment.entrypoints.http.direct import answer_directly, direct_route, route_for
from shothik_payment.entrypoints.http.errors import EXCEPTION_HANDLERS
from shothik_payment.entrypoints.http.routes import (
    admin,
    admin_clock,
    admin_payments,
    admin_subscriptions,
    admin_users,
    api_keys,
    charging,
    health,
    holds,
    key_reads,
    key_rotation,
    key_usage,
    payments,
    plans,
    reads,
    returns,
    subscription_reads,
    subscriptions,
    wallet,
)
from shothik_payment.entrypoints.http.routes.schema import openapi_json, openapi_page
from shothik_payment.entrypoints.http.settings import HttpSettings
from shothik_payment.entrypoints.http.watch import Watch
from shothik_payment.entrypoints.pages.assets import assets
from shothik_payment.entrypoints.pages.lost import lost_pages
from shothik_payment.entrypoints.pages.rendering import template_config
from shothik_payment.entrypoints.panel import panel_router

BASE_PATH = "/api/v1"

Lifespan = (
    Callable[[Litestar], AbstractAsyncContextManager[None]] | (AbstractAsyncContextManager[None])
)

_KEY_ROUTES = [
    api_keys.generate,
    api_keys.keys,
    api_keys.key,
    api_keys.update,
    api_keys.revoke,
    key_rotation.rotate,
    key_rotation.bulk,
    key_reads.audit_log,
    key_reads.validate,
    key_usage.usage,
]
_ROUTES = [
    charging.deduct,
    charging.reverse,
    holds.place,
    holds.show,
    holds.capture,
    holds.release,
    reads.balance,
    reads.access,
    reads.services,
    reads.blocklist,
    reads.packs,
    plans.plans,
    wallet.wallet,
    wallet.transactions,
    payments.initiate,
    payments.payments,
    payments.payment,
    payments.webhook,
    subscriptions.subscribe,
    subscription_reads.current,
    subscriptions.change,
    subscriptions.cancel,
    subscriptions.pay,
    subscription_reads.preview,
    subscription_reads.history,
    admin.adjust,
    admin.events,
    admin.replay,
    admin_payments.under_review,
    admin_payments.payment,
    admin_payments.refund,
    admin_payments.accept,
    admin_clock.advance,
    admin_users.freeze,
    admin_users.unfreeze,
    admin_subscriptions.current,
    admin_subscriptions.history,
    admin_subscriptions.extend,
    admin_subscriptions.cancel,
    admin_subscriptions.grant,
    *_KEY_ROUTES,
]
DIRECT_ROUTES = [
    direct_route("POST", f"{BASE_PATH}{charging.DEDUCT_PATH}", charging.answer_deduct),
    direct_route("GET", f"{BASE_PATH}{reads.BALANCE_PATH}", reads.answer_balance),
    direct_route("GET", f"{BASE_PATH}{reads.ACCESS_PATH}", reads.answer_access),
]
_REQUEST_ID = re.compile(rb"[!-~]{1,128}")
_POLICY_VIOLATION = 1008


def create_app(
    application: Application,
    http_settings: HttpSettings,
    *,
    extra_handlers: Sequence[ControllerRouterHandler] = (),
    lifespan: Sequence[Lifespan] = (),
    watch: Watch | None = None,
) -> PaymentApi:
    """`extra_handlers` are served beside the API, at their own paths; `lifespan` runs around it;
    `watch` is told of each request."""
    routing = create_routing(extra_handlers, lifespan)
    return PaymentApi(routing, Api(application, http_settings), watch or Watch())


def create_routing(
    extra_handlers: Sequence[ControllerRouterHandler] = (), lifespan: Sequence[Lifespan] = ()
) -> Litestar:
    """All routes. What their handlers work with comes with each call."""
    return Litestar(
        route_handlers=[
            Router(BASE_PATH, route_handlers=[*_ROUTES, returns.returned]),
            Router("/", route_handlers=_KEY_ROUTES, include_in_schema=False),
            panel_router(),
            account_router(),
            assets,
            health.live,
            health.ready,
            openapi_json,
            openapi_page,
            asyncapi_json,
            asyncapi_page,
            *extra_handlers,
        ],
        lifespan=list(lifespan),
        exception_handlers={
            **EXCEPTION_HANDLERS,
            HTTPException: lost_pages(EXCEPTION_HANDLERS[HTTPException]),
        },
        template_config=template_config(),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_LIMIT,
    )


def _spoil_repeated(headers: dict[bytes, bytes], names: list[bytes]) -> None:
    """Readers disagree on which of two credentials or request keys counts, so neither does."""
    for name in (b"authorization", b"idempotency-key"):
        if names.count(name) > 1:
            headers[name] = b"\0"  # what no reader takes


def _endpoint(scope: HTTPScope) -> str:
    """Method and route, as the documentation has them, without the base path."""
    route = scope["path_template"].removeprefix(BASE_PATH)
    return scope["method"] + " " + route  # an f-string would show the name of an enum's member


class PaymentApi:
    """The routing, and around it what concerns every request, also one that no route is for: the
    request id, and HEAD as a GET whose body is kept."""

    def __init__(self, routing: Litestar, api: Api, watch: Watch) -> None:
        self.routing = routing
        self._api = api
        self._watch = watch
        self._fresh_prefix = secrets.token_hex(6)
        self._fresh_numbers = count(1)

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        if scope["type"] == "lifespan":
            await self.routing(scope, receive, send)
        elif scope["type"] == ScopeType.HTTP:
            await self._answer(scope, cast(Receive, receive), cast(Send, send))
        else:
            await cast(Send, send)(
                {"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "HTTP only"}
            )

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        given = list(scope["headers"])
        headers = dict(given)
        if len(headers) != len(given):
            _spoil_repeated(headers, [name for name, _ in given])
        request_id = headers.get(b"x-request-id")
        if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
            request_id = f"{self._fresh_prefix}-{next(self._fresh_numbers):x}".encode()
        told = (b"x-request-id", request_id)
        call = Call(self._api, scope, headers, request_id.decode())
        scope.setdefault("state", {})["call"] = call
        uses = self._api.app.key_uses
        method = str(scope["method"])
        without_body = method == "HEAD"
        if without_body:
            scope["method"] = HttpMethod.GET

        def send_with_id(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message["headers"] = [*message["headers"], told]
                if call.key_use is not None:
                    uses.count(call.key_use, _endpoint(scope), message["status"])
            elif without_body and message["type"] == "http.response.body":
                message["body"] = b""
            return send(message)

        if (answer := route_for(DIRECT_ROUTES, method, scope)) is not None:
            answering = answer_directly(call, answer, receive, send_with_id)
        else:
            answering = self.routing(scope, receive, send_with_id)
        await self._watch.over(call, method, answering)
