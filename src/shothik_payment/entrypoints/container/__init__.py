"""The wiring: the one place that knows which adapter stands behind a port.

Every provider is synchronous; what has to be opened and closed is so in `running.py`. The adapters
of servers that are not configured are not even imported.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from dependency_injector import containers, providers

from shothik_payment.adapters import jwt, sandbox, system
from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.tokens import TokenIssuer
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration, KeyRing
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns
from shothik_payment.domain.use_cases.payment_admin import PaymentAdmin
from shothik_payment.domain.use_cases.payment_checks import PaymentChecks
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.prune import Prune
from shothik_payment.domain.use_cases.reconcile import Reconcile
from shothik_payment.domain.use_cases.relay import Relay
from shothik_payment.domain.use_cases.replay import Replay
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins
from shothik_payment.domain.use_cases.settlements import Settlements
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.domain.use_cases.webhooks import Webhooks
from shothik_payment.domain.use_cases.work_group import WorkGroup
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.catalog_file import load_catalog
from shothik_payment.entrypoints.chores import SHARED_TASKS, Worker
from shothik_payment.entrypoints.container.backends import (
    Cache,
    Connection,
    Messages,
    Store,
    amqp_messages,
    memory_cache,
    memory_messages,
    memory_store,
    mongodb_store,
    redis_cache,
    sqlite_store,
)
from shothik_payment.entrypoints.container.gateways import make_gateways
from shothik_payment.entrypoints.http.settings import HttpSettings
from shothik_payment.entrypoints.secret_file import kept_secret, make_secret
from shothik_payment.entrypoints.settings import Settings

_WEBHOOK = "/api/v1/webhooks/sandbox"
_CHECKOUT = "/sandbox/checkout"
_NO_FILE = Path("var/shothik.db")


def _connections(store: Store, cache: Cache, messages: Messages) -> list[Connection]:
    return [*store.connections, *cache.connections, *messages.connections]


def _own_secret(settings: Settings) -> str:
    """What development signs with where nothing is configured."""
    if settings.store == "memory":
        return make_secret()
    return kept_secret((settings.sqlite_path or _NO_FILE).with_suffix(".secret"))


def _secret(settings: Settings, own_secret: Callable[[], str]) -> str:
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

    # By the schemes of the URLs

    store: providers.Provider[Store] = providers.Selector(
        settings.provided.store,
        memory=providers.Singleton(memory_store, settings),
        sqlite=providers.Singleton(sqlite_store, settings),
        mongodb=providers.Singleton(mongodb_store, settings),
    )
    cache: providers.Provider[Cache] = providers.Selector(
        settings.provided.cache,
        memory=providers.Singleton(memory_cache, settings, clock),
        redis=providers.Singleton(redis_cache, settings, clock),
    )
    messages: providers.Provider[Messages] = providers.Selector(
        settings.provided.broker,
        memory=providers.Singleton(memory_messages, settings),
        amqp=providers.Singleton(amqp_messages, settings),
    )
    connections = providers.Callable(_connections, store, cache, messages)
    migration = store.provided.migrate

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
        lambda settings, own_secret: sandbox.Signer(f"sandbox {_secret(settings, own_secret)}"),
        settings,
        own_secret.provider,
    )
    sandbox_gateway = providers.Singleton(
        sandbox.SandboxGateway,
        store.provided.documents.call("sandbox"),
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
    gateways = providers.Singleton(
        make_gateways, settings, store, cache, clock, sandbox_gateway.provider
    )

    # The ledger and what is asked of it

    active_services = providers.Singleton(ActiveServices, store.provided.api_keys, catalog)
    committed = providers.Singleton(asyncio.Event)
    writer = providers.Singleton(
        LedgerWriter,
        store.provided.ledger,
        active_services.provided.rules,
        active_services.provided.fresh_rules,
        random=providers.Object(random.random),
        committed=committed.provided.set,
    )
    wallet_views = providers.Singleton(WalletViews, store.provided.wallets, clock)
    payment_commands = providers.Singleton(PaymentCommands, writer, clock, ids)
    checkouts = providers.Singleton(
        Checkouts,
        writer,
        payment_commands,
        store.provided.payments,
        gateways,
        catalog,
        providers.Singleton(ReturnOrigins, settings.provided.allowed_origins),
        clock,
        ids,
    )
    payment_admin = providers.Singleton(
        PaymentAdmin, writer, payment_commands, store.provided.payments, gateways, clock, ids
    )
    settlements = providers.Singleton(
        Settlements, payment_commands, store.provided.payments, gateways
    )
    gateway_turns = providers.Singleton(GatewayTurns, clock)
    webhooks = providers.Singleton(
        Webhooks,
        settlements,
        checkouts,
        store.provided.payments,
        gateways,
        store.provided.inbox,
        gateway_turns,
        clock,
    )
    payment_checks = providers.Singleton(
        PaymentChecks,
        payment_commands,
        settlements,
        checkouts,
        payment_admin,
        store.provided.payments,
        gateways,
        gateway_turns,
        clock,
    )
    admin_credits = providers.Singleton(AdminCredits, writer, clock, ids)
    key_administration = providers.Singleton(
        KeyAdministration, store.provided.api_keys, catalog, clock, ids
    )
    expiry_sweep = providers.Singleton(ExpirySweep, writer, store.provided.wallets, clock, ids)
    verify = providers.Singleton(Verify, store.provided.audit)

    application = providers.Singleton(
        Application,
        catalog=catalog,
        clock=clock,
        writer=writer,
        spend=providers.Singleton(Spend, writer, store.provided.wallets, catalog, clock, ids),
        wallet_views=wallet_views,
        checkouts=checkouts,
        settlements=settlements,
        webhooks=webhooks,
        payment_admin=payment_admin,
        admin_credits=admin_credits,
        event_feed=providers.Singleton(EventFeed, store.provided.events),
        replay=providers.Singleton(
            Replay,
            store.provided.events,
            messages.provided.broker,
            writer,
            store.provided.documents.call("replays"),
            clock,
            ids,
        ),
        key_administration=key_administration,
        key_ring=providers.Singleton(
            KeyRing, store.provided.api_keys, catalog, active_services, clock
        ),
        active_services=active_services,
        tokens=tokens,
        answers=cache.provided.answers,
        limiter=cache.provided.limiter,
        verify=verify,
        reconcile=providers.Singleton(
            Reconcile,
            store.provided.audit,
            store.provided.wallets,
            store.provided.payments,
            store.provided.events,
            gateways,
            settlements,
            clock,
        ),
        health=providers.List(
            store.provided.health, cache.provided.health, messages.provided.health
        ),
    )
    worker = providers.Singleton(
        Worker,
        group=providers.Singleton(
            WorkGroup,
            store.provided.documents.call("work group"),
            providers.Callable(lambda ids: ids.next(), ids),
            SHARED_TASKS,
            monotonic=providers.Object(time.monotonic),
        ),
        relay=providers.Singleton(
            Relay,
            store.provided.events,
            messages.provided.broker,
            clock,
            monotonic=providers.Object(time.monotonic),
        ),
        broker=messages.provided.broker,
        active=active_services,
        sweep=expiry_sweep,
        payment_checks=payment_checks,
        webhooks=webhooks,
        prune=providers.Singleton(Prune, store.provided.pruning, store.provided.inbox, clock),
        committed=committed,
        watch=store.provided.watch,
    )
    http_settings = providers.Singleton(_http_settings, settings)


def make_container(settings: Settings) -> Container:
    """One for each process: what it makes belongs to the process and its event loop."""
    return Container(settings=providers.Object(settings))
