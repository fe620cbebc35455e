"""The use cases over the in-memory adapters, on a clock that the test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.subscription_history import MemorySubscriptionHistory
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.adapters.memory.webhook_inbox import MemoryWebhookInbox
from shothik_payment.domain.catalog import Catalog, Pack, Service
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import (
    EVERYTHING,
    Billing,
    Interval,
    Limit,
    LimitUnit,
    Plan,
    Terms,
)
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import (
    GatewayState,
)
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns
from shothik_payment.domain.use_cases.key_ring import KeyRing
from shothik_payment.domain.use_cases.old_identities import TAKEN_OVER
from shothik_payment.domain.use_cases.payment_admin import PaymentAdmin
from shothik_payment.domain.use_cases.payment_checks import PaymentChecks
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.principals import ServicePrincipal
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins
from shothik_payment.domain.use_cases.settlements import Settlements
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.stop_sweep import StopSweep
from shothik_payment.domain.use_cases.subscriptions import Subscriptions
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.domain.use_cases.webhooks import Webhooks
from tests.support.scripted_gateway import ScriptedGateway

START = Millis(1_700_000_000_000)
_MONTH, _YEAR = Interval.MONTH, Interval.YEAR
_LIMITS = {
    "paraphrase_service": Limit(LimitUnit.CREDITS, 100),
    "slide_service": Limit(LimitUnit.COUNT, 3),
}


def _usd(minor: int) -> dict[str, Money]:
    return {"USD": Money(minor, "USD")}


PLANS = (
    Plan(EVERYTHING),
    Plan(Terms("gift", "Gift", _MONTH, None, 30)),
    Plan(Terms("lite", "Lite", _MONTH, None, 500, limits=_LIMITS), _usd(1000)),
    Plan(Terms("pro", "Pro", _MONTH, None, 2000, 500, pausable=True), _usd(3000)),
    Plan(Terms("trial", "Trial", _MONTH, None, 2000), _usd(3000), trial_days=14, trial_credits=20),
    Plan(Terms("pro_yearly", "Pro, a year", _YEAR, None, 24_000), _usd(30_000)),
    Plan(Terms("slides", "Slides", _MONTH, None, 100, services=("slide_service",)), _usd(500)),
)
CATALOG = Catalog(
    services=(
        Service("paraphrase", "paraphrase_service", "character", 100, 1, aliases=("humanize",)),
        Service("slide", "slide_service", "deck", 1, 10),
    ),
    packs=(
        Pack(
            "credits_100",
            "100 credits",
            100,
            {"USD": Money(1000, "USD"), "BDT": Money(120_000, "BDT")},
        ),
    ),
    credit_prices={"USD": Money(10, "USD")},
    billing=Billing(plans={plan.id: plan for plan in PLANS}),
)


class HeldClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> Millis:
        return self.time

    def advance(self, milliseconds: int) -> None:
        self.time = Millis(self.time + milliseconds)


class CountedIds:
    """Ids that rise; randomness that never repeats and can be told beforehand."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{self._count:08x}"

    def secret(self) -> str:
        return f"secret{self.next()}"

    def random_bytes(self, count: int) -> bytes:
        self._count += 1
        return bytes((self._count * 7 + i) % 248 for i in range(count))


