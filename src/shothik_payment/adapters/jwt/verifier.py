"""Verifying a token: who the user is, as its signer says."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import jwt

from shothik_payment.adapters.jwt.keys import KeySource
from shothik_payment.domain.errors import Unauthenticated
from shothik_payment.domain.model.identifiers import is_user_id
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.tokens import TokenClaims

_MAX_TOKEN_BYTES = 8192
_LEEWAY_SECONDS = 30
"""How far the signer's clock may be ahead."""
_CACHED_TOKENS = 10_000
# Whoever holds a token that is signed as it should be learns what is wrong with its times, and
# nothing else of what was checked.
_INVALID = "The token is not valid here."
_EXPIRED = "The token has expired."
_INCOMPLETE = "The token has no exp claim."
_EARLY = "The token is not valid yet."


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """`issuer` and `audience` None: not checked."""

    user_claim: str = "sub"
    role_claim: str = "role"
    issuer: str | None = None
    audience: str | None = None


class JwtVerifier:
    """Verified tokens are believed until they expire, the 10,000 used last."""

    def __init__(self, keys: KeySource, rules: ClaimRules, clock: Clock) -> None:
        self._keys = keys
        self._rules = rules
        self._clock = clock
        self._known: OrderedDict[str, TokenClaims] = OrderedDict()

    async def verify(self, token: str) -> TokenClaims:
        known = self._known.get(token)
        if known is None:
            known = self._remember(token, await self._check(token))
        if known.expires_at <= self._clock.now():
            self._known.pop(token, None)
            raise Unauthenticated(_EXPIRED)
        self._known.move_to_end(token)
        return known

    def _remember(self, token: str, claims: TokenClaims) -> TokenClaims:
        self._known[token] = claims
        if len(self._known) > _CACHED_TOKENS:
            self._known.popitem(last=False)
        return claims

    async def _check(self, token: str) -> TokenClaims:
        if len(token) > _MAX_TOKEN_BYTES:
            raise Unauthenticated(_INVALID)
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            found = await self._keys.key_for(key_id)
            if found is None:
                raise Unauthenticated(_INVALID)
            payload = jwt.decode(
                token,
                found.key,
                algorithms=[found.algorithm],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                leeway=_LEEWAY_SECONDS,  # not for exp, which is held to the clock above
                options={
                    "require": ["exp"],
                    "verify_aud": self._rules.audience is not None,
                    # The user claim is checked below, whatever its name.
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
            return self._claims(payload)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(_EXPIRED) from None
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(_INCOMPLETE if error.claim == "exp" else _INVALID) from None
        except jwt.ImmatureSignatureError:
            raise Unauthenticated(_EARLY) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise Unauthenticated(_INVALID) from None

    def _claims(self, payload: dict[str, Any]) -> TokenClaims:
        user_id = payload.get(self._rules.user_claim)
        if not isinstance(user_id, str) or not is_user_id(user_id):
            raise Unauthenticated(_INVALID)
        role = payload.get(self._rules.role_claim)
        return TokenClaims(
            user_id,
            role if isinstance(role, str) else None,
            Millis(int(payload["exp"] * SECOND)),
        )
