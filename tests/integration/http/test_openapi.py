"""The API's description: complete, valid, true."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from litestar.routes import HTTPRoute

from shothik_payment.entrypoints.http.error_examples import INTERNAL_ERROR_DETAILS
from tests.integration.http.support import World, loaded_by

PAGES = {
    "/schema",
    "/schema/openapi.json",
    "/asyncapi",
    "/asyncapi.json",
    "/api/v1/payments/{gateway}/callback",
}


def document(world: World) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        answer = await world.client().get("http://test/schema/openapi.json")
        assert answer.headers["content-type"] == "application/json"
        body: dict[str, Any] = answer.json()
        return body

    return asyncio.run(read())


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(World())


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _is_page(route: HTTPRoute) -> bool:
    """What browsers read: pages and what they load."""
    path = route.path_format
    realm = path.split("/")[1]
    return (
        path in PAGES
        or realm in ("account", "assets")
        or (realm == "admin" and not path.startswith("/admin/api-keys"))
    )


def test_every_route_is_described(described: dict[str, Any]) -> None:
    served = set()
    for route in World().app.routing.routes:
        if isinstance(route, HTTPRoute) and not _is_page(route):
            methods = set(route.methods) - {"OPTIONS"}
            served.update(f"{method} {route.path_format}" for method in methods)
    without_base = {name for name in served if " /admin/" in name}
    assert {name for name, _ in operations(described)} == served - without_base
    assert {name.replace(" /", " /api/v1/") for name in without_base} < served


def test_the_document_is_the_same_in_each_process(described: dict[str, Any]) -> None:
    """Where Litestar keeps sets, whose order is another each time."""
    several = [list(methods) for methods in described["paths"].values() if len(methods) > 1]
    assert several
    assert all(methods == ["get", "patch", "delete"] for methods in several)
    aliases = [path for path in described["paths"] if "/validate" in path and "{userId}" in path]
    assert aliases == sorted(aliases)
    assert len(aliases) == 2


def test_the_document_is_valid(described: dict[str, Any]) -> None:
    schema = schemathesis.openapi.from_dict(described)
    schema.validate()
    ids = [operation["operationId"] for _, operation in operations(described)]
    assert len(set(ids)) == len(ids)


def test_every_operation_says_who_may_call_and_what_may_go_wrong(
    described: dict[str, Any],
) -> None:
    for name, operation in operations(described):
        responses = operation["responses"]
        assert {"400", "500", "503"} <= set(responses), name
        if operation["security"]:
            assert "401" in responses, name
        if "requestBody" in operation:
            assert "413" in responses, name
        for response in responses.values():
            assert "X-Request-Id" in response["headers"], name


def test_every_example_fits_its_schema(described: dict[str, Any]) -> None:
    examples = 0
    for name, operation in operations(described):
        contents = [response["content"] for response in operation["responses"].values()]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"])
        for content in contents:
            media = content["application/json"]
            schema = {**media["schema"], "components": described["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema)
            found = [e["value"] for e in media.get("examples", {}).values()]
            found = found or [media["example"]]
            for example in found:
                examples += 1
                assert validator.is_valid(example), (name, example)
    assert examples > 100
    assert INTERNAL_ERROR_DETAILS["requestId"] in str(described)


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    answer = await World().client().get("http://test/schema")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert loaded_by(answer.text) == []
    assert "/api/v1/deduct" in answer.text
    assert not re.search(r"https?://(?!test|localhost|127\.0\.0\.1)", answer.text)
