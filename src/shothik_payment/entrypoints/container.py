"""The wiring: the one place that knows which adapter stands behind a port.

Every provider is synchronous; what has to be opened and closed is so in `running.py`.
"""

from __future__ import annotations

import asyncio
import random
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from dependency_injector import containers, providers

from shothik_payment.adapters import jwt, sandbox, system
from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.broker import MemoryBroker
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.health import MemoryHealth
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.adapters.sqlite.api_keys import SqliteApiKeys
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.documents import SqliteDocuments
from shothik_payment.adapters.sqlite.event_log import SqliteEventLog
from shothik_payment.adapters.sqlite.health import SqliteHealth
from shothik_payment.adapters.sqlite.ledger_audit import SqliteLedgerAudit
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.adapters.sqlite.payments import SqlitePayments
from shothik_payment.adapters.sqlite.wallets import SqliteWallets
from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.tokens import TokenIssuer
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration, KeyRing
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.payments import Checkouts, ReturnOrigins
from shothik_payment.domain.use_cases.relay import Relay
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.background import Background, chores
from shothik_payment.entrypoints.catalog_file import load_catalog
from shothik_payment.entrypoints.http.settings import HttpSettings
from shothik_payment.entrypoints.secret_file import kept_secret, make_secret
from shothik_payment.entrypoints.settings import Settings

_WEBHOOK = "/api/v1/webhooks/sandbox"
_CHECKOUT = "/sandbox/checkout"


def _own_secret(settings: Settings) -> str:
    """What development signs with where nothing is configured."""
    path = settings.sqlite_path
    return make_secret() if path is None else kept_secret(path.with_suffix(".secret"))


