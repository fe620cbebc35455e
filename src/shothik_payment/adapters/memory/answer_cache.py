from __future__ import annotations

from collections import OrderedDict

from shothik_payment.adapters.memory.ready import Ready
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.answer_cache import ANSWER_TTL_SECONDS, FinishedAnswer
from shothik_payment.domain.ports.clock import Clock

MAX_ANSWERS = 20_000
"""Some 15 MB; an answer that had to go is answered from the ledger instead."""


class MemoryAnswerCache:
    """Keeps the answers used last."""

    def __init__(self, clock: Clock, max_answers: int = MAX_ANSWERS) -> None:
        self._clock = clock
        self._max_answers = max_answers
        self._answers: OrderedDict[str, tuple[int, bytes, bytes]] = OrderedDict()

    def get(self, key: str) -> Ready[FinishedAnswer | None]:
        return Ready(self._found(key))

    def _found(self, key: str) -> FinishedAnswer | None:
        found = self._answers.get(key)
        if found is None:
            return None
        until, fingerprint, body = found
        if until <= self._clock.now():
            del self._answers[key]
            return None
        self._answers.move_to_end(key)
        return FinishedAnswer(fingerprint, body)

    def put(self, key: str, answer: FinishedAnswer) -> None:
        until = self._clock.now() + ANSWER_TTL_SECONDS * SECOND
        self._answers[key] = (until, answer.fingerprint, answer.body)
        self._answers.move_to_end(key)
        if len(self._answers) > self._max_answers:
            self._answers.popitem(last=False)
