"""What store, broker, gateways and background work tell operators."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import httpx
import pytest

from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.prometheus import Exposition, PrometheusObserver
from shothik_payment.adapters.system import SystemClock
from shothik_payment.domain.errors import GatewayRefused, Unauthenticated, Unavailable
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.domain.ports.gateway import SavedMethod
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot, Stored
from shothik_payment.entrypoints.background import Background, Chore
from shothik_payment.entrypoints.chores import SHARED_TASKS
from shothik_payment.entrypoints.container.observed import (
    ObservedBroker,
    ObservedGateway,
    ObservedLedger,
)
from shothik_payment.entrypoints.telling import telling_backlog
from tests.support.figures import Figures
from tests.support.scripted_gateway import ScriptedGateway


class Told:
    def __init__(self) -> None:
        self.exposition = Exposition()
        self.observer = PrometheusObserver(self.exposition.registry)

    @property
    def figures(self) -> Figures:
        return Figures(self.exposition.render("")[0].decode())


class Asked(ScriptedGateway):
    error: BaseException | None = None

    async def saved_method(self, user_id: str) -> SavedMethod | None:
        if self.error is not None:
            raise self.error
        return None


def because_of(cause: Exception) -> Unavailable:
    error = Unavailable("The gateway does not answer.")
    between = RuntimeError("a client library's own")
    between.__cause__ = cause
    error.__cause__ = between
    return error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (GatewayRefused("sandbox", "no"), "refused"),
        (Unauthenticated("Not signed."), "refused"),
        (Unavailable("It asks for patience."), "unavailable"),
        (because_of(httpx.ConnectError("no")), "unavailable"),
        (because_of(httpx.ReadTimeout("slow")), "timeout"),
        (because_of(TimeoutError()), "timeout"),
        (ValueError("a bug"), "failed"),
        (asyncio.CancelledError(), "failed"),
    ],
)
async def test_a_gateways_call_is_told_by_its_outcome(
    error: BaseException | None, outcome: str
) -> None:
    told, gateway = Told(), Asked()
    gateway.error = error
    asking = ObservedGateway(gateway, told.observer).saved_method("u1")
    if error is None:
        assert await asking is None
    else:
        with pytest.raises(type(error)) as raised:
            await asking
        assert raised.value is error
    name = "shothik_gateway_call_duration_seconds_count"
    of_call = {"gateway": "sandbox", "operation": "saved_method"}
    assert told.figures.sum(name, **of_call) == 1
    assert told.figures.sum(name, outcome=outcome, **of_call) == 1


class Ledger:
    """Ends each group of a commit as it is told."""

    def __init__(self, *ends: Stored) -> None:
        self.ends = ends

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        return [Snapshot(Wallet(need.user_id)) for need in needs]

    async def commit(self, changes: Sequence[ChangeSet]) -> Sequence[Stored]:
        assert len(changes) == len(self.ends)
        return self.ends


def change(user: str) -> ChangeSet:
    return ChangeSet(Wallet(user), 0, [], [], [], [], [], [], [], [], [], stops_changed=False)


async def test_lost_races_are_conflicts_and_failures_are_not() -> None:
    told = Told()
    away = Unavailable("away")
    ledger = ObservedLedger(Ledger(True, False, away, False), told.observer)
    stored = await ledger.commit([change(f"u{n}") for n in range(4)])
    assert list(stored) == [True, False, away, False]
    assert told.figures.sum("shothik_ledger_conflicts_total") == 2
    assert told.figures.sum("shothik_ledger_commit_users_sum") == 4


class Queues:
    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        return list(services)

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        return [*Delivery, Delivery.TAKEN]


async def test_what_became_of_events_is_told() -> None:
    told = Told()
    broker = ObservedBroker(Queues(), told.observer)
    assert await broker.declare_control_queues(["a"]) == ["a"]
    assert len(await broker.publish([])) == 4
    for result, events in (("taken", 2), ("unwanted", 1), ("refused", 1)):
        assert told.figures.sum("shothik_relay_events_total", result=result) == events


async def test_a_chore_that_breaks_off_is_told() -> None:
    told, failed = Told(), asyncio.Event()

    async def step() -> bool:
        failed.set()
        raise Unavailable("away")

    background = Background([Chore("relay", step, 60.0)], told.observer)
    background.start()
    await asyncio.wait_for(failed.wait(), 5)
    await background.stop()
    assert told.figures.sum("shothik_background_failures_total", work="relay") == 1


class Group:
    def __init__(self) -> None:
        self.tasks: set[str] = set()

    def owned(self) -> set[str]:
        return self.tasks


async def test_the_backlog_is_told_by_its_owner_alone() -> None:
    told, group = Told(), Group()
    log = MemoryEventLog(MemoryState())
    chore = telling_backlog(group, log, SystemClock(), told.observer)  # type: ignore[arg-type]
    await chore.step()
    assert "shothik_outbox_events" not in told.figures.families
    group.tasks = {SHARED_TASKS[0]}
    await chore.step()
    assert told.figures.sum("shothik_outbox_events", state="waiting") == 0
    group.tasks = set()
    await chore.step()
    assert math.isnan(told.figures.sum("shothik_outbox_events", state="waiting"))