def _claim_rules(settings: Settings) -> jwt.ClaimRules:
    return jwt.ClaimRules(
        user_claim=settings.jwt_user_claim,
        role_claim=settings.jwt_role_claim,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _token_keys(settings: Settings, clock: Clock, own_secret: Any) -> jwt.KeySource:
    if settings.jwt_jwks_url is not None:
        return jwt.JwksKeys(settings.jwt_jwks_url, clock)
    if settings.jwt_public_key is not None:
        return jwt.PublicKey(_pem(settings.jwt_public_key))
    if settings.jwt_secret is not None:
        return jwt.SharedSecret(settings.jwt_secret.get_secret_value())
    return jwt.SharedSecret(own_secret())


def _token_issuer(
    settings: Settings, rules: jwt.ClaimRules, clock: Clock, own_secret: Any
) -> TokenIssuer:
    if settings.jwt_jwks_url is not None or settings.jwt_public_key is not None:
        return jwt.NoIssuer()
    secret = settings.jwt_secret
    return jwt.JwtIssuer(
        own_secret() if secret is None else secret.get_secret_value(), rules, clock
    )


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


def _gateways(settings: Settings, sandbox_gateway: Any) -> dict[str, PaymentGateway]:
    found: list[PaymentGateway] = [sandbox_gateway()] if settings.sandbox_on else []
    return {gateway.name: gateway for gateway in found}


def _http_settings(settings: Settings) -> HttpSettings:
    return HttpSettings(
        public_url=settings.browser_url,
        trusted_proxies=tuple(ip_network(network) for network in settings.trusted_proxies),
        rate_limit_per_hour=settings.rate_limit_per_hour,
    )


class Container(containers.DeclarativeContainer):
    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    clock = providers.Singleton(system.SystemClock)
    ids = providers.Singleton(system.SystemIds)
    catalog = providers.Singleton(load_catalog, settings.provided.catalog_file)

    # The store, by the scheme of DATABASE_URL

    _scheme = providers.Callable(lambda s: s.database_url.partition(":")[0], settings)
    _file = providers.Singleton(SqliteDatabase, settings.provided.sqlite_path)
    _state = providers.Singleton(MemoryState)
    database_to_open = providers.Selector(_scheme, sqlite=_file, memory=providers.Object(None))
    ledger_store = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteLedgerStore, _file),
        memory=providers.Singleton(MemoryLedgerStore, _state),
    )
    wallets = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteWallets, _file),
        memory=providers.Singleton(MemoryWallets, _state),
    )
    payments = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqlitePayments, _file),
        memory=providers.Singleton(MemoryPayments, _state),
    )
    api_keys = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteApiKeys, _file),
        memory=providers.Singleton(MemoryApiKeys, _state),
    )
    event_log = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteEventLog, _file),
        memory=providers.Singleton(MemoryEventLog, _state),
    )
    ledger_audit = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteLedgerAudit, _file),
        memory=providers.Singleton(MemoryLedgerAudit, _state),
    )
    sandbox_documents = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteDocuments, _file, "sandbox"),
        memory=providers.Singleton(MemoryDocuments, _state, "sandbox"),
    )
    store_health = providers.Selector(
        _scheme,
        sqlite=providers.Singleton(SqliteHealth, _file),
        memory=providers.Singleton(MemoryHealth, "store"),
    )

    # What may be lost

    answers = providers.Singleton(MemoryAnswerCache, clock)
    limiter = providers.Singleton(MemoryRateLimiter, clock)
    broker = providers.Singleton(MemoryBroker)
    health = providers.List(
        store_health,
        providers.Singleton(MemoryHealth, "cache"),
        providers.Singleton(MemoryHealth, "broker"),
    )

    # Tokens

    own_secret = providers.Singleton(_own_secret, settings)
    claim_rules = providers.Singleton(_claim_rules, settings)
    tokens = providers.Singleton(
        jwt.JwtVerifier,
        providers.Singleton(_token_keys, settings, clock, own_secret.provider),
        claim_rules,
        clock,
    )
    token_issuer = providers.Singleton(
        _token_issuer, settings, claim_rules, clock, own_secret.provider
    )

    # The sandbox gateway

    sandbox_signer = providers.Singleton(
        lambda secret: sandbox.Signer(f"sandbox {secret}"), own_secret
    )
    sandbox_gateway = providers.Singleton(
        sandbox.SandboxGateway,
        sandbox_documents,
        sandbox_signer,
        clock,
        providers.Callable(lambda s: s.browser_url + _CHECKOUT, settings),
    )
    sandbox_notifier = providers.Singleton(
        sandbox.Notifier,
        sandbox_gateway,
        sandbox_signer,
        clock,
        providers.Callable(lambda s: s.own_url + _WEBHOOK, settings),
    )
    sandbox_desk = providers.Singleton(sandbox.SandboxDesk, sandbox_gateway, sandbox_notifier)
    gateways = providers.Singleton(_gateways, settings, sandbox_gateway.provider)

    # The ledger and what is asked of it

    active_services = providers.Singleton(ActiveServices, api_keys, catalog)
    committed = providers.Singleton(asyncio.Event)
    writer = providers.Singleton(
        LedgerWriter,
        ledger_store,
        active_services.provided.rules,
        active_services.provided.fresh_rules,
        random=providers.Object(random.random),
        committed=committed.provided.set,
    )
    wallet_views = providers.Singleton(WalletViews, wallets, clock)
    checkouts = providers.Singleton(
        Checkouts,
        writer,
        payments,
        gateways,
        catalog,
        providers.Singleton(ReturnOrigins, settings.provided.allowed_origins),
        clock,
        ids,
    )
    admin_credits = providers.Singleton(AdminCredits, writer, clock, ids)
    key_administration = providers.Singleton(KeyAdministration, api_keys, catalog, clock, ids)
    expiry_sweep = providers.Singleton(ExpirySweep, writer, wallets, clock, ids)
    relay = providers.Singleton(Relay, event_log, broker, clock)
    verify = providers.Singleton(Verify, ledger_audit)

    application = providers.Singleton(
        Application,
        catalog=catalog,
        clock=clock,
        writer=writer,
        spend=providers.Singleton(Spend, writer, wallets, catalog, clock, ids),
        wallet_views=wallet_views,
        checkouts=checkouts,
        admin_credits=admin_credits,
        event_feed=providers.Singleton(EventFeed, event_log),
        key_administration=key_administration,
        key_ring=providers.Singleton(KeyRing, api_keys, catalog, active_services, clock),
        active_services=active_services,
        tokens=tokens,
        answers=answers,
        limiter=limiter,
        expiry_sweep=expiry_sweep,
        relay=relay,
        verify=verify,
        health=health,
    )
    background = providers.Singleton(
        Background,
        providers.Callable(
            chores,
            sweep=expiry_sweep,
            checkouts=checkouts,
            active=active_services,
            relay=relay,
            broker=broker,
            committed=committed,
        ),
    )
    http_settings = providers.Singleton(_http_settings, settings)


def make_container(settings: Settings) -> Container:
    """One for each process: what it makes belongs to the process and its event loop."""
    return Container(settings=providers.Object(settings))
