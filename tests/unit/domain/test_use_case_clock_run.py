"""The test clock: it stops wherever something falls due, and what is due there is done first."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    StoreCorrupt,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import Command, RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.ports.gateway import GatewayState
from shothik_payment.domain.use_cases.clock_run import (
    END_OF_TIME,
    MAX_HOPS,
    MAX_ROUNDS,
    Advanced,
    ClockRun,
)
from shothik_payment.domain.use_cases.expiry_sweep import SWEEP_BATCH
from shothik_payment.domain.use_cases.gateway_turns import SILENT_AFTER, SILENT_MS
from shothik_payment.domain.use_cases.payments import FIRST_CHECK_MS
from tests.support.checkouts import PRICE, initiate, stored
from tests.support.service import START, HeldClock, TestService, running_service


class MovedClock:
    """The service's own clock; `moves` are where it was put. `fails`: what comes of the next
    moves."""

    def __init__(self, clock: HeldClock) -> None:
        self._clock = clock
        self.moves: list[Millis] = []
        self.fails: list[Exception] = []

    def now(self) -> Millis:
        return self._clock.now()

    async def load(self) -> None: ...

    async def move_to(self, at: Millis) -> None:
        if self.fails:
            raise self.fails.pop()
        assert at > self.now()
        self._clock.time = at
        self.moves.append(at)


def made(
    service: TestService, max_hops: int = MAX_HOPS, max_rounds: int = MAX_ROUNDS
) -> tuple[ClockRun, MovedClock]:
    clock = MovedClock(service.clock)
    run = ClockRun(
        clock,
        service.wallets,
        service.payments,
        service.sweep,
        service.payment_checks,
        service.webhooks,
        MemoryDocuments(service.state, "test clock"),
        max_hops=max_hops,
        max_rounds=max_rounds,
    )
    return run, clock


async def give(service: TestService, user: str, ends: int) -> None:
    await service.admin.adjust(user, 5, "test", expires_at=Millis(START + ends))


async def rows(service: TestService, user: str = "u1") -> list[tuple[TransactionKind, int]]:
    """Kind and time since the start, oldest first."""
    found = await service.wallets.history(user, None, 99)
    return [(row.kind, row.at - START) for row in reversed(found)]


async def seconds(run: ClockRun, milliseconds: int) -> Advanced:
    done, replayed = await run.advance(milliseconds // SECOND)
    assert not replayed
    return done


async def test_everything_is_booked_at_its_own_time(service: TestService) -> None:
    for user, ends in (("u1", 40 * DAY), ("u2", DAY), ("u3", DAY), ("u1", 2 * DAY + 1)):
        await give(service, user, ends)
    run, clock = made(service)
    done = await seconds(run, 41 * DAY)
    assert done == Advanced(Millis(START + 41 * DAY), 0)
    assert [at - START for at in clock.moves] == [DAY, 2 * DAY + 1, 40 * DAY, 41 * DAY]
    grant, expire = TransactionKind.GRANT, TransactionKind.EXPIRE
    kinds = [(kind, at) for kind, at in await rows(service) if kind is expire]
    assert kinds == [(expire, 2 * DAY + 1), (expire, 40 * DAY)]
    assert (await rows(service, "u2"))[1:] == [(expire, DAY)]
    assert grant not in dict((await rows(service, "u3"))[1:])
    assert await service.wallets.next_due(Millis(0)) is None


async def test_what_is_due_already_is_done_before_the_clock_goes_on(service: TestService) -> None:
    await give(service, "u1", HOUR)
    service.clock.advance(DAY)
    run, clock = made(service)
    await seconds(run, SECOND)
    assert (await rows(service))[-1] == (TransactionKind.EXPIRE, DAY)
    assert clock.moves == [START + DAY + SECOND]


async def test_nothing_beyond_the_target_is_touched(service: TestService) -> None:
    await give(service, "u1", DAY + 1)
    run, clock = made(service)
    await seconds(run, DAY)
    assert clock.moves == [START + DAY]
    assert len(await rows(service)) == 1


async def test_payments_are_asked_about_at_their_times_and_between_expiries(
    service: TestService,
) -> None:
    payment = await initiate(service)
    await give(service, "u1", FIRST_CHECK_MS - 1)
    await give(service, "u1", FIRST_CHECK_MS + 1)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    run, clock = made(service)
    await seconds(run, HOUR)
    assert service.gateway.completed == [payment.id]
    assert [at for _, at in (await rows(service))[2:]] == [
        FIRST_CHECK_MS - 1,
        FIRST_CHECK_MS,
        FIRST_CHECK_MS + 1,
    ]
    assert clock.moves[-1] == START + HOUR


async def test_an_open_payment_is_given_up_in_the_end(service: TestService) -> None:
    payment = await initiate(service)
    run, _ = made(service)
    assert (await seconds(run, 4 * DAY)).remaining_ms == 0
    ended = await stored(service, payment)
    assert (ended.status, ended.failure_code) == (PaymentStatus.EXPIRED, "not_paid_in_time")


async def test_a_webhook_that_could_not_be_handled_is_tried_again(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    service.gateway.look_up_fails = Unavailable("The gateway is away.")
    await service.hear(payment)
    assert (await stored(service, payment)).status is PaymentStatus.PENDING
    service.gateway.back()
    run, _ = made(service)
    await seconds(run, 15 * SECOND)
    assert (await stored(service, payment)).status is PaymentStatus.PAID


class Picky:
    """A ledger that books nothing for one user."""

    def __init__(self, service: TestService) -> None:
        self._submit = service.writer.submit
        self.asked = 0
        service.writer.submit = self.submit  # type: ignore[method-assign]

    async def submit(self, command: Command) -> Outcome:
        if command.user_id == "stuck":
            self.asked += 1
            raise StoreCorrupt("the wallet is none")
        return await self._submit(command)


async def test_what_cannot_be_done_holds_up_nothing(service: TestService) -> None:
    gone = await initiate(service, user="stuck")
    await give(service, "stuck", MINUTE)
    await give(service, "u1", DAY)
    picky = Picky(service)
    run, _ = made(service)
    assert await seconds(run, 2 * DAY) == Advanced(Millis(START + 2 * DAY), 0)
    assert (await rows(service))[-1] == (TransactionKind.EXPIRE, DAY)
    assert (await stored(service, gone)).status is PaymentStatus.PENDING
    assert picky.asked < 50


async def test_a_gateway_that_is_away_holds_up_nothing(service: TestService) -> None:
    payment = await initiate(service)
    await give(service, "u1", 5 * DAY)
    service.gateway.away()
    run, _ = made(service)
    assert (await seconds(run, 12 * DAY)).remaining_ms == 0
    assert (await rows(service))[-1] == (TransactionKind.EXPIRE, 5 * DAY)
    assert (await stored(service, payment)).status is PaymentStatus.EXPIRED


async def test_too_much_on_the_way_is_told_and_gone_on_with(service: TestService) -> None:
    for days in range(1, 5):
        await give(service, f"u{days}", days * DAY)
    run, clock = made(service, max_hops=3)
    first = await seconds(run, 10 * DAY)
    assert first == Advanced(Millis(START + 3 * DAY), 7 * DAY)
    assert await seconds(run, first.remaining_ms) == Advanced(Millis(START + 10 * DAY), 0)
    assert [at - START for at in clock.moves] == [DAY, 2 * DAY, 3 * DAY, 4 * DAY, 10 * DAY]


@pytest.mark.parametrize(("beyond", "remaining"), [(DAY, DAY), (0, 1)])
async def test_the_clock_does_not_go_on_before_all_that_is_due_at_a_time_is_done(
    service: TestService, beyond: int, remaining: int
) -> None:
    for number in range(4 * SWEEP_BATCH):
        await give(service, f"u{number}", DAY)
    run, clock = made(service, max_rounds=3)
    assert await seconds(run, DAY + beyond) == Advanced(Millis(START + DAY), remaining)
    assert len(await service.wallets.due(clock.now(), 99)) == SWEEP_BATCH
    assert (await seconds(run, DAY)).remaining_ms == 0
    assert [at - START for at in clock.moves] == [DAY, 2 * DAY]
    for number in range(4 * SWEEP_BATCH):
        assert (await rows(service, f"u{number}"))[-1] == (TransactionKind.EXPIRE, DAY)


async def test_what_a_silent_gateway_was_not_asked_about_is_next_when_the_silence_ends(
    service: TestService,
) -> None:
    for number in range(SILENT_AFTER):
        await initiate(service, f"u{number}")
    service.clock.advance(SECOND)
    payment = await initiate(service, "late")
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    service.gateway.away()
    run, _ = made(service)
    await seconds(run, FIRST_CHECK_MS)
    service.gateway.back()
    await seconds(run, DAY)
    granted = (TransactionKind.GRANT, FIRST_CHECK_MS + SILENT_MS)
    assert await rows(service, "late") == [granted]


async def test_requests_at_once_take_turns(service: TestService) -> None:
    await give(service, "u1", DAY)
    run, clock = made(service)
    both = await asyncio.gather(seconds(run, 2 * DAY), seconds(run, 3 * DAY))
    assert [done.now - START for done in both] == [2 * DAY, 5 * DAY]
    assert [at - START for at in clock.moves] == [DAY, 2 * DAY, 5 * DAY]


def bound(fingerprint: bytes = b"one") -> RequestBinding:
    return RequestBinding("admin:a1 POST /admin/test-clock k", "k", fingerprint)


async def test_a_repeat_moves_nothing_and_tells_the_same(service: TestService) -> None:
    run, clock = made(service)
    done, replayed = await run.advance(60, bound())
    assert (done.now, replayed) == (START + MINUTE, False)
    await run.advance(60)
    again, _ = made(service)
    assert await again.advance(60, bound()) == (done, True)
    with pytest.raises(IdempotencyKeyReused):
        await run.advance(61, bound(b"other"))
    assert clock.now() == START + 2 * MINUTE


async def test_a_repeat_of_what_was_broken_off_goes_on_to_the_same_time(
    service: TestService,
) -> None:
    await give(service, "u1", DAY)
    run, clock = made(service)
    clock.fails = [Unavailable("The store is away.")]
    with pytest.raises(Unavailable):
        await run.advance(3 * DAY // SECOND, bound())
    service.clock.advance(2 * DAY)
    done, replayed = await run.advance(3 * DAY // SECOND, bound())
    assert (done, replayed) == (Advanced(Millis(START + 3 * DAY), 0), False)


async def test_the_clock_is_not_put_where_dates_end(service: TestService) -> None:
    run, clock = made(service)
    service.clock.time = Millis(END_OF_TIME - SECOND)
    with pytest.raises(InvalidRequest):
        await run.advance(2)
    await run.advance(1)
    assert clock.now() == END_OF_TIME


async def test_five_hundred_users_of_one_moment_are_one_hop() -> None:
    async with running_service() as service:
        for number in range(500):
            await give(service, f"u{number}", DAY)
        run, clock = made(service)
        await seconds(run, 2 * DAY)
        assert len(clock.moves) == 2
        assert await service.wallets.due(clock.now(), 1) == []
