"""One checkout at the sandbox: what is bought, and how it ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from shothik_payment.domain.errors import StoreCorrupt
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import RefundState
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.gateway import GatewayRefund, GatewayReport, GatewayState

LATE_MS = 2 * SECOND
_TOLD_LATE_MS = LATE_MS + 100
DECLINED = "card_declined"

_PAID = GatewayState.PAID
_ENDS = {
    "success": _PAID,
    "declined": GatewayState.FAILED,
    "cancelled": GatewayState.CANCELLED,
    "timeout": _PAID,
    "duplicate": _PAID,
    "late": _PAID,
    "out_of_order": _PAID,
}
_TOLD: dict[str, tuple[GatewayState, ...]] = {
    "timeout": (),
    "duplicate": (_PAID, _PAID),
    # What happened before the payment arrives after it.
    "out_of_order": (_PAID, GatewayState.FAILED, GatewayState.OPEN),
}
OUTCOMES = tuple(_ENDS)


@dataclass(frozen=True, slots=True)
class SandboxSession:
    """`outcome` None: still open. `decided_at`: when the payer chose it. `refunds`: our id and
    the minor units of each. `charges`: how often it was asked to charge the saved method; it does
    so once."""

    id: str
    payment_id: str
    user_id: str
    credits: int
    pack_id: str | None
    amount_minor: int
    currency: str
    success_url: str | None
    cancel_url: str | None
    outcome: str | None = None
    decided_at: Millis = Millis(0)
    saves_method: bool = False
    plan: str | None = None
    refunds: list[list[Any]] = field(default_factory=list)
    charges: int = 0

    @property
    def price(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def state(self, at: Millis) -> GatewayState:
        """The truth at this time: a late payment is open until it arrives."""
        if self.outcome is None:
            return GatewayState.OPEN
        if self.outcome == "late" and at < self.decided_at + LATE_MS:
            return GatewayState.OPEN
        return _ENDS[self.outcome]

    def report(self, state: GatewayState) -> GatewayReport:
        return GatewayReport(
            self.payment_id,
            self.id,
            state,
            paid=self.price if state is GatewayState.PAID else None,
            failure_code=DECLINED if state is GatewayState.FAILED else None,
            reference=self.id if state is GatewayState.PAID else None,
            refunds=tuple(self.refund(refund_id, amount) for refund_id, amount in self.refunds),
        )

    def refund(self, refund_id: str, amount_minor: int) -> GatewayRefund:
        """As the sandbox tells of it; its own id is made of ours."""
        amount = Money(amount_minor, self.currency)
        return GatewayRefund(f"sbx_{refund_id}", amount, RefundState.SUCCEEDED, refund_id)

    def told(self) -> tuple[GatewayState, ...]:
        """What the outcome is told as, in this order."""
        if self.outcome is None:
            return ()
        return _TOLD.get(self.outcome, (_ENDS[self.outcome],))

    @property
    def ends_paid(self) -> bool:
        return self.outcome is not None and _ENDS[self.outcome] is GatewayState.PAID

    @property
    def told_after_ms(self) -> int:
        return _TOLD_LATE_MS if self.outcome == "late" else 0

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, document: bytes) -> SandboxSession:
        try:
            return cls(**json.loads(document))
        except (ValueError, TypeError) as error:
            raise StoreCorrupt("A sandbox checkout cannot be read.") from error
