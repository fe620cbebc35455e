"""What runs in the background of a process, and which of it runs in one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from shothik_payment.domain.model.time import rfc3339
from shothik_payment.domain.ports.broker import Broker
from shothik_payment.domain.ports.event_log import PARTITIONS
from shothik_payment.domain.ports.outbox_watch import OutboxWatch
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.clock_run import ClockRun
from shothik_payment.domain.use_cases.expiry_sweep import SWEEP_BATCH, ExpirySweep
from shothik_payment.domain.use_cases.key_usage import FLUSH_SECONDS, UsageRecorder
from shothik_payment.domain.use_cases.key_warnings import KeyWarnings
from shothik_payment.domain.use_cases.payment_checks import CHECK_BATCH, PaymentChecks
from shothik_payment.domain.use_cases.prune import Prune
from shothik_payment.domain.use_cases.relay import Relay
from shothik_payment.domain.use_cases.stop_sweep import StopSweep
from shothik_payment.domain.use_cases.webhooks import WEBHOOK_BATCH, Webhooks
from shothik_payment.domain.use_cases.work_group import WorkGroup
from shothik_payment.entrypoints.background import Chore

log = structlog.get_logger(__name__)

_WEBHOOKS = "webhooks"
_PRUNING = "pruning"
_USERS = {f"users {partition}": partition for partition in range(PARTITIONS)}
"""What is done for each user by one process at a time: their events, what falls due, payments."""
SHARED_TASKS = (*_USERS, _WEBHOOKS, _PRUNING)

_WATCH_SECONDS = 5.0
_REST_SECONDS = 0.1
"""At most, between two batches of what has fallen due: for the requests that wait meanwhile."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The shared work, and this process's part in it. `committed` is set when there may be events
    to publish; `watch` None: only this process writes, or looking every second has to do.
    `clock_run`: while it does what is due, nobody else does."""

    group: WorkGroup
    relay: Relay
    broker: Broker
    active: ActiveServices
    sweep: ExpirySweep
    stop_sweep: StopSweep
    payment_checks: PaymentChecks
    webhooks: Webhooks
    prune: Prune
    key_warnings: KeyWarnings
    committed: asyncio.Event
    watch: OutboxWatch | None
    clock_run: ClockRun | None = None


def refreshing(active: ActiveServices) -> Chore:
    """Runs in every process: stops are told to the services that are active now."""

    async def refresh() -> bool:
        await active.refresh()
        return False

    return Chore("active services", refresh, every_seconds=0.5)


def counting(uses: UsageRecorder) -> Chore:
    """Runs in every process that answers requests."""

    async def flush() -> bool:
        await uses.flush()
        if uses.lost:
            log.error("usage of API keys is not counted", requests=uses.lost)
            uses.lost = 0
        return False

    return Chore("key usage", flush, FLUSH_SECONDS, wake=uses.crowded, pause_seconds=0.5)


def shared_work(worker: Worker) -> list[Chore]:
    """Runs in whichever processes do background work; they share it."""

    async def beat() -> bool:
        await worker.group.beat()
        return False

    async def expire() -> bool:
        own = _partitions(worker)
        return bool(own) and await worker.sweep.run(own) >= SWEEP_BATCH

    async def handle_webhooks() -> bool:
        return await worker.webhooks.handle_due() == WEBHOOK_BATCH

    due = partial(_in_turn, worker)
    publishing = _Publishing(worker)
    chores = [
        Chore("work group", beat, every_seconds=worker.group.beat_seconds),
        Chore("expiry", due(expire), every_seconds=0.5, rest_seconds=_REST_SECONDS),
        *(_checking(worker, lane) for lane in worker.payment_checks.lanes),
        Chore(_WEBHOOKS, _owned(worker, _WEBHOOKS, due(handle_webhooks)), every_seconds=1.0),
        Chore(_PRUNING, _owned(worker, _PRUNING, worker.prune.run), every_seconds=60.0),
        Chore("key warnings", _owned(worker, _PRUNING, partial(_warn, worker)), every_seconds=60.0),
        Chore(
            "stops",
            _owned(worker, _PRUNING, worker.stop_sweep.run),
            60.0,
            rest_seconds=_REST_SECONDS,
        ),
        Chore("relay", publishing.step, 1.0, wake=worker.committed, pause_seconds=0.02),
        Chore("unwanted events", publishing.tell_unwanted, every_seconds=5.0),
    ]
    if worker.watch is not None:
        watching = _watching(worker.watch, worker.committed)
        chores.append(Chore("outbox watch", watching, every_seconds=0.0, only_waits=True))
    return chores


def _checking(worker: Worker, lane: str) -> Chore:
    async def check() -> bool:
        own = _partitions(worker)
        return bool(own) and await worker.payment_checks.check_due(own, lane) == CHECK_BATCH

    name = f"payment check of {lane or 'gateways that are gone'}"
    return Chore(name, _in_turn(worker, check), every_seconds=0.5, rest_seconds=_REST_SECONDS)


def _partitions(worker: Worker) -> list[int]:
    """Whose users are this process's."""
    owned = worker.group.owned()
    return [partition for task, partition in _USERS.items() if task in owned]


def _owned(
    worker: Worker, task: str, step: Callable[[], Awaitable[bool]]
) -> Callable[[], Awaitable[bool]]:
    async def owned_step() -> bool:
        return task in worker.group.owned() and await step()

    return owned_step


def _in_turn(worker: Worker, step: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """What a step has in hand, such as a payment that it has claimed, has to be done before the
    test clock goes on to the next time."""
    run = worker.clock_run
    if run is None:
        return step

    async def step_in_turn() -> bool:
        async with run.turn:
            return await step()

    return step_in_turn


async def _warn(worker: Worker) -> bool:
    """Once for each key and end: whoever has marked the key says it."""
    keys, more = await worker.key_warnings.run()
    for key in keys:
        log.warning(
            "an API key ends soon",
            key_id=key.id,
            key_name=key.name,
            service=key.service,
            ends_at=None if key.expires_at is None else rfc3339(key.expires_at),
        )
    return more


def _watching(watch: OutboxWatch, committed: asyncio.Event) -> Callable[[], Awaitable[bool]]:
    async def step() -> bool:
        if await watch.changed(_WATCH_SECONDS):
            committed.set()
        return True

    return step


class _Publishing:
    """Runs the relay over the partitions that are this process's, once the control queues of every
    active service were declared; declares them again after whatever went wrong, and every few
    seconds beside the publishing. A service whose queues the broker would not make holds up
    nobody."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._declared: tuple[str, ...] | None = None

    async def step(self) -> bool:
        worker = self._worker
        async with worker.group.working():
            partitions = _partitions(self._worker)
            if not partitions:
                return False
            try:
                if worker.active.names() != self._declared:
                    await self._declare()
                return await worker.relay.run(partitions)
            except Exception:
                self._declared = None
                raise

    async def tell_unwanted(self) -> bool:
        """Queues that were not ready, and those that somebody has taken away, or their bindings,
        are put back first: where another queue takes everything, nothing else shows that one is
        missing."""
        partitions = _partitions(self._worker)
        if partitions:
            await self._declare()
            await self._worker.relay.tell_unwanted(partitions)
        return False

    async def _declare(self) -> None:
        names = self._worker.active.names()
        await self._worker.broker.declare_control_queues(names)
        self._declared = names
