"""The test clock: months in a moment, with everything that falls due in them, in its order."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from shothik_payment.domain.errors import IdempotencyKeyReused, InvalidRequest, Unavailable
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.time import END_OF_TIME, SECOND, Millis
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.movable_clock import MovableClock
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.payment_checks import PaymentChecks
from shothik_payment.domain.use_cases.webhooks import Webhooks

MAX_HOPS = 2_000
"""Of one request: some seconds to half a minute of work."""
MAX_ROUNDS = 10_000
"""At one time: what is due is done in batches of ten users, and what is done may make more due at
once. Where there is more the clock does not go on."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """Where the clock is. `remaining_ms`: what it was not put forward yet, since there was too much
    to do on the way; 0: all the way."""

    now: Millis
    remaining_ms: int


class ClockRun:
    """`documents` remember what was asked for under a request key.

    The clock hops from one due time to the next, and what is due at each is done before it goes on:
    so a payment is made before the next period, and a grace period ends after its last attempt.
    """

    def __init__(
        self,
        clock: MovableClock,
        wallets: Wallets,
        payments: Payments,
        sweep: ExpirySweep,
        checks: PaymentChecks,
        webhooks: Webhooks,
        documents: Documents,
        *,
        max_hops: int = MAX_HOPS,
        max_rounds: int = MAX_ROUNDS,
    ) -> None:
        self._clock = clock
        self._wallets = wallets
        self._payments = payments
        self._sweep = sweep
        self._checks = checks
        self._webhooks = webhooks
        self._documents = documents
        self._max_hops = max_hops
        self._max_rounds = max_rounds
        self.turn = asyncio.Lock()
        """Whoever else does what is due takes it as well: what they have in hand is done before the
        clock goes on."""

    async def advance(
        self, seconds: int, request: RequestBinding | None = None
    ) -> tuple[Advanced, bool]:
        """Put the clock forward; where it is then, and whether that was done before under the same
        request key. A repeat of what was broken off goes on to where the first wanted to.

        Requests take turns. Raises InvalidRequest, IdempotencyKeyReused, Unavailable.
        """
        async with self.turn:
            target = Millis(self._clock.now() + seconds * SECOND)
            if target > END_OF_TIME:
                raise InvalidRequest.of("advanceSeconds", "a time before the year 2200")
            if request is None:
                return await self._run(target), False
            stored = await self._documents.get(request.key)
            if stored is None:
                stored = _record(request, target)
                await self._remember(request, None, stored)
            record = json.loads(stored)
            if record["fingerprint"] != request.fingerprint.hex():
                raise IdempotencyKeyReused
            if record["done"] is not None:
                return Advanced(*record["done"]), True
            done = await self._run(record["target"])
            await self._remember(request, stored, _record(request, record["target"], done))
            return done, False

    async def _remember(self, request: RequestBinding, old: bytes | None, new: bytes) -> None:
        if not await self._documents.replace(request.key, old, new):
            raise Unavailable("Another process moves the test clock.")

    async def _run(self, target: Millis) -> Advanced:
        done_until, through = await self._do_due()
        for _ in range(self._max_hops):
            if done_until >= target or not through:
                break
            await self._clock.move_to(await self._next(done_until, target))
            done_until, through = await self._do_due()
        # Not through at the target: there is something left to ask for, although no time.
        return Advanced(self._clock.now(), max(target - done_until, 0 if through else 1))

    async def _next(self, after: Millis, target: Millis) -> Millis:
        # Webhooks that are to be tried again need no hop: payments have checks of their own.
        times = [
            await self._wallets.next_due(after),
            await self._payments.next_check(after),
            self._checks.silence_ends(after),
        ]
        return min([target, *(at for at in times if at is not None)])

    async def _do_due(self) -> tuple[Millis, bool]:
        """Do what is due; the time up to which that was done, and whether nothing is left that can
        be done. What cannot stays due, and is not waited for."""
        at = self._clock.now()
        for _ in range(self._max_rounds):
            at = self._clock.now()
            booked = await self._sweep.run()
            moved = await self._checks.check_due()
            handled = await self._webhooks.handle_due()
            if not (booked or moved or handled):
                return at, True
        return at, False


def _record(request: RequestBinding, target: Millis, done: Advanced | None = None) -> bytes:
    told = None if done is None else [done.now, done.remaining_ms]
    record = {"fingerprint": request.fingerprint.hex(), "target": target, "done": told}
    return json.dumps(record).encode()
