"""What a ledger store keeps, in plain lists and dicts: obviously right rather than fast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from shothik_payment.domain.events import Event
from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold, HoldStatus
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_audit import AuditedUser
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, RequestRecord, Snapshot
from shothik_payment.domain.use_cases.verify import Difference, check_user

T = TypeVar("T")


def copy_wallet(wallet: Wallet) -> Wallet:
    return replace(
        wallet,
        grants=[replace(grant) for grant in wallet.grants],
        holds={hold.id: replace(hold) for hold in wallet.holds.values()},
        stops=[replace(stop) for stop in wallet.stops],
        subscription=deepcopy(wallet.subscription),
        usage={service: replace(used) for service, used in wallet.usage.items()},
    )


@dataclass(slots=True)
class StoredUser:
    wallet: Wallet
    rows: list[Transaction] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    requests: dict[str, RequestRecord] = field(default_factory=dict)
    pruned_through: int = 0


class LedgerState:
    """Nothing that is handed out or taken in is shared with the caller."""

    def __init__(self) -> None:
        self.users: dict[str, StoredUser] = {}

    def user(self, user_id: str) -> StoredUser:
        return self.users.setdefault(user_id, StoredUser(Wallet(user_id)))

    def snapshot(self, needs: Needs) -> Snapshot:
        stored = self.user(needs.user_id)
        rows = {row.id: row for row in stored.rows}
        by_key = {row.request_key: row for row in stored.rows if row.request_key is not None}
        done: dict[str, Transaction | RequestRecord] = {}
        for key in needs.request_keys:
            found = by_key.get(key) or stored.requests.get(key)
            if found is not None:
                done[key] = replace(found)
        asked = [rows[i] for i in needs.transaction_ids if i in rows]
        reversed_totals: dict[str, int] = defaultdict(int)
        for row in stored.rows:
            if row.reverses in needs.transaction_ids:
                reversed_totals[row.reverses] += row.amount
        touched = {part.grant_id for row in asked for part in row.parts}
        holds = {*needs.hold_ids, *(getattr(d, "hold_id", None) for d in done.values())}
        payments = {*needs.payment_ids, *(getattr(d, "subject_id", None) for d in done.values())}
        return Snapshot(
            copy_wallet(stored.wallet),
            done,
            {row.id: replace(row) for row in asked},
            dict(reversed_totals),
            {i: replace(h) for i, h in stored.holds.items() if i in holds},
            # Terms only: what is left of a grant is the wallet's word, so this is wrong on purpose.
            {i: replace(stored.grants[i], available=777, held=777) for i in touched},
            {i: deepcopy(p) for i, p in stored.payments.items() if i in payments},
        )

    def store(self, change: ChangeSet) -> bool:
        """All of the group, or nothing where its version or a request key is taken."""
        stored = self.user(change.wallet.user_id)
        keys = {row.request_key for row in stored.rows if row.request_key}
        keys |= stored.requests.keys() - set(change.forgotten_requests)
        new_keys = [row.request_key for row in change.transactions if row.request_key]
        new_keys += [record.key for record in change.requests]
        if stored.wallet.version != change.expected_version or keys.intersection(new_keys):
            return False
        assert len(set(new_keys)) == len(new_keys), "one key bound twice in one change set"
        assert change.wallet.version == change.expected_version + 1
        stored.wallet = copy_wallet(change.wallet)
        stored.rows += [replace(row) for row in change.transactions]
        stored.events += change.events
        # Their terms: what is left of them is the wallet's to say.
        stored.grants |= {g.id: replace(g, available=0, held=0) for g in change.grants}
        stored.holds |= {hold.id: replace(hold) for hold in change.holds}
        stored.payments |= {payment.id: deepcopy(payment) for payment in change.payments}
        for key in change.forgotten_requests:
            stored.requests.pop(key, None)
        stored.requests |= {record.key: record for record in change.requests}
        return True

    def differences(self, user_id: str) -> list[Difference]:
        """What the operator's check finds wrong with the user."""
        stored = self.user(user_id)
        sequences = [event.sequence for event in stored.events] or [0]
        audited = AuditedUser(
            stored.wallet,
            [hold for hold in stored.holds.values() if hold.status is HoldStatus.ACTIVE],
            len(stored.events),
            sequences[0],
            sequences[-1],
            stored.pruned_through,
        )
        return at_once(check_user(audited, each(stored.rows))).differences

    def check(self, user_id: str) -> None:
        """What has to hold whatever happened."""
        stored = self.user(user_id)
        wallet = stored.wallet
        assert self.differences(user_id) == []
        assert [event.sequence for event in stored.events] == list(range(1, wallet.events + 1))
        assert wallet.available >= 0
        assert wallet.held >= 0
        assert wallet.debt >= 0
        assert wallet.available == sum(grant.available for grant in wallet.grants)
        assert wallet.held == sum(hold.amount for hold in wallet.holds.values())
        assert all(g.available >= 0 and g.held >= 0 for g in wallet.grants)
        assert all(g.available or g.held for g in wallet.grants)
        ids = [row.id for row in stored.rows] + [event.id for event in stored.events]
        assert len(set(ids)) == len(ids)
        keys = [row.request_key for row in stored.rows if row.request_key]
        keys += list(stored.requests)
        assert len(set(keys)) == len(keys)
        times = [row.at for row in stored.rows]
        assert times == sorted(times)


async def each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


def at_once(coroutine: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")
