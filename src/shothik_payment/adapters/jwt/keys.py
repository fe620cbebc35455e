"""Which key, and which one algorithm with it, verifies a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shothik_payment.domain.errors import Misconfigured

VerifyingKey = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
_MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The algorithm is fixed by the key, never by the token: a token signed by HS256 with a public
    key's text as its secret is refused."""

    key: VerifyingKey
    algorithm: str


class KeySource(Protocol):
    async def key_for(self, key_id: str | None) -> KeyInUse | None:
        """The key for a token whose header names `key_id`; None where it is unknown. Raises
        Unavailable while the keys cannot be had."""
        ...


class SharedSecret:
    def __init__(self, secret: str) -> None:
        self._key = KeyInUse(secret.encode(), "HS256")

    async def key_for(self, key_id: str | None) -> KeyInUse | None:
        return self._key


class PublicKey:
    """One public key as PEM text."""

    def __init__(self, pem: str) -> None:
        try:
            self._key = key_in_use(load_pem_public_key(pem.encode()))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise Misconfigured(
                "JWT_PUBLIC_KEY",
                "expected the PEM text, or the path, of a public key: RSA of 2048 bits or more, "
                "EC P-256 or Ed25519",
            ) from error

    async def key_for(self, key_id: str | None) -> KeyInUse | None:
        return self._key


def key_in_use(key: object) -> KeyInUse:
    """Raises ValueError for a kind of key that no token may be signed with."""
    if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return KeyInUse(key, "RS256")
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return KeyInUse(key, "ES256")
    if isinstance(key, Ed25519PublicKey):
        return KeyInUse(key, "EdDSA")
    raise ValueError("not a key of a known kind")
