"""What a configuration may not be, although each of its values is well formed."""

from __future__ import annotations

from collections.abc import Iterator

from shothik_payment.entrypoints.settings import MEMORY, Settings, misconfigured

MIN_SECRET_BYTES = 32
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
    if settings.workers > 1:
        yield (
            f"{settings.workers} workers with REDIS_URL and RABBITMQ_URL in memory: rate limits "
            "count in each worker by itself, the fast answers to repeated requests are not "
            "shared, and each worker has its own message queues"
        )
    if settings.database_url == MEMORY:
        yield "DATABASE_URL=memory://: everything is gone when the service stops"
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
    if settings.database_url == MEMORY and settings.workers > 1:
        yield (
            "WORKERS",
            f"{settings.workers} workers would keep {settings.workers} ledgers of their own in "
            "memory; set WORKERS=1, or DATABASE_URL=sqlite:///path",
        )


def _in_production(settings: Settings) -> Iterator[tuple[str, str]]:
    yield from _weak_secret(settings)
    if (settings.jwt_jwks_url or "").startswith("http://"):
        yield "JWT_JWKS_URL", "anybody on the way could swap the keys; set an https:// address"
    if settings.sandbox_on:
        yield "SANDBOX_GATEWAY", "production takes no play money; set SANDBOX_GATEWAY=off"
    if settings.database_url == MEMORY:
        yield "DATABASE_URL", "production keeps its ledger on disk; set sqlite:///path"
    for name, url, server, scheme in (
        ("REDIS_URL", settings.redis_url, "Redis", "redis"),
        ("RABBITMQ_URL", settings.rabbitmq_url, "RabbitMQ", "amqp"),
    ):
        if url == MEMORY:
            yield (
                name,
                f"production needs {server} ({scheme}://…), and this version cannot talk to it "
                "yet, so it runs with APP_ENV=development only",
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
