"""What a configuration may not be, although each of its values is well formed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from shothik_payment.entrypoints.settings import Settings, misconfigured

MIN_SECRET_BYTES = 32
MIN_PASSWORD_CHARACTERS = 12
# Secrets that stand in public documents: whoever reads those could sign tokens.
_PUBLISHED = frozenset(
    {
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
        "your-256-bit-secret",
        "your-384-bit-secret",
        "your-512-bit-secret",
        "shothik_rabbitmq_2025",
    }
)


def require_startable(settings: Settings) -> None:
    """Raises Misconfigured, naming every variable that keeps the service from starting."""
    faults = [*_always(settings), *(_in_production(settings) if settings.production else ())]
    if faults:
        raise misconfigured(faults)


def warnings(settings: Settings) -> Iterator[str]:
    """What may surprise, and does not keep the service from starting."""
    split = [
        f"{name} ({what} of each worker by itself)"
        for name, kind, what in (
            ("REDIS_URL", settings.cache, "rate limits and fast answers to repeats"),
            ("RABBITMQ_URL", settings.broker, "message queues"),
        )
        if kind == "memory"
    ]
    if split and settings.workers > 1:
        yield f"{settings.workers} workers, in memory: {', '.join(split)}"
    if split and not settings.embedded:
        yield f"several processes share DATABASE_URL; in memory: {', '.join(split)}"
    if settings.store == "memory":
        yield "DATABASE_URL=memory://: everything is gone when the service stops"
    if settings.bkash_on and settings.bkash_topic_arn is None:
        yield "BKASH_TOPIC_ARN is not set: bKash's webhooks are refused, payments found by asking"
    if settings.stripe_secret_key is not None and not settings.stripe_webhook_secrets:
        yield "STRIPE_WEBHOOK_SECRET is not set: Stripe's webhooks are refused"
    if settings.test_clock_on and (settings.bkash_on or settings.stripe_secret_key is not None):
        yield "TEST_CLOCK=on: Stripe and bKash go by the real time, whatever the test clock says"
    if not settings.production and any(_weak_secret(settings)) and settings.jwt_secret is not None:
        yield "JWT_SECRET is weak: good enough for development only"


def _always(settings: Settings) -> Iterator[tuple[str, str]]:
    keys = [
        name
        for name, value in (
            ("JWT_SECRET", settings.jwt_secret),
            ("JWT_PUBLIC_KEY", settings.jwt_public_key),
            ("JWT_JWKS_URL", settings.jwt_jwks_url),
        )
        if value is not None
    ]
    if len(keys) > 1:
        yield keys[0], f"is set together with {' and '.join(keys[1:])}; keep one of them"
    if settings.bkash_missing:
        yield settings.bkash_missing[0], "is missing, and so bKash cannot be used; set it too"
    if settings.stripe_webhook_secret is not None and settings.stripe_secret_key is None:
        yield "STRIPE_SECRET_KEY", "is missing, though STRIPE_WEBHOOK_SECRET is set; set it too"
    if settings.store == "memory" and settings.workers > 1:
        yield (
            "WORKERS",
            f"{settings.workers} workers would keep {settings.workers} ledgers of their own in "
            "memory; set WORKERS=1, or DATABASE_URL=sqlite:///path",
        )
    if settings.test_clock_on:
        yield from _of_test_clock(settings)


def _of_test_clock(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.production:
        yield "TEST_CLOCK", "in production time passes by itself; unset it"
    if not settings.embedded:
        yield (
            "TEST_CLOCK",
            "other processes on DATABASE_URL would live in another time; set "
            "DATABASE_URL=sqlite:///path or memory://, or unset TEST_CLOCK",
        )
    if settings.workers > 1:
        yield (
            "TEST_CLOCK",
            f"is of one process, and there are {settings.workers}; set WORKERS=1, or unset "
            "TEST_CLOCK",
        )


def _in_production(settings: Settings) -> Iterator[tuple[str, str]]:
    yield from _weak_secret(settings)
    if (settings.jwt_jwks_url or "").startswith("http://"):
        yield "JWT_JWKS_URL", "anybody on the way could swap the keys; set an https:// address"
    yield from _gateways_in_production(settings)
    if settings.sandbox_on:
        yield "SANDBOX_GATEWAY", "production takes no play money; set SANDBOX_GATEWAY=off"
    if settings.store == "memory":
        yield (
            "DATABASE_URL",
            "production keeps its ledger for good; set mongodb://…, or sqlite:///path",
        )
    if settings.cache == "memory":
        yield "REDIS_URL", "production shares its rate limits; set redis://…"
    if settings.broker == "memory":
        yield "RABBITMQ_URL", "production tells its events to services; set amqp://…"
    yield from _weak_passwords(settings)


def _gateways_in_production(settings: Settings) -> Iterator[tuple[str, str]]:
    stripe, bkash = settings.stripe_secret_key is not None, settings.bkash_on
    if stripe and not settings.stripe_webhook_secrets:
        yield (
            "STRIPE_WEBHOOK_SECRET",
            "is missing, so nothing that Stripe tells would be believed; set the secret of the "
            "webhook endpoint (whsec_…)",
        )
    if stripe and settings.stripe_api_base is not None:
        yield "STRIPE_API_BASE", "is for tests; unset it, and Stripe's own address is used"
    if stripe and settings.stripe_test_mode:
        yield (
            "STRIPE_SECRET_KEY",
            "is a key of Stripe's test mode, where cards cost nothing; set a live one (sk_live_…)",
        )
    if bkash and "sandbox" in settings.bkash_base_url:
        yield (
            "BKASH_BASE_URL",
            "is bKash's sandbox, where money is not real; set "
            "https://tokenized.pay.bka.sh/v1.2.0-beta",
        )
    if bkash and settings.bkash_sns_cert_origin is not None:
        yield (
            "BKASH_SNS_CERT_ORIGIN",
            "is for tests; unset it, and certificates come from Amazon alone",
        )
    if bkash and not settings.bkash_base_url.startswith("https://"):
        yield "BKASH_BASE_URL", "would send passwords in the clear; set an https:// address"
    if (stripe or bkash) and not (settings.public_url or "").startswith("https://"):
        yield (
            "PUBLIC_URL",
            "gateways and payers have to reach this service; set its https:// address",
        )


def _weak_passwords(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, url in (
        ("DATABASE_URL", settings.database_url),
        ("REDIS_URL", settings.redis_url),
        ("RABBITMQ_URL", settings.rabbitmq_url),
    ):
        parts = urlsplit(url.get_secret_value())
        if parts.scheme in ("", "memory", "sqlite"):
            continue
        password = unquote(parts.password or "")
        if not password and "authmechanism=" in parts.query.lower():
            continue  # by certificate, or by the machine's role
        if not password:
            yield name, "has no password; give the server one, and set it in the URL"
        elif password in _PUBLISHED or len(password) < MIN_PASSWORD_CHARACTERS:
            yield (
                name,
                f"has a password that is published or shorter than {MIN_PASSWORD_CHARACTERS} "
                "characters; make one with openssl rand -hex 16",
            )


def _weak_secret(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.jwt_secret is None:
        if settings.jwt_public_key is None and settings.jwt_jwks_url is None:
            yield (
                "JWT_SECRET",
                "production makes no secret of its own; set JWT_SECRET to "
                f"{MIN_SECRET_BYTES} random bytes or more (openssl rand -hex 32), or "
                "JWT_PUBLIC_KEY, or JWT_JWKS_URL",
            )
        return
    secret = settings.jwt_secret.get_secret_value()
    if len(secret.encode()) < MIN_SECRET_BYTES:
        yield (
            "JWT_SECRET",
            f"is shorter than {MIN_SECRET_BYTES} bytes; make one with openssl rand -hex 32",
        )
    elif secret in _PUBLISHED or len(set(secret)) < 8:
        yield (
            "JWT_SECRET",
            "is a published example or has hardly any randomness; make one with "
            "openssl rand -hex 32",
        )
