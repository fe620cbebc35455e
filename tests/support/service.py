"""The use cases over the in-memory adapters, on a clock that the test holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.domain.catalog import Catalog, Pack, Service
from shothik_payment.domain.errors import GatewayRefused, InvalidRequest, Unavailable
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport, GatewayState
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration, KeyRing
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.principals import ServicePrincipal
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews

START = Millis(1_700_000_000_000)
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


class ScriptedGateway:
    """A gateway that says what the test has it say. `states` by payment id; open where absent."""

    def __init__(self, name: str = "sandbox", currencies: tuple[str, ...] = ("USD",)) -> None:
        self.name = name
        self.currencies = currencies
        self.states: dict[str, GatewayReport] = {}
        self.started: list[str] = []
        self.looked_up: list[str] = []
        self.refuses: Exception | None = None
        self.look_up_fails: Exception | None = None

    def away(self) -> None:
        self.refuses = self.look_up_fails = Unavailable("The gateway is away.")

    def back(self) -> None:
        self.refuses = self.look_up_fails = None

    def says(
        self, payment: Payment, state: GatewayState, paid: Money | None = None
    ) -> GatewayReport:
        report = GatewayReport(payment.id, f"cs_{payment.id}", state, paid, "declined")
        self.states[payment.id] = report
        return report

    def no(self) -> None:
        self.refuses = GatewayRefused(self.name, "no such merchant")

    async def start_checkout(self, payment: Payment) -> Checkout:
        await asyncio.sleep(0)
        self.started.append(payment.id)
        if self.refuses is not None:
            raise self.refuses
        return Checkout(f"cs_{payment.id}", f"https://{self.name}.example/cs_{payment.id}")

    async def look_up(self, payment: Payment) -> GatewayReport:
        self.looked_up.append(payment.id)
        if self.look_up_fails is not None:
            raise self.look_up_fails
        still_open = GatewayReport(payment.id, f"cs_{payment.id}", GatewayState.OPEN)
        return self.states.get(payment.id, still_open)

    def read_notification(self, body: bytes, headers: dict[str, str]) -> GatewayReport:
        report = self.states.get(body.decode())
        if report is None:
            raise InvalidRequest.of("body", "a notification")
        return report


class TestService:
    """Everything wired; use `running_service`."""

    __test__ = False

    def __init__(self, *gateways: ScriptedGateway) -> None:
        self.clock = clock = HeldClock()
        self.ids = ids = CountedIds()
        self.state = state = MemoryState()
        self.api_keys = MemoryApiKeys(state)
        self.wallets = MemoryWallets(state)
        self.payments = MemoryPayments(state)
        self.log = MemoryEventLog(state)
        self.gateway = gateways[0] if gateways else ScriptedGateway()
        self.active = ActiveServices(self.api_keys, CATALOG)
        self.writer = LedgerWriter(
            MemoryLedgerStore(state),
            self.active.rules,
            self.active.fresh_rules,
            lambda: 0.5,
            WriterLimits(retry_pause_seconds=0),
        )
        self.spend = Spend(self.writer, self.wallets, CATALOG, clock, ids)
        self.views = WalletViews(self.wallets, clock)
        self.admin = AdminCredits(self.writer, clock, ids)
        self.keys = KeyAdministration(self.api_keys, CATALOG, clock, ids)
        self.ring = KeyRing(self.api_keys, CATALOG, self.active, clock)
        self.sweep = ExpirySweep(self.writer, self.wallets, clock, ids)
        self.feed = EventFeed(self.log)
        self.verify = Verify(MemoryLedgerAudit(state))
        self.checkouts = self.checkouts_with(*(gateways or (self.gateway,)))

    def checkouts_with(self, *gateways: ScriptedGateway) -> Checkouts:
        return Checkouts(
            self.writer,
            self.payments,
            {gateway.name: gateway for gateway in gateways},
            CATALOG,
            ReturnOrigins(["https://shothik.ai"]),
            self.clock,
            self.ids,
        )

    def caller(self, slug: str = "paraphrase", **changes: object) -> ServicePrincipal:
        principal = ServicePrincipal(CATALOG.service(slug), "key_1", frozenset(Scope))
        return replace(principal, **changes)  # type: ignore[arg-type]

    async def differences(self) -> list[str]:
        return [
            str(difference)
            async for progress in self.verify.run()
            for difference in progress.differences
        ]


@asynccontextmanager
async def running_service(*gateways: ScriptedGateway) -> AsyncIterator[TestService]:
    """Nothing may be left unanswered or wrong when it stops."""
    service = TestService(*gateways)
    service.writer.start()
    yield service
    await service.writer.stop()
    assert await service.differences() == []
