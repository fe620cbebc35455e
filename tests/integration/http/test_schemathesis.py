"""Requests made up from the OpenAPI document, right and wrong ones: no 5xx, and every answer as the
document says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.http.support import World, token

EXAMPLES = 15
USER = "user_123"
CONFORMANCE = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


async def described(world: World) -> dict[str, Any]:
    body: dict[str, Any] = (await world.client().get("http://test/schema/openapi.json")).json()
    return body


def operations(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The operations by label, and the credentials that each needs. These are taken out of what
    requests are made from: else one without them would count as wrong input."""
    needs: dict[str, str] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for need in operation.pop("security"):
                needs[f"{method.upper()} {path}"] = next(iter(need))
    schema = schemathesis.openapi.from_dict(document)
    found = (result.ok() for result in schema.get_all_operations())
    # Sorted: processes that share the tests have to find the same ones.
    return {o.label: o for o in sorted(found, key=lambda o: o.label)}, needs


class Service:
    """A started service on a loop of its own, since hypothesis is synchronous."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.world = World(rate_limit_per_hour=10**9, initiates_per_minute=10**9)
        runner.run(self._start())
        self.credentials = runner.run(self._credentials())
        self.operations, self.needs = operations(runner.run(described(self.world)))

    async def _start(self) -> None:
        self.world.application.writer.start()
        await self.world.give(USER, 100_000_000)

    async def _credentials(self) -> dict[str, str]:
        return {
            "apiKey": f"ApiKey {await self.world.key()}",
            "userToken": f"Bearer {token(USER)}",
            "adminToken": f"Bearer {token('boss', role='admin')}",
        }

    def aim(self, case: Any) -> None:
        """At what is there, so that not all is refused: else no hold is ever captured."""
        if "userId" in case.path_parameters:
            case.path_parameters["userId"] = USER
        if "id" in case.path_parameters:
            stored = self.world.state.holds if "/holds/" in case.path else self.world.state.payments
            case.path_parameters["id"] = next(reversed(stored), "none")
        if isinstance(case.body, dict):
            if "userId" in case.body:
                case.body["userId"] = USER
            if "plan" in case.body:
                case.body["plan"] = "lite"
            if "transactionId" in case.body:
                case.body["transactionId"] = next(reversed(self.world.state.transactions))

    def call(self, case: Any) -> httpx.Response:
        kwargs = case.as_transport_kwargs(base_url="http://test")
        prepared = requests.Request(
            **{name: kwargs.get(name) for name in ("method", "url", "params", "json", "data",
                                                   "headers", "cookies")}
        ).prepare()  # fmt: skip
        headers = {name: value for name, value in prepared.headers.items() if value is not None}
        headers.pop("Authorization", None)
        need = self.needs.get(case.operation.label)
        if need is not None:
            headers["Authorization"] = self.credentials[need]
        assert prepared.method is not None
        assert prepared.url is not None
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        request = httpx.Request(prepared.method, prepared.url, headers=headers, content=body)

        async def send() -> httpx.Response:
            async with self.world.client() as client:
                return await client.send(request)

        return self.runner.run(send())


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with asyncio.Runner() as runner:
        started = Service(runner)
        yield started
        runner.run(started.world.application.writer.stop())


ALL, _ = operations(asyncio.run(described(World())))
WITH_INPUT = [
    name
    for name, operation in ALL.items()
    if any((operation.path_parameters, operation.query, operation.headers, operation.body))
]
CASES = [(name, GenerationMode.POSITIVE) for name in ALL]
CASES += [(name, GenerationMode.NEGATIVE) for name in WITH_INPUT]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_answers_are_as_described(service: Service, name: str, mode: GenerationMode) -> None:
    wrong = mode is GenerationMode.NEGATIVE
    checks = [*CONFORMANCE, negative_data_rejection] if wrong else CONFORMANCE

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=service.operations[name].as_strategy(generation_mode=mode), aimed=st.booleans())
    def check(case: Any, aimed: bool) -> None:
        if aimed and not wrong:
            service.aim(case)
        response = service.call(case)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=checks)

    check()
