"""A wallet: what one user can spend, and everything that is still open about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.stop import Stop, StopCause
from shothik_payment.domain.model.subscription import Subscription, Usage
from shothik_payment.domain.model.time import Millis


@dataclass(slots=True)
class Wallet:
    """`version` counts commits (0: never written), `rows` ledger rows, `events` told events.

    `grants` are those with credits left, available or held, in burn order; `holds` the open ones
    by id. `credits_in` and `credits_used` count since the credits were last gone.

    `subscription` is the last one, which may have ended; `steps` counts what has happened to all
    of them. Until `free_credits_until` a free plan that is taken anew brings no credits. `usage` by
    service name since `usage_since`, counted where a plan may limit it; it ends by itself at
    `usage_ends`, None where the subscription's periods do that.
    """

    user_id: str
    version: int = 0
    available: int = 0
    held: int = 0
    debt: int = 0
    rows: int = 0
    events: int = 0
    last_at: Millis = Millis(0)
    credits_in: int = 0
    credits_used: int = 0
    grants: list[Grant] = field(default_factory=list)
    holds: dict[str, Hold] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    subscription: Subscription | None = None
    had_trial: bool = False
    free_credits_until: Millis = Millis(0)
    steps: int = 0
    usage: dict[str, Usage] = field(default_factory=dict)
    usage_since: Millis = Millis(0)
    usage_ends: Millis | None = None

    @property
    def frozen(self) -> bool:
        return any(stop.cause is StopCause.FROZEN for stop in self.stops)

    @property
    def status(self) -> str:
        """`frozen`, else `active`: what a user may be told of the wallet as a whole."""
        return "frozen" if self.frozen else "active"

    def causes(self, service: str) -> list[StopCause]:
        return [stop.cause for stop in self.stops if stop.concerns(service)]

    def stopped_since(self, service: str) -> Millis | None:
        return min((s.since for s in self.stops if s.concerns(service)), default=None)

    def next_due(self) -> Millis | None:
        """When the next grant, hold or period ends; None while nothing can fall due."""
        ends = [g.expires_at for g in self.grants if g.available and g.expires_at is not None]
        ends.extend(hold.expires_at for hold in self.holds.values())
        if self.usage_ends is not None:
            ends.append(self.usage_ends)
        if self.subscription is not None and self.subscription.next_step_at is not None:
            ends.append(self.subscription.next_step_at)
        return min(ends, default=None)
