from __future__ import annotations

from collections.abc import AsyncIterator

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.hold import Hold, HoldStatus
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.ports.ledger_audit import AuditedUser


class MemoryLedgerAudit:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def count_users(self) -> int:
        return len(self._state.wallets)

    async def users(self) -> AsyncIterator[tuple[AuditedUser, AsyncIterator[Transaction]]]:
        for user, ids in self._all_at_one_moment():
            yield user, self._rows(ids)

    def _all_at_one_moment(self) -> list[tuple[AuditedUser, list[str]]]:
        state = self._state
        holds: dict[str, list[Hold]] = {}
        for hold in map(codec.decode_hold, state.holds.values()):
            if hold.status is HoldStatus.ACTIVE:
                holds.setdefault(hold.user_id, []).append(hold)
        sequences: dict[str, list[int]] = {}
        for event in state.events:
            sequences.setdefault(event.user_id, []).append(event.sequence)
        found = []
        for user_id in sorted(state.wallets):
            told = sequences.get(user_id, [0])
            count = len(sequences.get(user_id, []))
            user = AuditedUser(
                state.wallet(user_id),
                holds.get(user_id, []),
                count,
                min(told),
                max(told),
                state.pruned.get(user_id, 0),
            )
            found.append((user, list(state.rows.get(user_id, []))))
        return found

    async def _rows(self, ids: list[str]) -> AsyncIterator[Transaction]:
        for transaction_id in ids:
            yield codec.decode_transaction(self._state.transactions[transaction_id])

    async def orphans(self) -> list[str]:
        owners = set(self._state.rows)
        owners.update(event.user_id for event in self._state.events)
        owners.update(codec.decode_hold(stored).user_id for stored in self._state.holds.values())
        return sorted(owners.difference(self._state.wallets))
