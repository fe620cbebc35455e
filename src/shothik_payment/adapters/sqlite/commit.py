"""Writing change sets: all groups in one transaction, and one by one where one of them lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import zip_longest

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.bookings import BOOKING_COLUMNS, NO_EVENT, NO_ROW, NO_WALLET
from shothik_payment.adapters.sqlite.errors import is_taken
from shothik_payment.adapters.sqlite.statements import ROWS_AT_ONCE, Row, insert
from shothik_payment.domain.ports.ledger_store import ChangeSet, RequestRecord

_BOOKINGS = insert("bookings", BOOKING_COLUMNS)
_GRANTS = insert("grants", ("id", "user_id", "body"))
_MOVED_GRANTS = insert(
    "grants",
    ("id", "user_id", "body"),
    f"ON CONFLICT (substr(id, {rows.GRANT_FRONT + 1})) DO UPDATE SET body = excluded.body",
)
_HOLDS = insert(
    "holds",
    ("id", "user_id", "status", "body"),
    f"ON CONFLICT (substr(id, {rows.HOLD_FRONT + 1})) DO UPDATE"
    " SET status = excluded.status, body = excluded.body",
)
_PAYMENTS = insert(
    "payments",
    ("id", "user_id", "gateway", "session_id", "status", "next_check_at", "body"),
    f"ON CONFLICT (substr(id, {rows.PAYMENT_FRONT + 1})) DO UPDATE"
    " SET session_id = excluded.session_id, status = excluded.status,"
    " next_check_at = excluded.next_check_at, body = excluded.body",
)
_STEPS = insert("subscription_steps", rows.STEP_COLUMNS)
_REQUESTS = insert("requests", ("request_key", "user_id", "key", "fingerprint", "subject_id", "at"))
_STOPS = insert("stops", ("service", "user_id"), "ON CONFLICT DO NOTHING")


def commit(connection: sqlite3.Connection, changes: Sequence[ChangeSet]) -> list[bool]:
    """Whether each group was stored. Begins and ends its own transactions."""
    if _store_together(connection, changes):
        return [True] * len(changes)
    if len(changes) == 1:
        return [False]
    return _store_each(connection, changes)


def _store_together(connection: sqlite3.Connection, changes: Sequence[ChangeSet]) -> bool:
    bookings = _bookings(changes)
    if len(bookings) <= ROWS_AT_ONCE and not any(_has_rare(change) for change in changes):
        return _write(connection, bookings, ())  # one statement is a transaction of its own
    connection.execute("BEGIN IMMEDIATE")
    if _write(connection, bookings, changes):
        connection.execute("COMMIT")
        return True
    connection.execute("ROLLBACK")
    return False


def _store_each(connection: sqlite3.Connection, changes: Sequence[ChangeSet]) -> list[bool]:
    stored = []
    connection.execute("BEGIN IMMEDIATE")
    for change in changes:
        connection.execute("SAVEPOINT one")
        won = _write(connection, _bookings([change]), [change])
        if not won:
            connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        stored.append(won)
    connection.execute("COMMIT")
    return stored


def _bookings(changes: Sequence[ChangeSet]) -> list[Row]:
    """A user's wallet, with its first row and first event; then the rest of its rows and events."""
    found = []
    for change in changes:
        wallet = rows.wallet_row(change.wallet)
        pairs = zip_longest(
            map(rows.transaction_row, change.transactions), map(rows.event_row, change.events)
        )
        row, event = next(pairs, (None, None))
        found.append((*wallet, *(row or NO_ROW), *(event or NO_EVENT)))
        found.extend((*NO_WALLET, *(row or NO_ROW), *(event or NO_EVENT)) for row, event in pairs)
    return found


def _write(
    connection: sqlite3.Connection, bookings: Sequence[Row], changes: Sequence[ChangeSet]
) -> bool:
    """Write the bookings, and what else these groups change. False: one of them lost, and all is
    to be rolled back."""
    try:
        _BOOKINGS.run(connection, bookings)
        for change in changes:
            _write_rare(connection, change)
    except sqlite3.IntegrityError as error:
        if not is_taken(error):
            raise
        return False
    return True


def _has_rare(change: ChangeSet) -> bool:
    return bool(
        change.grants
        or change.moved_grants
        or change.holds
        or change.payments
        or change.steps
        or change.requests
        or change.forgotten_requests
        or change.stops_changed
    )


def _write_rare(connection: sqlite3.Connection, change: ChangeSet) -> None:
    if change.grants:
        _GRANTS.run(connection, [rows.grant_row(grant) for grant in change.grants])
    if change.moved_grants:
        _MOVED_GRANTS.run(connection, [rows.grant_row(grant) for grant in change.moved_grants])
    if change.holds:
        _HOLDS.run(connection, [rows.hold_row(hold) for hold in change.holds])
    if change.payments:
        _PAYMENTS.run(connection, [rows.payment_row(payment) for payment in change.payments])
    if change.steps:
        _STEPS.run(connection, [rows.step_row(step) for step in change.steps])
    user = change.wallet.user_id
    for key in change.forgotten_requests:
        digest = codec.request_digest(user, key)
        connection.execute("DELETE FROM requests WHERE request_key = ?", (digest,))
    for record in change.requests:
        remember(connection, record)
    if change.stops_changed:
        connection.execute("DELETE FROM stops WHERE user_id = ?", (user,))
        _STOPS.run(connection, [(stop.service or "", user) for stop in change.wallet.stops])


def remember(connection: sqlite3.Connection, record: RequestRecord) -> None:
    """Raises IntegrityError where the key is taken."""
    digest = codec.request_digest(record.user_id, record.key)
    row = (digest, record.user_id, record.key, record.fingerprint, record.subject_id, record.at)
    _REQUESTS.run(connection, [row])
