"""Checks a whole ledger: folds every wallet's rows and compares the sums with what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.ports.ledger_audit import AuditedUser, LedgerAudit


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is stored as `stored`, and comes to `folded` from the rows."""

    user_id: str
    what: str
    stored: int | str
    folded: int | str

    def __str__(self) -> str:
        return f"{self.user_id}: {self.what} is {self.stored}, the ledger gives {self.folded}"


@dataclass(slots=True)
class Progress:
    """`user_id` was checked with `rows` rows and showed these differences."""

    user_id: str
    rows: int
    differences: list[Difference]


def _size(row: Transaction) -> int:
    """The credits that a row moved, by its deltas; what it says of its amount has to agree."""
    inflow = row.available_delta - row.debt_delta
    if row.kind is TransactionKind.HOLD:
        return row.held_delta if row.available_delta == -row.held_delta else -1
    if row.kind is TransactionKind.CAPTURE:
        return -row.held_delta if not inflow else -1
    if row.kind is TransactionKind.RELEASE:
        return inflow if inflow == -row.held_delta else -1
    if row.kind is TransactionKind.CLAWBACK and row.held_delta <= 0:
        return -inflow - row.held_delta
    if row.held_delta:
        return -1
    if row.kind is TransactionKind.ADJUST:
        return abs(inflow)
    return inflow if row.kind in (TransactionKind.GRANT, TransactionKind.REVERSE) else -inflow


class _Fold:
    """Sums over one wallet's rows."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.available = self.held = self.debt = self.rows = 0
        self.grants: dict[str, list[int]] = {}
        self.holds: dict[str, int] = {}
        self.reversed: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.differences: list[Difference] = []

    def differ(self, what: str, stored: int | str, folded: int | str) -> None:
        if stored != folded:
            self.differences.append(Difference(self.user_id, what, stored, folded))

    def add(self, row: Transaction) -> None:
        self.rows += 1
        self.differ(f"number of {row.id}", row.number, self.rows)
        self.differ(f"amount of {row.id}", row.amount, _size(row))
        self.differ(f"balance before {row.id}", row.balance_before, self.available)
        self.available += row.available_delta
        self.held += row.held_delta
        self.debt += row.debt_delta
        self.differ(f"balance after {row.id}", row.balance_after, self.available)
        for name, value in (
            ("available", self.available),
            ("held", self.held),
            ("debt", self.debt),
        ):
            if value < 0:
                self.differ(f"{name} after {row.id}", "not negative", value)
        self._add_parts(row)
        self._add_hold(row)
        self._add_reversal(row)

    def _add_parts(self, row: Transaction) -> None:
        self.differ(
            f"grants of {row.id}", sum(p.available_delta for p in row.parts), row.available_delta
        )
        self.differ(f"held of {row.id}", sum(p.held_delta for p in row.parts), row.held_delta)
        for part in row.parts:
            grant = self.grants.setdefault(part.grant_id, [0, 0])
            grant[0] += part.available_delta
            grant[1] += part.held_delta
            if grant[0] < 0 or grant[1] < 0:
                self.differ(f"grant {part.grant_id} after {row.id}", "not negative", min(grant))

    def _add_hold(self, row: Transaction) -> None:
        if row.hold_id is not None and row.kind is not TransactionKind.REVERSE:
            self.holds[row.hold_id] = self.holds.get(row.hold_id, 0) + row.held_delta

    def _add_reversal(self, row: Transaction) -> None:
        if row.kind in (TransactionKind.DEDUCT, TransactionKind.CAPTURE):
            self.taken[row.id] = row.amount
        elif row.reverses is not None:
            total = self.reversed.get(row.reverses, 0) + row.amount
            self.reversed[row.reverses] = total
            self.differ(f"reversed in all with {row.id}", row.reversed_total, total)
            taken = self.taken.get(row.reverses, 0)
            if total > taken:
                self.differ(f"reversals of {row.reverses}", f"at most {taken}", total)

    def close(self, user: AuditedUser) -> None:
        wallet = user.wallet
        self.differ("row count", wallet.rows, self.rows)
        self.differ("available", wallet.available, self.available)
        self.differ("held", wallet.held, self.held)
        self.differ("debt", wallet.debt, self.debt)
        stored = {g.id: (g.available, g.held) for g in wallet.grants}
        folded = {i: (a, h) for i, (a, h) in self.grants.items() if a or h}
        for grant_id in sorted(stored.keys() | folded.keys()):
            self.differ(
                f"grant {grant_id}",
                str(stored.get(grant_id, (0, 0))),
                str(folded.get(grant_id, (0, 0))),
            )
        self._close_holds("hold", list(wallet.holds.values()))
        self._close_holds("stored hold", user.open_holds)
        self._close_events(user)

    def _close_events(self, user: AuditedUser) -> None:
        """What pruning left runs without a gap up to the wallet's newest."""
        first, last = user.first_sequence, user.last_sequence
        if not user.event_count:
            first, last = user.pruned_through + 1, user.pruned_through
        if first > user.pruned_through + 1:
            self.differ("first event", f"at most {user.pruned_through + 1}", first)
        self.differ("last event", user.wallet.events, last)
        self.differ("events", user.wallet.events + 1 - first, user.event_count)

    def _close_holds(self, what: str, holds: list[Hold]) -> None:
        stored = {hold.id: hold.amount for hold in holds}
        folded = {hold_id: held for hold_id, held in self.holds.items() if held}
        for hold_id in sorted(stored.keys() | folded.keys()):
            self.differ(f"{what} {hold_id}", stored.get(hold_id, 0), folded.get(hold_id, 0))


async def check_user(user: AuditedUser, rows: AsyncIterator[Transaction]) -> Progress:
    fold = _Fold(user.wallet.user_id)
    async for row in rows:
        fold.add(row)
    fold.close(user)
    return Progress(fold.user_id, fold.rows, fold.differences)


class Verify:
    def __init__(self, audit: LedgerAudit) -> None:
        self._audit = audit

    async def count(self) -> int:
        return await self._audit.count_users()

    async def run(self) -> AsyncIterator[Progress]:
        """Check user after user; at the end, what belongs to no wallet."""
        async for user, rows in self._audit.users():
            yield await check_user(user, rows)
        for user_id in await self._audit.orphans():
            yield Progress(user_id, 0, [Difference(user_id, "wallet", "missing", "rows")])
