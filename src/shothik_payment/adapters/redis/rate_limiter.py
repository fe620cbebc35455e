from __future__ import annotations

from shothik_payment.adapters.redis.connection import RedisConnection
from shothik_payment.adapters.redis.round_trips import Counted, Reading, Window
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.rate_limiter import RateDecision

SLICES = 60
_PREFIX = "ratelimit:"


class RedisRateLimiter:
    """Counts for all processes, by Redis's clock, in slices of a sixtieth of the window, as the
    one in memory does. `open_on_loss`: while Redis is away everything is allowed, else nothing.
    """

    def __init__(self, connection: RedisConnection, *, open_on_loss: bool) -> None:
        self._round_trips = connection.round_trips
        self._open_on_loss = open_on_loss

    def hit(self, subject: str, limit: int, window_seconds: int) -> Reading[Counted, RateDecision]:
        window = _window(subject, limit, window_seconds)

        def decide(counted: Counted | None) -> RateDecision:
            if counted is not None:
                return RateDecision(
                    counted.allowed,
                    limit,
                    max(limit - counted.used, 0),
                    window_seconds,
                    -(-counted.reset_ms // SECOND),
                )
            if self._open_on_loss:
                return RateDecision(True, limit, limit, window_seconds, 0, counted=False)
            raise Unavailable("Requests cannot be counted now; try again.")

        return Reading(self._round_trips.count(window), decide)

    def remaining(
        self, subject: str, limit: int, window_seconds: int
    ) -> Reading[Counted, int | None]:
        def left(counted: Counted | None) -> int | None:
            return None if counted is None else max(limit - counted.used, 0)

        return Reading(self._round_trips.peek(_window(subject, limit, window_seconds)), left)


def _window(subject: str, limit: int, window_seconds: int) -> Window:
    window_ms = window_seconds * SECOND
    return Window(f"{_PREFIX}{subject}:{window_seconds}", limit, window_ms, -(-window_ms // SLICES))
