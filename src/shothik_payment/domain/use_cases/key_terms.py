"""What may be changed of a key, and what a key that takes its place gets of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal

from shothik_payment.domain.errors import (
    ApiKeyExpired,
    ApiKeyRevoked,
    ApiKeyRotated,
    InvalidRequest,
)
from shothik_payment.domain.model.api_key import (
    MAX_GRACE_SECONDS,
    MAX_NETWORKS,
    ApiKey,
    ApiKeyStatus,
    Scope,
    is_key_name,
)
from shothik_payment.domain.model.networks import network_of
from shothik_payment.domain.model.time import END_OF_TIME, SECOND, Millis, rfc3339


class Unset(Enum):
    UNSET = "unset"


UNSET: Final = Unset.UNSET
_Unset = Literal[Unset.UNSET]


@dataclass(frozen=True, slots=True)
class KeyUpdate:
    """What a key is to become; UNSET stays as it is, None is lifted."""

    name: str | _Unset = UNSET
    scopes: Sequence[Scope] | _Unset = UNSET
    expires_at: Millis | _Unset | None = UNSET
    allowed_ips: Sequence[str] | _Unset | None = UNSET
    rate_limit: int | _Unset | None = UNSET


def require_active(key: ApiKey, now: Millis) -> None:
    """Raises ApiKeyRevoked, ApiKeyExpired."""
    if key.revoked_at is not None:
        raise ApiKeyRevoked(key.id, key.revoked_at)
    if key.status(now) is ApiKeyStatus.EXPIRED and key.expires_at is not None:
        raise ApiKeyExpired(key.id, key.expires_at)


def updated(key: ApiKey, update: KeyUpdate, now: Millis) -> ApiKey:
    """The key as it is to be. Raises InvalidRequest, ApiKeyRevoked, ApiKeyExpired, and
    ApiKeyRotated where more of a rotated key would change than its name and an earlier end."""
    new = replace(key)
    if update.name is not UNSET:
        if update.name != key.name:
            require_name(update.name)
        new.name = update.name
    if update.scopes is not UNSET:
        new.scopes = each_once(update.scopes)
    if update.expires_at is not UNSET:
        new.expires_at = update.expires_at
    if update.allowed_ips is not UNSET:
        new.allowed_ips = networks(update.allowed_ips or ())
    if update.rate_limit is not UNSET:
        new.rate_limit = update.rate_limit
    if new.expires_at != key.expires_at:
        require_future(new.expires_at, now)
    require_active(key, now)
    if key.replaced_by is not None and not _is_curbed(key, new):
        raise ApiKeyRotated(key.id, key.replaced_by)
    return new


def _is_curbed(key: ApiKey, new: ApiKey) -> bool:
    if replace(new, name=key.name, expires_at=key.expires_at) != key:
        return False
    if new.expires_at == key.expires_at or key.expires_at is None:
        return True
    return new.expires_at is not None and new.expires_at < key.expires_at


def require_name(name: str) -> None:
    if not is_key_name(name):
        raise InvalidRequest.of("name", "1 to 128 visible characters, and none that hide or turn")


def require_future(expires_at: Millis | None, now: Millis) -> None:
    if expires_at is not None and not now < expires_at < END_OF_TIME:
        raise InvalidRequest.of("expiresAt", "a time in the future, before 2200")


def each_once(scopes: Sequence[Scope]) -> list[Scope]:
    return list(dict.fromkeys(scopes))


def networks(texts: Sequence[str]) -> list[str]:
    """As they are stored. Raises InvalidRequest naming the one that is none, or if there are too
    many."""
    if len(texts) > MAX_NETWORKS:
        raise InvalidRequest.of("allowedIps", f"at most {MAX_NETWORKS} IP addresses or networks")
    return [_network(index, text) for index, text in enumerate(texts)]


def _network(index: int, text: str) -> str:
    try:
        return str(network_of(text))
    except ValueError:
        raise InvalidRequest.of(f"allowedIps[{index}]", "an IP address or network") from None


def rotated(key: ApiKey, successor: str, grace_seconds: int, now: Millis) -> ApiKey:
    """The key that another takes the place of: it ends after the grace, or earlier where it would
    have. Raises InvalidRequest, ApiKeyRevoked, ApiKeyRotated, ApiKeyExpired."""
    if not 0 <= grace_seconds <= MAX_GRACE_SECONDS:
        raise InvalidRequest.of("graceSeconds", f"0 to {MAX_GRACE_SECONDS}")
    if key.revoked_at is None and key.replaced_by is not None:
        raise ApiKeyRotated(key.id, key.replaced_by)
    require_active(key, now)
    end = Millis(now + grace_seconds * SECOND)
    if key.expires_at is not None:
        end = min(end, key.expires_at)
    return replace(key, expires_at=end, rotated_at=now, replaced_by=successor)


def differences(key: ApiKey, new: ApiKey) -> dict[str, str]:
    """What `new` has that `key` has not, as clients name it, for the audit log."""
    old_terms, new_terms = _in_words(key), _in_words(new)
    return {name: text for name, text in new_terms.items() if text != old_terms[name]}


def terms(key: ApiKey) -> dict[str, str]:
    """What a new key has, for the audit log."""
    return {"service": key.service, **_in_words(key)}


def _in_words(key: ApiKey) -> dict[str, str]:
    return {
        "name": key.name,
        "scopes": ", ".join(key.scopes) or "none",
        "expiresAt": "never" if key.expires_at is None else rfc3339(key.expires_at),
        "allowedIps": ", ".join(key.allowed_ips) or "any",
        "rateLimit": "the service's" if key.rate_limit is None else str(key.rate_limit),
    }
