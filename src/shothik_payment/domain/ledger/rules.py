"""What `apply` has to know beside the state: settings that hold for every user."""

from __future__ import annotations

from dataclasses import dataclass, field

from shothik_payment.domain.model.plan import Billing
from shothik_payment.domain.model.time import HOUR


@dataclass(frozen=True, slots=True)
class Rules:
    """`active_services`: names of the services that ever had a key, in the catalog's order.

    `reversal_grace_ms`: how long credits live that come back after their grant has ended.
    """

    active_services: tuple[str, ...] = ()
    reversal_grace_ms: int = 72 * HOUR
    billing: Billing = field(default_factory=Billing)
    max_open_holds: int = 1000
    max_open_grants: int = 1000
    max_refunds: int = 50
