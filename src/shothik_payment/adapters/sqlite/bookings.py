"""Wallet, ledger row and event of a command, written as one row of a view.

Python gives the interpreter lock away for every statement and has to win it back after, against a
busy event loop. So what nearly every batch writes is one statement, which is its own transaction
too. The view holds nothing and is no part of the file: it is made anew for each connection.
"""

from __future__ import annotations

import sqlite3

from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.statements import Row

BOOKING_COLUMNS = (
    *(f"wallet_{column}" for column in rows.WALLET_COLUMNS),
    *(f"row_{column}" for column in rows.TRANSACTION_COLUMNS),
    *(f"event_{column}" for column in rows.EVENT_COLUMNS),
)
NO_WALLET: Row = (None,) * len(rows.WALLET_COLUMNS)
NO_ROW: Row = (None,) * len(rows.TRANSACTION_COLUMNS)
NO_EVENT: Row = (None,) * len(rows.EVENT_COLUMNS)


def _part(columns: tuple[str, ...], front: str) -> tuple[str, str]:
    return ", ".join(columns), ", ".join(f"NEW.{front}_{column}" for column in columns)


_WALLET, _NEW_WALLET = _part(rows.WALLET_COLUMNS, "wallet")
_ROW, _NEW_ROW = _part(rows.TRANSACTION_COLUMNS, "row")
_EVENT, _NEW_EVENT = _part(rows.EVENT_COLUMNS, "event")

_VIEW = (
    f"CREATE TEMP VIEW bookings ({', '.join(BOOKING_COLUMNS)}) AS"
    f" SELECT {', '.join('NULL' for _ in BOOKING_COLUMNS)} WHERE false"
)
# A wallet of a later version than the first is never inserted, only updated.
_TRIGGER = f"""
    CREATE TEMP TRIGGER book INSTEAD OF INSERT ON bookings BEGIN
        UPDATE wallets
            SET version = NEW.wallet_version, next_due_at = NEW.wallet_next_due_at,
                state = NEW.wallet_state
            WHERE user_id = NEW.wallet_user_id AND version = NEW.wallet_version - 1;
        SELECT RAISE(ABORT, 'the wallet has moved on')
            WHERE NEW.wallet_version > 1 AND changes() = 0;
        INSERT INTO wallets ({_WALLET}) SELECT {_NEW_WALLET} WHERE NEW.wallet_version = 1;
        INSERT INTO transactions ({_ROW}) SELECT {_NEW_ROW} WHERE NEW.row_id IS NOT NULL;
        INSERT INTO outbox ({_EVENT}) SELECT {_NEW_EVENT} WHERE NEW.event_id IS NOT NULL;
    END
"""  # noqa: S608


def make_bookings_view(connection: sqlite3.Connection) -> None:
    connection.execute(_VIEW)
    connection.execute(_TRIGGER)
