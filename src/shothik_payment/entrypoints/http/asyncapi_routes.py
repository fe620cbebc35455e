"""The events' description: a page for people, and the AsyncAPI document for tools."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader
from litestar import get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from markupsafe import Markup, escape

from shothik_payment.entrypoints.http import asyncapi
from shothik_payment.entrypoints.http.answers import Answer, encode

_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def asyncapi_routes(services: Sequence[str]) -> list[HTTPRouteHandler]:
    """Plain HTML of our own, as the API's page. Both are made once, by the first who asks."""
    made: dict[str, bytes] = {}

    def made_as(name: str) -> bytes:
        if not made:
            described = asyncapi.document(services)
            made["json"] = encode(described)
            made["html"] = _page(described)
        return made[name]

    @get("/asyncapi.json")
    async def asyncapi_json() -> Answer:
        return Answer(made_as("json"))

    @get("/asyncapi")
    async def asyncapi_page() -> Response[bytes]:
        return Response(made_as("html"), media_type=MediaType.HTML, headers=_PAGE_HEADERS)

    return [asyncapi_json, asyncapi_page]


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
