from __future__ import annotations

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.wallets import DueUser, StoppedUsers


class MemoryWallets:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def get(self, user_id: str) -> Wallet:
        return self._state.wallet(user_id)

    async def transaction(self, transaction_id: str) -> Transaction | None:
        return self._state.transaction(transaction_id)

    async def hold(self, hold_id: str) -> Hold | None:
        return self._state.hold(hold_id)

    async def history(self, user_id: str, before: int | None, limit: int) -> list[Transaction]:
        ids = self._state.rows.get(user_id, [])
        end = len(ids) if before is None else max(min(before - 1, len(ids)), 0)
        newest_first = reversed(ids[max(end - limit, 0) : end])
        return [codec.decode_transaction(self._state.transactions[i]) for i in newest_first]

    async def stopped(self, service: str | None, after: str | None, limit: int) -> StoppedUsers:
        wallets: list[Wallet] = []
        for user in sorted(user for user in self._state.stopped if user > (after or "")):
            wallet = self._state.wallet(user)
            if service is not None and not wallet.causes(service):
                continue
            if len(wallets) == limit:
                return StoppedUsers(wallets, wallets[-1].user_id)
            wallets.append(wallet)
        return StoppedUsers(wallets, None)

    async def stopped_count(self, at_most: int) -> int:
        return min(len(self._state.stopped), at_most)

    async def due(self, at: Millis, limit: int, after: DueUser | None = None) -> list[DueUser]:
        ended = ((due, user) for user, due in self._state.next_due.items() if due <= at)
        behind = (e for e in ended if after is None or e > (after.since, after.user_id))
        return [DueUser(user, due) for due, user in sorted(behind)[:limit]]

    async def next_due(self, after: Millis) -> Millis | None:
        return min((due for due in self._state.next_due.values() if due > after), default=None)
