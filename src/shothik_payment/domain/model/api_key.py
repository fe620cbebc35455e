"""API keys: `sk_{service}_{26 random base62 characters}{6 characters of checksum}`."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from zlib import crc32

from shothik_payment.domain.model.time import DAY, Millis

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"sk_([a-z0-9]{1,32})_([0-9A-Za-z]{26})([0-9A-Za-z]{6})")
_LEGACY_SHAPE = re.compile(r"[!-~]{1,128}")
RANDOM_LENGTH = 26

DEFAULT_GRACE_SECONDS = 24 * 3600
MAX_GRACE_SECONDS = 30 * 24 * 3600
"""How long a key may go on beside the one that replaced it."""
ENDS_SOON = 7 * DAY
"""How long before a key's end it is warned of."""
MAX_NETWORKS = 100
"""That a key may be used from: they are gone through at each request."""

_JOINERS = "\u200c\u200d"
"""Controls, but Bangla and emoji are not spelt without them."""
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs by category, which look like blanks."""
_CONTROLS = ("Cc", "Cf", "Cs", "Zl", "Zp")


class ApiKeyStatus(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Scope(StrEnum):
    CREDITS_DEDUCT = "credits:deduct"
    CREDITS_READ = "credits:read"
    CREDITS_REVERSE = "credits:reverse"
    HOLDS_WRITE = "holds:write"
    ACCESS_READ = "access:read"
    CATALOG_READ = "catalog:read"
    BLOCKLIST_READ = "blocklist:read"


@dataclass(slots=True)
class ApiKey:
    """What is stored of a key: never the key itself, only its SHA-256 `digest` (32 bytes).
    `version` counts its changes.

    `line`: the id of the first key of its line of rotations, which share a rate limit; its own
    where none came before. `rotated_at`, `replaced_by`: set once another key took its place;
    `replaces`: whose place it took. `legacy`: from the old service, without a checksum.
    `warned_for`: the end that was warned of. `last_used_at` is not stored here, but shown.
    """

    id: str
    service: str
    name: str
    digest: bytes
    prefix: str
    last4: str
    created_at: Millis
    scopes: list[Scope] = field(default_factory=lambda: list(Scope))
    expires_at: Millis | None = None
    revoked_at: Millis | None = None
    last_used_at: Millis | None = None
    rate_limit: int | None = None
    allowed_ips: list[str] = field(default_factory=list)
    version: int = 0
    line: str = ""
    rotated_at: Millis | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    legacy: bool = False
    warned_for: Millis | None = None

    def __post_init__(self) -> None:
        # Keys that were stored before there were lines have none.
        self.line = self.line or self.id

    @property
    def label(self) -> str:
        """What people see of it: its name, or its id where nothing of the name can be seen."""
        return self.name if _shows(self.name) else self.id

    def status(self, at: Millis) -> ApiKeyStatus:
        if self.revoked_at is not None:
            return ApiKeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= at:
            return ApiKeyStatus.EXPIRED
        return ApiKeyStatus.ACTIVE


def _shows(name: str) -> bool:
    return any(unicodedata.category(c)[0] in "LNPS" and c not in _FILLERS for c in name)


def is_key_name(text: str) -> bool:
    """Whether people can see it, and it turns no text around or hides some. Its length is not
    looked at."""
    hidden = any(
        c in _FILLERS or (unicodedata.category(c) in _CONTROLS and c not in _JOINERS) for c in text
    )
    return not hidden and _shows(text)


def checksum(body: str) -> str:
    """Six base62 characters: the CRC-32 of everything before them, highest digit first."""
    number = crc32(body.encode())
    digits = []
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))


def compose_key(slug: str, randomness: bytes) -> str:
    """A plain key for the service `slug` from at least 26 random bytes.

    Bytes from 248 on are skipped so that every character is equally likely; give plenty.
    """
    characters = [_BASE62[b % 62] for b in randomness if b < 248][:RANDOM_LENGTH]
    if len(characters) < RANDOM_LENGTH:
        raise ValueError("not enough randomness")
    body = f"sk_{slug}_{''.join(characters)}"
    return body + checksum(body)


def well_formed(key: str) -> bool:
    """Whether shape and checksum hold: a mistyped key is refused before any look-up."""
    match = _SHAPE.fullmatch(key)
    return match is not None and checksum(key[:-6]) == match.group(3)


def may_be_legacy(key: str) -> bool:
    """Whether it could be a key of the old service: 1 to 128 visible ASCII characters."""
    return _LEGACY_SHAPE.fullmatch(key) is not None


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
