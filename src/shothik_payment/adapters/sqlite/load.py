"""Reading what a batch needs of its users."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import one_moment
from shothik_payment.adapters.sqlite.statements import padded, power_of_two, select_in
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import Needs, RequestRecord, Snapshot

_TRANSACTIONS_BY_ID = (
    f"{rows.SELECT_TRANSACTION} WHERE substr(id, {rows.TRANSACTION_FRONT + 1}) IN ({{values}})"
)
_DONE = f"{rows.SELECT_TRANSACTION} WHERE request_key IN ({{values}})"
_REQUESTS = (
    "SELECT request_key, fingerprint, subject_id, at FROM requests WHERE request_key IN ({values})"
)
_REVERSED = (
    "SELECT reverses, max(reversed_total) FROM transactions WHERE reverses IN ({values})"
    " GROUP BY reverses"
)


def _bodies(table: str, front: int) -> str:
    return f"SELECT body FROM {table} WHERE substr(id, {front + 1}) IN ({{values}})"  # noqa: S608


_GRANTS = _bodies("grants", rows.GRANT_FRONT)
_HOLDS = _bodies("holds", rows.HOLD_FRONT)
_PAYMENTS = _bodies("payments", rows.PAYMENT_FRONT)


@lru_cache(maxsize=64)
def _common_case(size: int) -> str:
    """Wallets and whether any request key is known: one statement, one row, one moment."""
    users = ", ".join(f"?{i + 1}" for i in range(size))
    keys = ", ".join(f"?{size + i + 1}" for i in range(size))
    return f"""
        SELECT (SELECT group_concat(state, char(10)) FROM wallets WHERE user_id IN ({users})),
            EXISTS (SELECT 1 FROM transactions WHERE request_key IN ({keys}))
            OR EXISTS (SELECT 1 FROM requests WHERE request_key IN ({keys}))
    """  # noqa: S608


def load(connection: sqlite3.Connection, needs: Sequence[Needs]) -> list[Snapshot]:
    digests = {
        codec.request_digest(need.user_id, key): (need.user_id, key)
        for need in needs
        for key in need.request_keys
    }
    if not any(n.transaction_ids or n.hold_ids or n.payment_ids for n in needs):
        snapshots, any_done = _load_wallets(connection, needs, digests)
        if not any_done:
            return list(snapshots.values())
    with one_moment(connection):
        snapshots, any_done = _load_wallets(connection, needs, digests)
        if any_done:
            _add_done(connection, snapshots, digests)
        _add_transactions(connection, snapshots, needs)
        _add_holds(connection, snapshots, needs)
        _add_payments(connection, snapshots, needs)
    return list(snapshots.values())


def _load_wallets(
    connection: sqlite3.Connection, needs: Sequence[Needs], digests: dict[bytes, tuple[str, str]]
) -> tuple[dict[str, Snapshot], bool]:
    """Snapshots with nothing but the wallet, by user in the order asked; whether a key is known."""
    size = power_of_two(max(len(needs), len(digests)))
    users = [need.user_id for need in needs]
    values = [*padded(users, size), *padded(list(digests), size)]
    lines, any_done = connection.execute(_common_case(size), values).fetchone()
    wallets = {w.user_id: w for w in codec.decode_wallets(lines)} if lines else {}
    return {user: Snapshot(wallets.get(user) or Wallet(user)) for user in users}, bool(any_done)


def _add_done(
    connection: sqlite3.Connection,
    snapshots: dict[str, Snapshot],
    digests: dict[bytes, tuple[str, str]],
) -> None:
    for row in select_in(connection, _DONE, list(digests)):
        user, key = digests[row[rows.REQUEST_KEY]]
        done = rows.to_transaction(row)
        done.request_key = key
        snapshots[user].done[key] = done
    for digest, fingerprint, subject, at in select_in(connection, _REQUESTS, list(digests)):
        user, key = digests[digest]
        record = RequestRecord(user, key, fingerprint, subject, Millis(at))
        snapshots[user].done[key] = record


def _add_transactions(
    connection: sqlite3.Connection, snapshots: dict[str, Snapshot], needs: Sequence[Needs]
) -> None:
    wanted = {i: need.user_id for need in needs for i in need.transaction_ids}
    if not wanted:
        return
    tails = [i[rows.TRANSACTION_FRONT :] for i in wanted]
    for row in select_in(connection, _TRANSACTIONS_BY_ID, tails):
        found = rows.to_transaction(row)
        if wanted.get(found.id) == found.user_id:
            snapshots[found.user_id].transactions[found.id] = found
    for reversed_id, total in select_in(connection, _REVERSED, list(wanted)):
        asked = snapshots[wanted[reversed_id]]
        if reversed_id in asked.transactions:
            asked.reversed_totals[reversed_id] = total
    touched = {
        part.grant_id[rows.GRANT_FRONT :]
        for snapshot in snapshots.values()
        for row in snapshot.transactions.values()
        for part in row.parts
    }
    for (body,) in select_in(connection, _GRANTS, list(touched)):
        grant = codec.decode_grant(body)
        snapshots[grant.user_id].grants[grant.id] = grant


def _add_holds(
    connection: sqlite3.Connection, snapshots: dict[str, Snapshot], needs: Sequence[Needs]
) -> None:
    wanted = {i: need.user_id for need in needs for i in need.hold_ids}
    for user, snapshot in snapshots.items():
        for done in snapshot.done.values():
            if not isinstance(done, RequestRecord) and done.hold_id is not None:
                wanted[done.hold_id] = user
    for (body,) in select_in(connection, _HOLDS, [i[rows.HOLD_FRONT :] for i in wanted]):
        hold = codec.decode_hold(body)
        if wanted.get(hold.id) == hold.user_id:
            snapshots[hold.user_id].holds[hold.id] = hold


def _add_payments(
    connection: sqlite3.Connection, snapshots: dict[str, Snapshot], needs: Sequence[Needs]
) -> None:
    wanted = {i: need.user_id for need in needs for i in need.payment_ids}
    for user, snapshot in snapshots.items():
        for done in snapshot.done.values():
            subject = done.subject_id if isinstance(done, RequestRecord) else done.payment_id
            if subject is not None:
                wanted[subject] = user
    for (body,) in select_in(connection, _PAYMENTS, [i[rows.PAYMENT_FRONT :] for i in wanted]):
        payment = codec.decode_payment(body)
        if wanted.get(payment.id) == payment.user_id:
            snapshots[payment.user_id].payments[payment.id] = payment
