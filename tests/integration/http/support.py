"""The HTTP entrypoint in process, on memory adapters and a clock that the test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import httpx
import jwt
from litestar import Litestar

from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.adapters.memory.broker import MemoryBroker
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.sandbox import Signer
from shothik_payment.adapters.system import SystemIds
from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.ledger.writer import WriterLimits
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.event_log import PARTITIONS
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.entrypoints.http.app import PaymentApi, create_routing
from shothik_payment.entrypoints.http.call import Api
from shothik_payment.entrypoints.http.settings import HttpSettings
from shothik_payment.entrypoints.http.watch import Watch
from tests.integration.http.catalog import CATALOG
from tests.integration.http.parts import CountedGateway, GatedStore
from tests.integration.http.wiring import SECRET, HeldClock, wired

_YEAR_SECONDS = 366 * 86_400


@cache
def _routing() -> Litestar:
    """Registering all routes takes longer than most tests do with them."""
    return create_routing()


class World:
    """One service in process; `state` is everything it has stored, by an earlier one too."""

    def __init__(
        self,
        limits: WriterLimits | None = None,
        *,
        catalog: Catalog = CATALOG,
        state: MemoryState | None = None,
        ids: Ids | None = None,
        **settings: Any,
    ) -> None:
        self.clock = HeldClock()
        self.ids = ids or SystemIds()
        self.catalog = catalog
        self.state = state or MemoryState()
        self.store = GatedStore(self.state)
        self.answers = MemoryAnswerCache(self.clock)
        self.broker = MemoryBroker()
        self.signer = Signer("sandbox secret")
        documents = MemoryDocuments(self.state, "sandbox")
        self.gateway = CountedGateway(documents, self.signer, self.clock, "http://test/sandbox")
        parts = wired(
            self.store,
            self.state,
            self.gateway,
            self.broker,
            self.answers,
            catalog,
            self.clock,
            self.ids,
            limits or WriterLimits(),
        )
        self.application, self.keys = parts.application, parts.keys
        self.sweep, self.payment_checks = parts.sweep, parts.payment_checks
        self.http_settings = replace(HttpSettings(public_url="http://test"), **settings)
        self.app = PaymentApi(_routing(), Api(self.application, self.http_settings), Watch())

    def client(self, authorization: str | None = None, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)  # type: ignore[arg-type]
        if authorization is not None:
            headers["Authorization"] = authorization
        return httpx.AsyncClient(
            transport=transport, base_url="http://test/api/v1", headers=headers
        )

    async def key(self, service: str = "paraphrase", **terms: Any) -> str:
        _, plain = await self.application.key_administration.generate(
            service, actor="test", **terms
        )
        assert plain is not None
        return plain

    async def by_key(self, service: str = "paraphrase", **terms: Any) -> httpx.AsyncClient:
        return self.client(f"ApiKey {await self.key(service, **terms)}")

    def by_user(self, user_id: str) -> httpx.AsyncClient:
        return self.client(f"Bearer {token(user_id, expires_in=_YEAR_SECONDS)}")

    def by_admin(self) -> httpx.AsyncClient:
        boss = token("boss", role="admin", expires_in=_YEAR_SECONDS)
        return self.client(f"Bearer {boss}")

    async def give(self, user_id: str, amount: int) -> str:
        """The ledger row that gave it."""
        outcome = await self.application.admin_credits.adjust(user_id, amount, "test")
        assert outcome.transaction is not None
        return outcome.transaction.id

    async def pays(self, payment_url: str, outcome: str = "success") -> None:
        """The payer ends the checkout, and comes back."""
        session_id = payment_url.rpartition("/")[2]
        await self.gateway.decide(session_id, outcome)
        await self.application.settlements.returned("sandbox", session_id)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and do what falls due."""
        self.clock.forward(seconds)
        while await self.sweep.run() or await self.payment_checks.check_due():
            pass

    async def publish(self) -> None:
        """Mark every event as published."""
        log = MemoryEventLog(self.state)
        events = await log.unpublished(range(PARTITIONS), 10_000)
        await log.mark(events, [], self.clock.now())

    def written(self) -> tuple[int, int, int, int]:
        """Ledger rows, events, payments and keys so far: unchanged where nothing was written."""
        state = self.state
        return (
            len(state.transactions),
            len(state.events),
            len(state.payments),
            len(state.api_keys),
        )


def token(
    user_id: str,
    *,
    secret: str = SECRET,
    algorithm: str = "HS256",
    expires_in: int | None = 3600,
    **claims: Any,
) -> str:
    content: dict[str, Any] = {"sub": user_id, **claims}
    if expires_in is not None:
        # The verifier's clock is the machine's for `exp`, and the held one for what it keeps.
        content["exp"] = HeldClock().now() // SECOND + expires_in
    return jwt.encode(content, secret, algorithm=algorithm)


def problems(answer: httpx.Response) -> list[str]:
    """The paths that a 400 names."""
    assert answer.status_code == 400, answer.text
    failure = answer.json()
    assert failure["success"] is False
    assert failure["message"] == failure["error"]["message"]
    assert failure["error"]["code"] == "invalid_request"
    fields = failure["error"]["details"]["fields"]
    assert all(field["expected"] for field in fields)
    return [field["path"] for field in fields]


def loaded_by(page: str) -> list[str]:
    """What a browser would load besides the page, by tag and address."""
    loaded: list[str] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in {"script", "link", "img", "iframe"}:
                loaded.append(tag)
            loaded.extend(value or "" for name, value in attrs if name == "src")

    Page().feed(page)
    return loaded


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    world.application.writer.start()
    try:
        yield world
    finally:
        world.store.gate.set()
        await world.application.writer.stop()


SCOPES_BUT = {scope: [s for s in Scope if s is not scope] for scope in Scope}
