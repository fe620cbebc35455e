"""The API's description: a page for people, and the OpenAPI document for tools."""

from __future__ import annotations

import json

from jinja2 import Environment, PackageLoader, Template
from litestar import Litestar, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from shothik_payment.entrypoints.http.answers import Answer, encode
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.openapi import document

_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def schema_routes(public_url: str) -> list[HTTPRouteHandler]:
    """The page is plain HTML of our own: the usual viewers load scripts from other hosts.

    Both are made once, by the first who asks, when all routes are registered.
    """
    made: dict[str, bytes] = {}

    def page_of(app: Litestar, name: str) -> bytes:
        if not made:
            described = document(app, public_url)
            made["json"] = encode(described)
            made["html"] = _template().render(document=described).encode()
        return made[name]

    @get("/schema/openapi.json")
    async def openapi_json(request: AnyRequest) -> Answer:
        return Answer(page_of(request.app, "json"))

    @get("/schema")
    async def page(request: AnyRequest) -> Response[bytes]:
        html = page_of(request.app, "html")
        return Response(html, media_type=MediaType.HTML, headers=_PAGE_HEADERS)

    return [openapi_json, page]


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("shothik_payment.entrypoints.http"), autoescape=True
    )
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    return environment.get_template("schema.html")
