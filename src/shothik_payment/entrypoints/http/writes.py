"""The way of every write, from the door to its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from litestar.types import Receive
from msgspec import Struct

from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.entrypoints.http.answers import Answer, encode, replay
from shothik_payment.entrypoints.http.call import Call
from shothik_payment.entrypoints.http.door import ADMIN, Admitted, Door, require_allowed
from shothik_payment.entrypoints.http.idempotency import (
    Claim,
    WithRequestId,
    claim,
    keep,
    repeated,
)

log = structlog.get_logger(__name__)

P = TypeVar("P")
B = TypeVar("B", bound=WithRequestId)

Done = tuple[Struct, bool]
"""What is answered, and whether it was done before, under the same request key."""


@dataclass(frozen=True, slots=True)
class Write(Generic[P, B]):
    """One write. A request is judged in this order: overload, credentials and scope, body, rate
    limit, request key, and then by what `work` does.

    `operation` is method and route; `subject` gives what the request is about: the user, or the
    id in its path or body, which leads to one. `takes_turns`: repeats in flight wait for the
    first here, since what `work` does before the ledger is not to be done twice. `keeps_answer`:
    not where it has a secret in it.
    """

    operation: str
    door: Door[P]
    read: Callable[[bytes], B]
    subject: Callable[[Call, P, B], str]
    work: Callable[[Call, P, B, RequestBinding | None], Awaitable[Done]]
    status: int = 200
    takes_turns: bool = False
    keeps_answer: bool = True

    async def answer(self, call: Call, receive: Receive) -> Answer:
        """Raises every refusal there is."""
        call.require_room()
        admitted = await self.door(call)
        body = self.read(await call.body(receive))
        subject = self.subject(call, admitted.caller, body)
        claimed = claim(call, admitted.name, self.operation, subject, body)
        if claimed is None or not self.takes_turns:
            return await self._answer(call, admitted, body, claimed)
        async with call.api.turns.turn(claimed.place):
            return await self._answer(call, admitted, body, claimed)

    async def _answer(
        self, call: Call, admitted: Admitted[P], body: B, claimed: Claim | None
    ) -> Answer:
        app = call.app
        # Both begin before either is awaited: they share a round trip to where they are kept.
        verdict = None if admitted.quota is None else app.limiter.hit(*admitted.quota)
        kept = claimed if self.keeps_answer else None
        looked_up = None if kept is None else app.answers.get(kept.place)
        if verdict is not None:
            require_allowed(await verdict)
        if kept is not None and looked_up is not None:
            known = await looked_up
            if known is not None:
                return replay(repeated(kept, known), self.status)
        binding = None if claimed is None else claimed.binding
        content, replayed = await self.work(call, admitted.caller, body, binding)
        if not replayed and admitted.name.startswith(ADMIN):
            # Neither ledger nor events say by whom it was done.
            subject = self.subject(call, admitted.caller, body)
            log.info(
                "done over HTTP", actor=admitted.name, operation=self.operation, subject=subject
            )
        answer = encode(content)
        if kept is not None:
            keep(call, kept, answer)
        return replay(answer, self.status) if replayed else Answer(answer, self.status)