class TestService:
    """Everything wired; use `running_service`. `old`: the one that this one comes after, with what
    it has stored."""

    __test__ = False

    def __init__(
        self,
        *gateways: ScriptedGateway,
        catalog: Catalog = CATALOG,
        old: TestService | None = None,
    ) -> None:
        self.catalog = catalog
        self.clock = clock = old.clock if old is not None else HeldClock()
        self.ids = ids = old.ids if old is not None else CountedIds()
        self.state = state = old.state if old is not None else MemoryState()
        self.api_keys = MemoryApiKeys(state)
        self.wallets = MemoryWallets(state)
        self.payments = MemoryPayments(state)
        self.log = MemoryEventLog(state)
        self.gateway = gateways[0] if gateways else ScriptedGateway()
        self.active = ActiveServices(self.api_keys, catalog)
        self.writer = LedgerWriter(
            MemoryLedgerStore(state),
            self.active.rules,
            self.active.fresh_rules,
            lambda: 0.5,
            WriterLimits(retry_pause_seconds=0),
        )
        self.taken_over = MemoryDocuments(self.state, TAKEN_OVER)
        self.spend = Spend(self.writer, self.wallets, self.taken_over, catalog, clock, ids)
        self.views = WalletViews(self.wallets, self.active.rules, clock)
        self.admin = AdminCredits(self.writer, clock, ids)
        self.keys = KeyAdministration(self.api_keys, catalog, clock, ids)
        self.ring = KeyRing(self.api_keys, catalog, self.active, clock)
        self.sweep = ExpirySweep(self.writer, self.wallets, clock, ids)
        self.stop_sweep = StopSweep(self.writer, self.wallets, self.views, clock, ids)
        self.feed = EventFeed(self.log)
        self.verify = Verify(MemoryLedgerAudit(state))
        self.inbox = MemoryWebhookInbox(state)
        self.history = MemorySubscriptionHistory(state)
        self.use_gateways(*(gateways or (self.gateway,)))

    def use_gateways(self, *gateways: ScriptedGateway) -> None:
        by_name = {gateway.name: gateway for gateway in gateways}
        writer, payments, clock, ids = self.writer, self.payments, self.clock, self.ids
        origins = ReturnOrigins(["https://shothik.ai"])
        commands, turns = PaymentCommands(writer, clock, ids), GatewayTurns(clock)
        self.checkouts = Checkouts(
            writer, commands, payments, by_name, self.catalog, origins, clock, ids
        )
        self.payment_admin = PaymentAdmin(writer, commands, payments, by_name, clock, ids)
        self.settlements = Settlements(commands, payments, by_name)
        self.charges = Charges(commands, self.settlements, self.checkouts, by_name)
        self.webhooks = Webhooks(
            self.settlements,
            self.checkouts,
            self.charges,
            payments,
            by_name,
            self.inbox,
            turns,
            clock,
        )
        self.payment_checks = PaymentChecks(
            commands,
            self.settlements,
            self.checkouts,
            self.charges,
            self.payment_admin,
            payments,
            by_name,
            turns,
            clock,
        )
        self.subscriptions = Subscriptions(
            writer,
            self.views,
            self.history,
            payments,
            self.checkouts,
            self.charges,
            by_name,
            self.catalog,
            origins,
            clock,
            ids,
        )

    async def advance(self, milliseconds: int) -> None:
        """Let time pass, and do what falls due."""
        self.clock.advance(milliseconds)
        await self.do_due()

    async def do_due(self) -> None:
        while await self.sweep.run() or await self.payment_checks.check_due():
            pass

    async def pay(self, payment: Payment) -> None:
        """The payer pays in the checkout, which takes money once, and the gateway tells it."""
        told = self.gateway.states.get(payment.id)
        if told is None or told.paid is None:
            self.gateway.says(payment, GatewayState.PAID, payment.price)
            self.gateway.charged.append((payment.user_id, payment.price))
        await self.hear(payment)

    async def hear(self, payment: Payment, **fields: Any) -> None:
        """The gateway's webhook about the payment comes in, and is handled."""
        await self.webhooks.hear(payment.gateway, self.gateway.notification(payment, **fields), {})

    def caller(self, slug: str = "paraphrase", **changes: object) -> ServicePrincipal:
        principal = ServicePrincipal(self.catalog.service(slug), "key_1", "key_1", frozenset(Scope))
        return replace(principal, **changes)  # type: ignore[arg-type]

    async def differences(self) -> list[str]:
        return [
            str(difference)
            async for progress in self.verify.run()
            for difference in progress.differences
        ]


@asynccontextmanager
async def running_service(
    *gateways: ScriptedGateway, catalog: Catalog = CATALOG, old: TestService | None = None
) -> AsyncIterator[TestService]:
    """Nothing may be left unanswered or wrong when it stops."""
    service = TestService(*gateways, catalog=catalog, old=old)
    service.writer.start()
    yield service
    await service.writer.stop()
    assert await service.differences() == []
