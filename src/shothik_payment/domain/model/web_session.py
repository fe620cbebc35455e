"""A browser that is signed in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.model.time import Millis


class Realm(StrEnum):
    """Whose pages a session opens. Its value is also the path that they are below."""

    ADMIN = "admin"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class WebSession:
    """What is stored of a session: of its cookie only the SHA-256 `digest` (32 bytes).
    `form_token` has to come back with every form."""

    digest: bytes
    realm: Realm
    user_id: str
    form_token: str
    opened_at: Millis
    expires_at: Millis


def digest_of_cookie(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
