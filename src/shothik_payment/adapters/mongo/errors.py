"""What MongoDB and its driver say, in words that tell an operator what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pymongo
from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from shothik_payment.domain.errors import PaymentServiceError, StoreCorrupt, StoreUnavailable

_UNAUTHORIZED = 13
_AUTHENTICATION_FAILED = 18
_WRITE_CONFLICT = 112
_DUPLICATE_KEY = 11000
_REFUSED_CREDENTIALS = (_UNAUTHORIZED, _AUTHENTICATION_FAILED)

TRANSIENT = "TransientTransactionError"
UNKNOWN_COMMIT = "UnknownTransactionCommitResult"


def is_conflict(error: PyMongoError) -> bool:
    """Whether a transaction got in the way of another, or its server went away before the commit:
    nothing of it is stored, and it may be tried again as a whole."""
    return error.has_error_label(TRANSIENT) or getattr(error, "code", None) == _WRITE_CONFLICT


def is_taken(code: int) -> bool:
    return code == _DUPLICATE_KEY


def translated(error: Exception, where: str) -> PaymentServiceError:
    """The domain's error for it. `where` names the servers; the driver's own words are left out
    where they could repeat parts of the URL."""
    if isinstance(error, BSONError | msgspec.MsgspecError):
        return StoreCorrupt(f"MongoDB at {where} holds what cannot be read: {error}")
    if isinstance(error, DuplicateKeyError):
        return StoreCorrupt(f"MongoDB at {where} contradicts what is to be written to it.")
    if isinstance(error, DocumentTooLarge):
        return StoreCorrupt(f"What is to be written is too large for MongoDB: {error}")
    if isinstance(error, ServerSelectionTimeoutError):
        return StoreUnavailable(
            f"MongoDB at {where} cannot be reached, or has no primary now; so it seems, too, where"
            " replicaSet or tls of DATABASE_URL is wrong."
        )
    if isinstance(error, ConfigurationError):
        return StoreUnavailable(f"MongoDB at {where} cannot be talked to: look at DATABASE_URL.")
    if isinstance(error, OperationFailure):
        return _refused(error, where)
    if isinstance(error, PyMongoError) and (error.timeout or isinstance(error, ConnectionFailure)):
        return StoreUnavailable(f"MongoDB at {where} does not answer ({type(error).__name__}).")
    return StoreUnavailable(f"MongoDB at {where} failed ({type(error).__name__}).")


def _refused(error: OperationFailure, where: str) -> PaymentServiceError:
    if error.code in _REFUSED_CREDENTIALS:
        return StoreUnavailable(
            f"MongoDB at {where} refuses the user of DATABASE_URL, or its rights."
        )
    if isinstance(error, ExecutionTimeout) or error.timeout:
        return StoreUnavailable(f"MongoDB at {where} did not answer in time.")
    name = (error.details or {}).get("codeName", "no name")
    return StoreUnavailable(f"MongoDB at {where} refused an operation: {name} ({error.code}).")


@contextmanager
def bounded(seconds: float, where: str) -> Iterator[None]:
    """Whatever is asked inside has an answer within `seconds`, retries by the driver included, or
    Unavailable or StoreCorrupt is raised."""
    try:
        with pymongo.timeout(seconds):
            yield
    except (PyMongoError, BSONError, msgspec.MsgspecError) as error:
        raise translated(error, where) from error
