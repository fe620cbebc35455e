"""What admins get about API keys, beside the keys themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.use_cases.api_keys import Rotation
from shothik_payment.domain.use_cases.key_bulk import BulkResult
from shothik_payment.domain.use_cases.key_health import Health
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.errors import camel, told
from shothik_payment.entrypoints.http.times import optional_rfc3339, rfc3339
from shothik_payment.entrypoints.http.views import api_key_view


class PreviousView(r.View, kw_only=True, frozen=True):
    """The key that was rotated, and until when it goes on."""

    id: str
    valid_until: r.Time | None


class RotatedKeyReply(r.Reply, kw_only=True, frozen=True):
    """`key` is shown this once: null on a repeat."""

    key: str | None
    api_key: r.ApiKeyView
    previous: PreviousView


class BulkResultView(r.View, kw_only=True, frozen=True):
    """`status` and the rest as the endpoint of one key would answer; null is what it would not
    have. `key` is shown this once."""

    key_id: str
    status: int
    api_key: r.ApiKeyView | None = None
    key: str | None = None
    previous: PreviousView | None = None
    error: r.ErrorView | None = None


class BulkReply(r.Reply, kw_only=True, frozen=True):
    results: list[BulkResultView]


class AuditEntryView(r.View, kw_only=True, frozen=True):
    """`changes`: what became of which field, in words."""

    at: r.Time
    actor: str
    action: str
    changes: dict[str, str]
    ip: str | None


class AuditLogReply(r.Reply, kw_only=True, frozen=True):
    entries: list[AuditEntryView]
    next: r.Next | None


class HealthView(r.View, kw_only=True, frozen=True):
    """`expiresIn` in seconds, null without an end; `rateLimitRemaining` null where nobody can
    tell. docs/api-keys.md has the reasons."""

    valid: bool
    reasons: list[
        Literal[
            "revoked",
            "expired",
            "service_gone",
            "no_scopes",
            "rotated",
            "expires_soon",
            "never_used",
            "legacy",
            "rate_limited",
        ]
    ]
    expires_in: int | None
    rate_limit_remaining: int | None
    last_used_at: r.Time | None


class KeyHealthReply(r.Reply, kw_only=True, frozen=True):
    health: HealthView


def previous_view(old: ApiKey) -> PreviousView:
    return PreviousView(id=old.id, valid_until=optional_rfc3339(old.expires_at))


def rotated_reply(rotation: Rotation, now: Millis) -> RotatedKeyReply:
    return RotatedKeyReply(
        key=rotation.plain,
        api_key=api_key_view(rotation.key, now),
        previous=previous_view(rotation.old),
    )


def bulk_result_view(result: BulkResult, now: Millis) -> BulkResultView:
    outcome = result.outcome
    if isinstance(outcome, ApiKey):
        view = api_key_view(outcome, now)
        return BulkResultView(key_id=result.key_id, status=200, api_key=view)
    if isinstance(outcome, Rotation):
        rotated = rotated_reply(outcome, now)
        return BulkResultView(
            key_id=result.key_id,
            status=200,
            api_key=rotated.api_key,
            key=rotated.key,
            previous=rotated.previous,
        )
    status, error = told(outcome)
    details = camel(error.details())
    refusal = r.ErrorView(code=error.code, message=error.message, details=details)
    return BulkResultView(key_id=result.key_id, status=status, error=refusal)


def audit_views(entries: Sequence[AuditEntry]) -> list[AuditEntryView]:
    return [
        AuditEntryView(
            at=rfc3339(entry.at),
            actor=entry.actor,
            action=entry.action,
            changes=entry.changes,
            ip=entry.ip,
        )
        for entry in entries
    ]


def health_view(health: Health) -> HealthView:
    return HealthView(
        valid=health.valid,
        reasons=[reason.value for reason in health.reasons],
        expires_in=health.expires_in,
        rate_limit_remaining=health.rate_limit_remaining,
        last_used_at=optional_rfc3339(health.last_used_at),
    )
