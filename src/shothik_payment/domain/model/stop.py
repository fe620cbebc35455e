"""Why a user is stopped, for one service or for all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.model.time import Millis


class StopCause(StrEnum):
    CREDITS_GONE = "credits_gone"
    LIMIT_REACHED = "limit_reached"
    FROZEN = "frozen"
    SUBSCRIPTION_LAPSED = "subscription_lapsed"
    DISPUTE = "dispute"


@dataclass(slots=True)
class Stop:
    """`service` None: every active service. `reference` tells two stops of one cause apart
    (a dispute's payment)."""

    cause: StopCause
    since: Millis
    service: str | None = None
    reference: str | None = None

    def concerns(self, service: str) -> bool:
        return self.service is None or self.service == service
