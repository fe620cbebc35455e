"""What the writer works on: commands that wait for an answer, and what came of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot

_SMALL_WALLET = 50
"""Grants and holds of a wallet that is worth its memory."""
DOUBTFUL_BATCHES = 200
"""Between two tries whether this process is alone again. A try that fails costs a commit."""


@dataclass(slots=True)
class Pending:
    command: Command
    answer: asyncio.Future[Outcome]
    attempts: int = 0
    patience_ends: float | None = None
    told: bool = False


@dataclass(slots=True)
class Applied:
    """One user's commands of a batch, what came of them, and what is to be stored for it."""

    group: list[Pending]
    outcomes: list[Outcome]
    change: ChangeSet


def _looks_beyond_wallet(command: Command) -> bool:
    return bool(command.transaction_ids() or command.hold_ids() or command.payment_ids())


def needs_of(user_id: str, group: list[Pending]) -> Needs:
    needs = Needs(user_id)
    for pending in group:
        command = pending.command
        needs.request_keys.extend(command.request_keys())
        needs.transaction_ids.extend(command.transaction_ids())
        needs.hold_ids.extend(command.hold_ids())
        needs.payment_ids.extend(command.payment_ids())
    return needs


class RecentWallets:
    """Wallets as this process last stored them, at most `size`.

    They are worth something where this process alone serves these users. Where another one has
    changed a wallet, none is trusted for a number of batches.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._wallets: OrderedDict[str, Wallet] = OrderedDict()
        self._doubtful_batches = 0

    def doubt(self) -> None:
        """A commit has lost: another process was faster, or a request key was taken."""
        self._doubtful_batches = DOUBTFUL_BATCHES
        self._wallets.clear()

    def next_batch(self) -> None:
        if self._doubtful_batches:
            self._doubtful_batches -= 1

    def keep(self, wallet: Wallet) -> None:
        if self._doubtful_batches:
            return
        if len(wallet.grants) + len(wallet.holds) > _SMALL_WALLET:
            return
        self._wallets[wallet.user_id] = wallet
        if len(self._wallets) > self._size:
            self._wallets.popitem(last=False)

    def apply(self, user: str, group: list[Pending], rules: Rules) -> Applied | None:
        """Apply to the wallet as this writer left it, without reading.

        Only a commit proves that it is still so: it fails where the version has moved or a request
        key is taken. So None, read first, where there would be nothing to commit, a refusal among
        the outcomes, or more to see than the wallet.
        """
        wallet = self._wallets.pop(user, None)
        if wallet is None or any(_looks_beyond_wallet(p.command) for p in group):
            return None
        account = Account(Snapshot(wallet))
        try:
            outcomes = [apply(account, pending.command, rules) for pending in group]
        except Exception:  # noqa: BLE001 met again, and told, when applied to what is stored
            return None
        change = account.change_set()
        if change is None or any(outcome.refusal is not None for outcome in outcomes):
            return None
        return Applied(group, outcomes, change)
