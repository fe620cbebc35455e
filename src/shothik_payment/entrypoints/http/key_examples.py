"""Examples of API keys, for the OpenAPI document."""

from __future__ import annotations

from msgspec import structs

from shothik_payment.entrypoints.http import key_replies as k
from shothik_payment.entrypoints.http import replies as r

_AT = "2030-01-31T12:00:00.000Z"
_NEXT_DAY = "2030-02-01T12:00:00.000Z"
PLAIN = "sk_paraphrase_<26 random and 6 checksum characters>"

KEY = r.ApiKeyView(
    id="key_01k5v8",
    service="paraphrase_service",
    name="paraphrase key",
    prefix="sk_paraphrase_",
    last4="W3zk",
    scopes=["credits:deduct", "credits:read"],
    status="active",
    created_at=_AT,
    expires_at=None,
    last_used_at=None,
    rate_limit=None,
    allowed_ips=[],
)
REVOKED = structs.replace(KEY, status="revoked", revoked_at=_NEXT_DAY)
CHANGED = structs.replace(KEY, name="night jobs", rate_limit=100, allowed_ips=["10.0.0.0/8"])
ROTATED = k.RotatedKeyReply(
    key=PLAIN,
    api_key=structs.replace(KEY, id="key_01k5w2", last4="9fQa", replaces="key_01k5v8"),
    previous=k.PreviousView(id="key_01k5v8", valid_until=_NEXT_DAY),
)
BULK = k.BulkReply(
    results=[
        k.BulkResultView(key_id="key_01k5v8", status=200, api_key=REVOKED),
        k.BulkResultView(
            key_id="key_01k5v9",
            status=404,
            error=r.ErrorView(
                code="not_found",
                message="There is no such API key.",
                details={"kind": "API key", "id": "key_01k5v9"},
            ),
        ),
    ]
)
AUDIT_LOG = k.AuditLogReply(
    entries=[
        k.AuditEntryView(
            at=_NEXT_DAY,
            actor="admin:boss",
            action="update",
            changes={"rateLimit": "100"},
            ip="203.0.113.7",
        )
    ],
    next=None,
)
HEALTH = k.KeyHealthReply(
    health=k.HealthView(
        valid=True,
        reasons=["expires_soon"],
        expires_in=86_400,
        rate_limit_remaining=997,
        last_used_at=_AT,
    )
)
