"""The events' description: a page for people, and the AsyncAPI document for tools."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader
from litestar import get
from litestar.enums import MediaType
from litestar.response import Response
from markupsafe import Markup, escape

from shothik_payment.entrypoints.http import asyncapi
from shothik_payment.entrypoints.http.answers import Answer, encode
from shothik_payment.entrypoints.http.call import AnyRequest, call_of

_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


@get("/asyncapi.json")
async def asyncapi_json(request: AnyRequest) -> Answer:
    return Answer(_described_to(request).json)


@get("/asyncapi")
async def asyncapi_page(request: AnyRequest) -> Response[bytes]:
    """Plain HTML of our own, as the API's page."""
    html = _described_to(request).html
    return Response(html, media_type=MediaType.HTML, headers=_PAGE_HEADERS)


class _Described(NamedTuple):
    json: bytes
    html: bytes


def _described_to(request: AnyRequest) -> _Described:
    services = call_of(request.scope).app.catalog.services
    return _described(tuple(service.name for service in services))


@lru_cache(maxsize=1)  # made by the first who asks
def _described(services: tuple[str, ...]) -> _Described:
    described = asyncapi.document(services)
    return _Described(encode(described), _page(described))


def _page(described: dict[str, Any]) -> bytes:
    environment = Environment(
        loader=PackageLoader("shothik_payment.entrypoints.http"), autoescape=True
    )
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    environment.filters["words"] = _words
    environment.filters["shape"] = _shape
    return (
        environment.get_template("asyncapi.html")
        .render(
            document=described,
            rules=asyncapi.RULES,
            queues=asyncapi.QUEUES,
            queues_are=asyncapi.QUEUES_ARE,
            exchange=asyncapi.EXCHANGE,
        )
        .encode()
    )


def _words(text: str) -> Markup:
    """Text in which `this` is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 escaped


def _shape(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_shape(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_shape(schema['items'])}"
    return " ".join(str(schema[key]) for key in ("format", "type") if key in schema)
