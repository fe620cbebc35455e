"""Making tokens, where the signing secret is known: for trying out and for operators."""

from __future__ import annotations

import jwt

from shothik_payment.adapters.jwt.verifier import ClaimRules
from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.clock import Clock


class JwtIssuer:
    def __init__(self, secret: str, rules: ClaimRules, clock: Clock) -> None:
        self._secret = secret
        self._rules = rules
        self._clock = clock

    def issue(self, user_id: str, role: str | None, ttl_seconds: int) -> str:
        now = self._clock.now() // SECOND
        payload: dict[str, object] = {
            self._rules.user_claim: user_id,
            "iat": now,
            "exp": now + ttl_seconds,
        }
        if role is not None:
            payload[self._rules.role_claim] = role
        if self._rules.issuer is not None:
            payload["iss"] = self._rules.issuer
        if self._rules.audience is not None:
            payload["aud"] = self._rules.audience
        return jwt.encode(payload, self._secret, algorithm="HS256")


class NoIssuer:
    def issue(self, user_id: str, role: str | None, ttl_seconds: int) -> str:
        raise Misconfigured(
            "JWT_SECRET", "only a verifying key is configured, so tokens come from whoever signs"
        )
