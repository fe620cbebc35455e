"""Users' and admins' JSON Web Tokens."""

from shothik_payment.adapters.jwt.issuer import JwtIssuer, NoIssuer
from shothik_payment.adapters.jwt.jwks import JwksKeys
from shothik_payment.adapters.jwt.keys import KeySource, PublicKey, SharedSecret
from shothik_payment.adapters.jwt.verifier import ClaimRules, JwtVerifier

__all__ = [
    "ClaimRules",
    "JwksKeys",
    "JwtIssuer",
    "JwtVerifier",
    "KeySource",
    "NoIssuer",
    "PublicKey",
    "SharedSecret",
]
