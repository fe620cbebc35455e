"""What SQLite says, in words that tell an operator what is wrong."""

from __future__ import annotations

import sqlite3

import msgspec

from shothik_payment.domain.errors import PaymentServiceError, StoreCorrupt, Unavailable

_UNAVAILABLE = {
    sqlite3.SQLITE_FULL: "The disk of the data store is full.",
    sqlite3.SQLITE_IOERR: "The disk of the data store fails, or a limit on file sizes is reached.",
    sqlite3.SQLITE_READONLY: "The data store is read-only: look at the rights of its file.",
    sqlite3.SQLITE_PERM: "The data store may not be opened: look at the rights of its file.",
    sqlite3.SQLITE_CANTOPEN: "The data store cannot be opened: look at the rights of its file and"
    " directory.",
    sqlite3.SQLITE_BUSY: "Another process keeps the data store locked.",
    sqlite3.SQLITE_LOCKED: "Another process keeps the data store locked.",
    sqlite3.SQLITE_NOMEM: "There is no memory left for the data store.",
}
_CORRUPT = {
    sqlite3.SQLITE_CORRUPT: "The data store is damaged.",
    sqlite3.SQLITE_NOTADB: "The data store's file is not an SQLite database.",
    sqlite3.SQLITE_CONSTRAINT: "The data store contradicts what is to be written to it.",
}
_PRIMARY = 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is not what it should be."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def translated(error: sqlite3.Error, where: str = "") -> PaymentServiceError:
    """The domain's error for it; `where`, the path of the file, is put in front."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    front = f"{where}: " if where else ""
    if code in _CORRUPT:
        return StoreCorrupt(f"{front}{_CORRUPT[code]} ({error})")
    words = _UNAVAILABLE.get(code, "The data store failed.")
    return Unavailable(f"{front}{words} ({error})")


_TAKEN = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_TRIGGER,
)


def is_taken(error: sqlite3.IntegrityError) -> bool:
    """Whether something unique was there already, rather than a row being impossible."""
    return error.sqlite_errorcode in _TAKEN


def unreadable(error: msgspec.DecodeError) -> StoreCorrupt:
    return StoreCorrupt(f"A record in the data store cannot be read. ({error})")
