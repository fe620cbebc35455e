"""Tokens: who is let in, and what the others are told."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shothik_payment.adapters.jwt import (
    ClaimRules,
    JwksKeys,
    JwtIssuer,
    JwtVerifier,
    NoIssuer,
    PublicKey,
    SharedSecret,
)
from shothik_payment.domain.errors import Misconfigured, Unauthenticated, Unavailable
from shothik_payment.domain.model.time import HOUR, MINUTE, SECOND, Millis

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
INVALID = "The token is not valid here."
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


class HeldClock:
    """The real time at first, then moved by hand."""

    def __init__(self) -> None:
        self.time = Millis(time.time_ns() // 1_000_000)

    def now(self) -> Millis:
        return self.time

    def advance(self, ms: int) -> None:
        self.time = Millis(self.time + ms)


def pem(key: Any) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(public.decode())


def claims(**changes: Any) -> dict[str, Any]:
    made = {"sub": "u1", "exp": int(time.time()) + 3600, **changes}
    return {name: value for name, value in made.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


def verifier(keys: Any = None, clock: HeldClock | None = None, **rules: Any) -> JwtVerifier:
    return JwtVerifier(keys or SharedSecret(SECRET), ClaimRules(**rules), clock or HeldClock())


async def refusal(token: str, checking: JwtVerifier | None = None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await (checking or verifier()).verify(token)
    return caught.value.reason


def unsigned(header: dict[str, Any], payload: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, payload)
    ]
    return b".".join([*parts, b""]).decode()


async def test_a_token_says_who_and_until_when() -> None:
    end = int(time.time()) + 60
    found = await verifier().verify(signed(exp=end, role="admin"))
    assert (found.user_id, found.role, found.expires_at) == ("u1", "admin", end * SECOND)
    assert (await verifier().verify(signed(role=["admin"]))).role is None


async def test_what_is_issued_is_verified() -> None:
    rules = ClaimRules("uid", "kind", "https://id.example", "payments")
    clock = HeldClock()
    token = JwtIssuer(SECRET, rules, clock).issue("u1", "admin", 60)
    found = await JwtVerifier(SharedSecret(SECRET), rules, clock).verify(token)
    assert (found.user_id, found.role) == ("u1", "admin")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c",
        "é.é.é",
        "x" * 9000,
        unsigned({"alg": "none", "typ": "JWT"}, claims()),
        unsigned({"alg": "HS256"}, claims()),
        signed("another-secret-that-is-long-enough-for-hs256"),
        signed(algorithm="HS512", key=SECRET * 2),
        signed(exp="soon"),
        signed(exp=1e300 * 1e10),
        signed(exp=True, sub="u1") + "x",
        signed(sub=None),
        signed(sub=5),
        signed(sub=""),
        signed(sub=".."),
        signed(sub="a/b"),
        signed(sub="x" * 129),
        signed(sub="u1\n"),
        signed()[:-2],
    ],
    ids=range(20),
)
async def test_a_bad_token_is_refused_without_saying_why(token: str) -> None:
    assert await refusal(token) == INVALID


async def test_time_is_told() -> None:
    now = int(time.time())
    assert await refusal(signed(exp=now - 1)) == "The token has expired."
    assert await refusal(signed(exp=None)) == "The token has no exp claim."
    assert await refusal(signed(nbf=now + 100)) == "The token is not valid yet."


async def test_a_verified_token_is_believed_until_it_expires() -> None:
    clock = HeldClock()
    asked: list[str | None] = []

    class Counting(SharedSecret):
        async def key_for(self, key_id: str | None) -> Any:
            asked.append(key_id)
            return await super().key_for(key_id)

    checking = verifier(Counting(SECRET), clock)
    token = signed(exp=int(time.time()) + 60)
    await checking.verify(token)
    await checking.verify(token)
    assert len(asked) == 1
    clock.advance(61 * SECOND)
    assert await refusal(token, checking) == "The token has expired."


async def test_issuer_and_audience_are_checked_where_configured() -> None:
    checking = verifier(issuer="https://id.example", audience="payments")
    good = {"iss": "https://id.example", "aud": ["payments", "mail"]}
    assert (await checking.verify(signed(**good))).user_id == "u1"
    for wrong in ({"iss": "https://evil.example"}, {"iss": None}, {"aud": "mail"}, {"aud": None}):
        assert await refusal(signed(**{**good, **wrong}), checking) == INVALID
    assert (await verifier().verify(signed(**good))).user_id == "u1"


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
async def test_public_keys(key: Any, algorithm: str) -> None:
    checking = verifier(PublicKey(pem(key)))
    assert (await checking.verify(signed(key, algorithm))).user_id == "u1"
    assert await refusal(signed(), checking) == INVALID


async def test_a_public_keys_text_is_no_secret() -> None:
    """The old trick: HS256 with the PEM, which anybody may have, as its secret."""
    text = unsigned({"alg": "HS256", "typ": "JWT"}, claims()).removesuffix(".")
    signature = hmac.digest(pem(RSA).encode(), text.encode(), "sha256")
    token = f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert await refusal(token, verifier(PublicKey(pem(RSA)))) == INVALID


async def test_an_rsa_key_takes_no_other_algorithm() -> None:
    assert await refusal(signed(RSA, "PS256"), verifier(PublicKey(pem(RSA)))) == INVALID


@pytest.mark.parametrize("text", ["", "key", pem(ec.generate_private_key(ec.SECP384R1()))])
def test_an_unfit_public_key_is_refused_at_start(text: str) -> None:
    with pytest.raises(Misconfigured, match="JWT_PUBLIC_KEY"):
        PublicKey(text)


def test_without_the_signing_key_nothing_is_issued() -> None:
    with pytest.raises(Misconfigured, match="only a verifying key"):
        NoIssuer().issue("u1", None, 60)


class Provider:
    """An identity provider's JWKS address."""

    def __init__(self, **keys: Any) -> None:
        self.keys = keys
        self.asked = 0
        self.away = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            raise httpx.ConnectError("away")
        entries = []
        for key_id, key in self.keys.items():
            algorithm = jwt.algorithms.RSAAlgorithm if key is RSA else jwt.algorithms.ECAlgorithm
            entries.append({**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id})
        return httpx.Response(200, json={"keys": [*entries, {"kty": "oct", "k": "c2VjcmV0"}]})


