"""The HTTP entrypoint in process, on memory adapters and a clock that the test holds."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import jwt
from litestar import Litestar

from shothik_payment.adapters.jwt import ClaimRules, JwtVerifier, SharedSecret
from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.broker import MemoryBroker
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.health import MemoryHealth
from shothik_payment.adapters.memory.key_usage import MemoryKeyUsage
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.statistics import MemoryStatistics
from shothik_payment.adapters.memory.subscription_history import MemorySubscriptionHistory
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.adapters.memory.web_sessions import MemoryWebSessions
from shothik_payment.adapters.memory.webhook_inbox import MemoryWebhookInbox
from shothik_payment.adapters.sandbox import Signer
from shothik_payment.adapters.system import SystemIds
from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns
from shothik_payment.domain.use_cases.key_bulk import KeyBulk
from shothik_payment.domain.use_cases.key_health import KeyHealth
from shothik_payment.domain.use_cases.key_ring import KeyRing
from shothik_payment.domain.use_cases.key_usage import UsageRecorder, UsageReports
from shothik_payment.domain.use_cases.old_identities import TAKEN_OVER
from shothik_payment.domain.use_cases.panel_reads import Overview
from shothik_payment.domain.use_cases.payment_admin import PaymentAdmin
from shothik_payment.domain.use_cases.payment_checks import PaymentChecks
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.reconcile import Reconcile
from shothik_payment.domain.use_cases.replay import Replay
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins
from shothik_payment.domain.use_cases.settlements import Settlements
from shothik_payment.domain.use_cases.sign_in import SignIn
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.subscriptions import Subscriptions
from shothik_payment.domain.use_cases.takeover import Takeover
from shothik_payment.domain.use_cases.user_admin import UserAdmin
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.domain.use_cases.webhooks import Webhooks
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.http.app import create_app
from shothik_payment.entrypoints.http.settings import HttpSettings
from tests.integration.http.catalog import CATALOG
from tests.integration.http.parts import CountedGateway, GatedStore

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
_YEAR_SECONDS = 366 * 86_400


class HeldClock:
    """Stands where the test puts it."""

    def __init__(self, now: int = 1_900_000_000_000) -> None:
        self.at = Millis(now)

    def now(self) -> Millis:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at = Millis(self.at + int(seconds * SECOND))


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
        self.application = self._application(limits or WriterLimits())
        self.http_settings = replace(HttpSettings(public_url="http://test"), **settings)
        self.app: Litestar = create_app(self.application, self.http_settings)

    def _application(self, limits: WriterLimits) -> Application:
        clock, ids, state = self.clock, self.ids, self.state
        wallets, keys = MemoryWallets(state), MemoryApiKeys(state)
        uses = UsageRecorder(MemoryKeyUsage(state), clock, ids)
        events, statistics = MemoryEventLog(state), MemoryStatistics(state)
        active = ActiveServices(keys, self.catalog)
        writer = LedgerWriter(self.store, active.rules, active.fresh_rules, random.random, limits)
        payments, gateways = MemoryPayments(state), {"sandbox": self.gateway}
        origins = ReturnOrigins(["http://localhost:*"])
        commands, turns = PaymentCommands(writer, clock, ids), GatewayTurns(clock)
        checkouts = Checkouts(
            writer, commands, payments, gateways, self.catalog, origins, clock, ids
        )
        admin = PaymentAdmin(writer, commands, payments, gateways, clock, ids)
        settlements = Settlements(commands, payments, gateways)
        charges = Charges(commands, settlements, checkouts, gateways)
        inbox, limiter = MemoryWebhookInbox(state), MemoryRateLimiter(clock)
        webhooks = Webhooks(
            settlements, checkouts, charges, payments, gateways, inbox, turns, clock
        )
        audit, views = MemoryLedgerAudit(state), WalletViews(wallets, active.rules, clock)
        self.sweep = ExpirySweep(writer, wallets, clock, ids)
        self.payment_checks = PaymentChecks(
            commands, settlements, checkouts, charges, admin, payments, gateways, turns, clock
        )
        subscriptions = Subscriptions(
            writer,
            views,
            MemorySubscriptionHistory(state),
            payments,
            checkouts,
            charges,
            gateways,
            self.catalog,
            origins,
            clock,
            ids,
        )
        tokens = JwtVerifier(SharedSecret(SECRET), ClaimRules(), clock)
        return Application(
            catalog=self.catalog,
            clock=clock,
            wall_clock=clock,
            writer=writer,
            spend=Spend(
                writer, wallets, MemoryDocuments(state, TAKEN_OVER), self.catalog, clock, ids
            ),
            wallet_views=views,
            checkouts=checkouts,
            settlements=settlements,
            webhooks=webhooks,
            subscriptions=subscriptions,
            payment_admin=admin,
            admin_credits=AdminCredits(writer, clock, ids),
            user_admin=UserAdmin(writer, views, clock, ids),
            event_feed=EventFeed(events),
            replay=Replay(
                events, self.broker, writer, MemoryDocuments(state, "replays"), clock, ids
            ),
            takeover=Takeover(
                writer,
                MemoryDocuments(state, TAKEN_OVER),
                keys,
                self.catalog,
                gateways,
                clock,
                clock,
                ids,
            ),
            key_administration=KeyAdministration(keys, self.catalog, clock, ids),
            key_bulk=KeyBulk(KeyAdministration(keys, self.catalog, clock, ids), keys, clock),
            key_health=KeyHealth(self.catalog, limiter, clock, 1000),
            key_ring=KeyRing(keys, self.catalog, active, clock),
            key_uses=uses,
            key_usage=UsageReports(MemoryKeyUsage(state), keys, uses, clock),
            active_services=active,
            tokens=tokens,
            sign_in=SignIn(MemoryWebSessions(state), tokens, clock, ids),
            answers=self.answers,
            limiter=limiter,
            verify=Verify(audit),
            reconcile=Reconcile(audit, wallets, payments, events, gateways, settlements, clock),
            overview=Overview(statistics, payments, wallets, events),
            statistics=statistics,
            payments=payments,
            wallets=wallets,
            events=events,
            health=[MemoryHealth("store"), MemoryHealth("broker")],
        )

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


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    world.application.writer.start()
    try:
        yield world
    finally:
        world.store.gate.set()
        await world.application.writer.stop()


SCOPES_BUT = {scope: [s for s in Scope if s is not scope] for scope in Scope}
