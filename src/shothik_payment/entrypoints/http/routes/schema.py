"""The API's description: a page for people, and the OpenAPI document for tools."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, Template
from litestar import Litestar, get
from litestar.enums import MediaType
from litestar.response import Response

from shothik_payment.entrypoints.http.answers import Answer, encode
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.openapi import document

_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


@get("/schema/openapi.json")
async def openapi_json(request: AnyRequest) -> Answer:
    return Answer(_described_to(request).json)


@get("/schema")
async def openapi_page(request: AnyRequest) -> Response[bytes]:
    """Plain HTML of our own: the usual viewers load scripts from other hosts."""
    html = _described_to(request).html
    return Response(html, media_type=MediaType.HTML, headers=_PAGE_HEADERS)


class _Described(NamedTuple):
    json: bytes
    html: bytes


def _described_to(request: AnyRequest) -> _Described:
    return _described(request.app, call_of(request.scope).api.settings.public_url)


@lru_cache(maxsize=1)  # made by the first who asks, when all routes are registered
def _described(routing: Litestar, public_url: str) -> _Described:
    described = document(routing, public_url)
    return _Described(encode(described), _template().render(document=described).encode())


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("shothik_payment.entrypoints.http"), autoescape=True
    )
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    return environment.get_template("schema.html")
