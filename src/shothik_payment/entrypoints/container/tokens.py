"""What tokens are signed and checked with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shothik_payment.adapters import jwt
from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.tokens import TokenIssuer, TokenVerifier
from shothik_payment.entrypoints.secret_file import kept_secret, make_secret
from shothik_payment.entrypoints.settings import Settings

_NO_FILE = Path("var/shothik.db")


def own_secret(settings: Settings) -> str:
    """What development signs with where nothing is configured."""
    if settings.store == "memory":
        return make_secret()
    return kept_secret((settings.sqlite_path or _NO_FILE).with_suffix(".secret"))


def secret(settings: Settings, own_secret: Callable[[], str]) -> str:
    """What all processes of a deployment know and nobody else."""
    configured = settings.jwt_secret
    return own_secret() if configured is None else configured.get_secret_value()


def _claim_rules(settings: Settings) -> jwt.ClaimRules:
    return jwt.ClaimRules(
        user_claim=settings.jwt_user_claim,
        role_claim=settings.jwt_role_claim,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _keys(settings: Settings, clock: Clock, own_secret: Callable[[], str]) -> jwt.KeySource:
    if settings.jwt_jwks_url is not None:
        return jwt.JwksKeys(settings.jwt_jwks_url, clock)
    if settings.jwt_public_key is not None:
        return jwt.PublicKey(_pem(settings.jwt_public_key))
    return jwt.SharedSecret(secret(settings, own_secret))


def issuer(settings: Settings, clock: Clock, own_secret: Callable[[], str]) -> TokenIssuer:
    if settings.jwt_jwks_url is not None or settings.jwt_public_key is not None:
        return jwt.NoIssuer()
    return jwt.JwtIssuer(secret(settings, own_secret), _claim_rules(settings), clock)


def verifier(settings: Settings, clock: Clock, own_secret: Callable[[], str]) -> TokenVerifier:
    return jwt.JwtVerifier(_keys(settings, clock, own_secret), _claim_rules(settings), clock)


def _pem(text_or_path: str) -> str:
    if "-----BEGIN" in text_or_path:
        # Line ends are often lost on the way through an environment file.
        return text_or_path.replace("\\n", "\n")
    try:
        return Path(text_or_path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise Misconfigured(
            "JWT_PUBLIC_KEY", "is neither PEM text nor the path of a file that can be read"
        ) from error