def jwks(provider: Provider, clock: HeldClock) -> JwtVerifier:
    transport = httpx.MockTransport(provider.answer)
    return verifier(JwksKeys("https://id.example/jwks", clock, transport), clock)


def by_id(key: Any, algorithm: str, key_id: str | None, **changes: Any) -> str:
    headers = {"kid": key_id} if key_id else None
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


async def test_keys_are_fetched_once() -> None:
    provider = Provider(a=RSA, b=EC)
    checking = jwks(provider, HeldClock())
    assert (await checking.verify(by_id(RSA, "RS256", "a", sub="u1"))).user_id == "u1"
    assert (await checking.verify(by_id(EC, "ES256", "b", sub="u2"))).user_id == "u2"
    assert await refusal(by_id(RSA, "RS256", "b"), checking) == INVALID
    assert await refusal(by_id(RSA, "RS256", None), checking) == INVALID
    assert provider.asked == 1


async def test_a_rotated_key_is_found_and_made_up_ids_are_not_asked_for() -> None:
    provider, clock = Provider(a=RSA), HeldClock()
    checking = jwks(provider, clock)
    await checking.verify(by_id(RSA, "RS256", "a"))
    provider.keys = {"b": EC}
    for number in range(5):
        assert await refusal(by_id(EC, "ES256", f"made-up-{number}"), checking) == INVALID
    assert provider.asked == 1
    clock.advance(11 * SECOND)
    assert (await checking.verify(by_id(EC, "ES256", "b"))).user_id == "u1"
    assert provider.asked == 2


async def test_while_the_provider_is_away_the_last_keys_serve_for_an_hour() -> None:
    provider, clock = Provider(a=RSA), HeldClock()
    checking = jwks(provider, clock)
    await checking.verify(by_id(RSA, "RS256", "a"))
    provider.away = True
    clock.advance(6 * MINUTE)
    end = int(time.time()) + 8 * 3600
    assert (await checking.verify(by_id(RSA, "RS256", "a", exp=end))).user_id == "u1"
    clock.advance(HOUR)
    with pytest.raises(Unavailable):
        await checking.verify(by_id(RSA, "RS256", "a", exp=end + 1))


async def test_without_any_keys_the_token_is_not_blamed() -> None:
    provider = Provider()
    provider.away = True
    with pytest.raises(Unavailable):
        await jwks(provider, HeldClock()).verify(by_id(RSA, "RS256", "a"))
