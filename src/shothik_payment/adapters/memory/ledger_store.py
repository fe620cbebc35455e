from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot


class _Form:
    """A change as it is kept. Events get their positions when they are stored."""

    def __init__(self, change: ChangeSet) -> None:
        self.change = change
        self.wallet = codec.encode(change.wallet)
        self.rows = [codec.encode(replace(row, request_key=None)) for row in change.transactions]
        grants = (*change.grants, *change.moved_grants)
        self.grants = {grant.id: codec.encode(grant) for grant in grants}
        self.holds = {hold.id: codec.encode(hold) for hold in change.holds}
        self.payments = {payment.id: codec.encode(payment) for payment in change.payments}
        self.steps = [codec.encode(step) for step in change.steps]
        self.events = [codec.recorded(event, START) for event in change.events]


class MemoryLedgerStore:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        return [self._snapshot(need) for need in needs]

    async def commit(self, changes: Sequence[ChangeSet]) -> list[bool]:
        # All are written down before one is stored: what has no stored form shows itself by then.
        return [self._store(form) for form in [_Form(change) for change in changes]]

    def _snapshot(self, need: Needs) -> Snapshot:
        state, user = self._state, need.user_id
        snapshot = Snapshot(state.wallet(user))
        hold_ids: list[str | None] = [*need.hold_ids]
        payment_ids: list[str | None] = [*need.payment_ids]
        for key in need.request_keys:
            record = state.requests.get((user, key))
            row = state.transaction(state.transactions_by_request.get((user, key), ""))
            if record is not None:
                snapshot.done[key] = replace(record)
                payment_ids.append(record.subject_id)
            elif row is not None:
                row.request_key = key
                snapshot.done[key] = row
                hold_ids.append(row.hold_id)
                payment_ids.append(row.payment_id)
        for row in map(state.transaction, need.transaction_ids):
            if row is not None and row.user_id == user:
                self._add_transaction(snapshot, row)
        for hold in map(state.hold, filter(None, hold_ids)):
            if hold is not None and hold.user_id == user:
                snapshot.holds[hold.id] = hold
        for payment in map(state.payment, filter(None, payment_ids)):
            if payment is not None and payment.user_id == user:
                snapshot.payments[payment.id] = payment
        return snapshot

    def _add_transaction(self, snapshot: Snapshot, row: Transaction) -> None:
        snapshot.transactions[row.id] = row
        if row.id in self._state.reversed_totals:
            snapshot.reversed_totals[row.id] = self._state.reversed_totals[row.id]
        for part in row.parts:
            stored = self._state.grants.get(part.grant_id)
            if stored is not None:
                snapshot.grants[part.grant_id] = codec.decode_grant(stored)

    def _store(self, form: _Form) -> bool:
        state, change = self._state, form.change
        user = change.wallet.user_id
        if state.wallet(user).version != change.expected_version or self._key_taken(change):
            return False
        self._store_wallet(change.wallet, form.wallet, change.stops_changed)
        for row, body in zip(change.transactions, form.rows, strict=True):
            self._store_row(row, body)
        state.grants.update(form.grants)
        state.holds.update(form.holds)
        state.payments.update(form.payments)
        if form.steps:
            state.steps.setdefault(user, []).extend(form.steps)
        for key in change.forgotten_requests:
            state.requests.pop((user, key), None)
        for record in change.requests:
            state.requests[user, record.key] = replace(record)
        for event in form.events:
            state.last_position += 1
            told = replace(event, position=str(state.last_position))
            state.events.append(told)
            state.unpublished[told.position] = told
        return True

    def _key_taken(self, change: ChangeSet) -> bool:
        state, user = self._state, change.wallet.user_id
        keys = [row.request_key for row in change.transactions if row.request_key is not None]
        keys.extend(record.key for record in change.requests)
        return any(
            (user, key) in state.transactions_by_request
            or ((user, key) in state.requests and key not in change.forgotten_requests)
            for key in keys
        )

    def _store_wallet(self, wallet: Wallet, body: bytes, stops_changed: bool) -> None:
        state, user = self._state, wallet.user_id
        state.wallets[user] = body
        due = wallet.next_due()
        if due is None:
            state.next_due.pop(user, None)
        else:
            state.next_due[user] = due
        if stops_changed:
            (state.stopped.add if wallet.stops else state.stopped.discard)(user)

    def _store_row(self, row: Transaction, body: bytes) -> None:
        state = self._state
        state.transactions[row.id] = body
        state.rows.setdefault(row.user_id, []).append(row.id)
        if row.request_key is not None:
            state.transactions_by_request[row.user_id, row.request_key] = row.id
        if row.reverses is not None:
            state.reversed_totals[row.reverses] = row.reversed_total
        if row.charges:
            slot = Millis(row.at - row.at % HOUR), row.service or "", row.kind
            credits, rows = state.charged.get(slot, (0, 0))
            state.charged[slot] = credits + row.amount, rows + 1
