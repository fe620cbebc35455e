"""What `reconcile` finds: two accounts of the same thing that do not agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.model.money import Money


class Kind(StrEnum):
    """What was compared with the payment; with the wallet for BALANCE. ATTENTION: nothing differs,
    but somebody has to look. NOT_COMPARED: the gateway could not be asked."""

    GATEWAY = "gateway"
    LEDGER = "ledger"
    OUTBOX = "outbox"
    BALANCE = "balance"
    ATTENTION = "attention"
    NOT_COMPARED = "not_compared"


_WORDS = {
    Kind.GATEWAY: "{what}: {ours} here, {theirs} at {gateway}",
    Kind.LEDGER: "{what}: should be {ours}, the ledger has {theirs}",
    Kind.OUTBOX: "{what}: should be told {ours} times, the outbox has {theirs}",
    Kind.BALANCE: "{what} is {ours}, the ledger gives {theirs}",
    Kind.ATTENTION: "{what}, {amount}: {theirs}",
    Kind.NOT_COMPARED: "{what}, {amount}: {theirs}",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """`payment_id` and `gateway` None: it is the wallet's. `ours`: what the payment (the wallet)
    says, `theirs`: what is there instead, or why somebody has to look; None: nothing. `amount`:
    the money, or the credits (int), that it is about, None where it is about neither.
    `repairable`: there is one right answer, the gateway's."""

    user_id: str
    payment_id: str | None
    gateway: str | None
    kind: Kind
    what: str
    ours: int | str | None
    theirs: int | str | None
    amount: Money | int | None = None
    repairable: bool = False

    def __str__(self) -> str:
        who = self.user_id if self.payment_id is None else f"{self.user_id}, {self.payment_id}"
        words = _WORDS[self.kind].format(
            what=self.what,
            ours="nothing" if self.ours is None else self.ours,
            theirs="nothing" if self.theirs is None else self.theirs,
            gateway=self.gateway,
            amount=self.amount,
        )
        return f"{who}: {words}"
