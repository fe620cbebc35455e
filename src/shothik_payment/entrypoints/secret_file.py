"""A secret that development makes for itself and keeps beside the database."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from shothik_payment.domain.errors import Misconfigured

_LENGTH = 64


def make_secret() -> str:
    return secrets.token_hex(_LENGTH // 2)


def kept_secret(path: Path) -> str:
    """The secret in the file at `path`, which is made (mode 0600) where it is absent.

    Raises Misconfigured where it can neither be read nor made.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _fault(path, error) from error
    try:
        _make(path)
        return _read(path)
    except OSError as error:
        raise _fault(path, error) from error


def _read(path: Path) -> str:
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < _LENGTH:
        raise Misconfigured(str(path), "holds no secret; delete it, and a new one is made")
    return secret


def _make(path: Path) -> None:
    """Two processes may start at once: the file appears whole or not at all, and the first one
    stays, since a link is never put over what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(make_secret())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _fault(path: Path, error: OSError) -> Misconfigured:
    return Misconfigured(
        str(path), f"cannot keep a secret there: {error.strerror}; set JWT_SECRET to do without"
    )
