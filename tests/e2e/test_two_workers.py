"""Two workers renew subscriptions on one store, with clocks five minutes apart, and one of them is
killed in the middle of it: each period is renewed and charged once, and while both live none is
asked for by both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from shothik_payment.adapters.sandbox.session import SandboxSession
from shothik_payment.adapters.system.clock import SystemClock
from shothik_payment.adapters.system.ids import SystemIds
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.subscription import StepKind
from shothik_payment.domain.model.time import END_OF_TIME, HOUR, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.entrypoints.catalog_file import load_catalog
from tests.contracts.bindings import StorePorts, mongo_ports, opened_mongo
from tests.e2e.service import Deployment, Worker, wrong_clock
from tests.e2e.waiting import eventually
from tests.support.paid_period import ON_FILE, method_of, subscriber
from tests.support.servers.mongo import MongoServer, fresh_name, url_of
from tests.support.servers.rabbitmq import VirtualHost
from tests.support.servers.redis import RedisServer

BEHIND_SECONDS = -300
"""What was put off by this clock is due by the other one, so nobody waits five minutes for it."""
USERS = [f"user_{number}" for number in range(40)]
SETTLED_BEFORE = 3


@dataclass
class Pair:
    deployment: Deployment
    doomed: Worker
    survivor: Worker
    ports: StorePorts

    async def owners(self) -> dict[int, str]:
        """Whose users each worker has: the members, by partition."""
        roll = await self.ports.documents("work group").get("group")
        owners: dict[str, str] = {} if roll is None else json.loads(roll)["owners"]
        return {
            int(task.removeprefix("users ")): owner
            for task, owner in owners.items()
            if task.startswith("users ")
        }

    async def start(self) -> list[str]:
        """Both, and the work shared among them; the users who are the doomed one's."""
        both = (self.doomed, self.survivor)
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in both))
        await eventually(self._shared)
        owners = await self.owners()
        doomed = min(owners.values())  # ids begin with the time, and its clock is behind
        return [user for user in USERS if owners[partition_of(user)] == doomed]

    async def _shared(self) -> bool:
        owners = await self.owners()
        return len(owners) == PARTITIONS and len(set(owners.values())) == 2

    async def subscribe(self, ended_at: Millis) -> None:
        """Everybody, with a period that is over by now: due to both workers in one commit."""
        for user in USERS:
            await self.ports.documents("sandbox").replace(method_of(user), None, ON_FILE)
        rules, ids = Rules(("paraphrase_service",), billing=load_catalog().billing), SystemIds()
        changes = [subscriber(user, "pro", ended_at, rules, ids) for user in USERS]
        assert all(done is True for done in await self.ports.ledger.commit(changes))

    async def being_charged(self) -> set[str]:
        payments = await self.ports.payments.to_check(END_OF_TIME, 1_000)
        return {payment.user_id for payment in payments}

    async def strike_in_the_middle(self, users: Sequence[str]) -> set[str]:
        """Kill the doomed one when some of its charges are settled, and others are not; whose."""
        begun: set[str] = set()
        async with asyncio.timeout(20):
            while True:
                charged = await self.being_charged()
                begun |= charged.intersection(users)
                if len(begun - charged) >= SETTLED_BEFORE:
                    break
        self.doomed.kill()
        left = set(users).intersection(await self.being_charged())
        assert left, "the kill came too late"
        return left

    async def charges(self, payment_id: str | None) -> int:
        """How often the gateway was asked to charge for the payment."""
        payment = await self.ports.payments.get(payment_id or "")
        assert payment is not None
        session = await self.ports.documents("sandbox").get(payment.session_id or "")
        assert session is not None
        return SandboxSession.decode(session).charges

    async def all_renewed(self) -> bool:
        due = await self.ports.wallets.due(SystemClock().now(), 1_000)
        return not due and not await self.being_charged()

    async def check(self, user: str, most_charges: int) -> None:
        """One step, one payment and one grant a period, and its end stopped nobody. The gateway
        was asked for it once, or once more by who finished what the doomed one had in hand."""
        steps = (await self.ports.history.of_user(user, None, 100))[::-1]
        assert [step.kind for step in steps] == [
            StepKind.CREATED,
            StepKind.STARTED,
            StepKind.RENEWED,
        ]
        payments = [step.payment_id for step in steps[1:]]
        # By id, which is of two clocks.
        found = {p.id: p.status for p in await self.ports.payments.of_user(user, None, 100)}
        assert found == dict.fromkeys(payments, PaymentStatus.PAID)
        assert 1 <= await self.charges(payments[-1]) <= most_charges
        rows = await self.ports.wallets.history(user, None, 100)
        grants = [row.payment_id for row in rows if row.kind is TransactionKind.GRANT]
        assert grants[::-1] == payments
        wallet = await self.ports.wallets.get(user)
        assert wallet.stops == []
        assert wallet.available == 2500  # 500 unspent ones go on, and 2,000 come


@pytest.fixture
async def pair(
    tmp_path: Path, mongo_server: MongoServer, redis_server: RedisServer, virtual_host: VirtualHost
) -> AsyncIterator[Pair]:
    """Not started yet."""
    settings = {
        "DATABASE_URL": url_of(mongo_server, fresh_name()),
        "REDIS_URL": redis_server.url,
        "RABBITMQ_URL": virtual_host.url,
    }
    deployment = Deployment(tmp_path, [], settings)
    behind = deployment.environment | wrong_clock(BEHIND_SECONDS)
    doomed = Worker(tmp_path, "doomed", behind)
    survivor = Worker(tmp_path, "survivor", deployment.environment)
    async with opened_mongo(settings["DATABASE_URL"], migrate=True) as database:
        yield Pair(deployment, doomed, survivor, mongo_ports(database))
        doomed.kill()
        survivor.kill()


async def test_each_period_is_renewed_and_charged_once(pair: Pair) -> None:
    doomed_users = await pair.start()
    await pair.subscribe(Millis(SystemClock().now() - HOUR))
    in_hand = await pair.strike_in_the_middle(doomed_users)
    # MongoDB keeps a wallet locked for a minute where a worker was killed in a commit.
    await eventually(pair.all_renewed, seconds=120)
    for user in USERS:
        await pair.check(user, most_charges=2 if user in in_hand else 1)
    assert pair.survivor.stop() == 0
    pair.deployment.verify()
