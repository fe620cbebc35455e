"""What stands behind the ports: stores, clocks, tokens, gateways; and what settings alone say."""

from __future__ import annotations

from dependency_injector import containers, providers

from shothik_payment.adapters import sandbox, system
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.entrypoints.catalog_file import load_catalog
from shothik_payment.entrypoints.container import backends as b
from shothik_payment.entrypoints.container import tokens as t
from shothik_payment.entrypoints.container.gateways import make_gateways, make_signer
from shothik_payment.entrypoints.container.observing import make_observing
from shothik_payment.entrypoints.http.settings import HttpSettings
from shothik_payment.entrypoints.settings import Settings

_WEBHOOK = "/api/v1/webhooks/sandbox"
_CHECKOUT = "/sandbox/checkout"


class Parts(containers.DeclarativeContainer):
    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    wall_clock = providers.Singleton(system.SystemClock)
    ids = providers.Singleton(system.SystemIds)
    catalog = providers.Singleton(load_catalog, settings.provided.catalog_file)
    observing = providers.Singleton(make_observing, settings)
    observer = observing.provided.observer
    http_settings = providers.Singleton(
        HttpSettings,
        public_url=settings.provided.browser_url,
        trusted_proxies=settings.provided.trusted_networks,
        rate_limit_per_hour=settings.provided.rate_limit_per_hour,
        secure_cookies=settings.provided.production,
    )

    # By the schemes of the URLs

    store: providers.Provider[b.Store] = providers.Selector(
        settings.provided.store,
        memory=providers.Singleton(b.memory_store, settings),
        sqlite=providers.Singleton(b.sqlite_store, settings),
        mongodb=providers.Singleton(b.mongodb_store, settings),
    )
    cache: providers.Provider[b.Cache] = providers.Selector(
        settings.provided.cache,
        memory=providers.Singleton(b.memory_cache, settings, wall_clock),
        redis=providers.Singleton(b.redis_cache, settings, wall_clock),
    )
    messages: providers.Provider[b.Messages] = providers.Selector(
        settings.provided.broker,
        memory=providers.Singleton(b.memory_messages, settings),
        amqp=providers.Singleton(b.amqp_messages, settings),
    )
    connections = providers.Callable(b.connections, store, cache, messages)
    migration = store.provided.migrate

    # The time of wallets, and of all that is told of them. Whoever deals with the world outside has
    # the wall's: tokens, API keys, limits, gateways, signatures, and how long things are kept.

    test_clock_documents = store.provided.documents.call("test clock")
    test_clock = providers.Singleton(system.OffsetClock, wall_clock, test_clock_documents)
    clock: providers.Provider[Clock] = providers.Selector(
        settings.provided.test_clock, on=test_clock, off=wall_clock
    )

    # Tokens

    own_secret = providers.Singleton(t.own_secret, settings)
    tokens = providers.Singleton(t.verifier, settings, wall_clock, own_secret.provider)
    token_issuer = providers.Singleton(t.issuer, settings, wall_clock, own_secret.provider)

    # The sandbox gateway

    sandbox_signer = providers.Singleton(make_signer, settings, own_secret.provider)
    sandbox_gateway = providers.Singleton(
        sandbox.SandboxGateway,
        store.provided.documents.call("sandbox"),
        sandbox_signer,
        wall_clock,
        providers.Callable(lambda s: s.browser_url + _CHECKOUT, settings),
    )
    sandbox_notifier = providers.Singleton(
        sandbox.Notifier,
        sandbox_gateway,
        sandbox_signer,
        wall_clock,
        providers.Callable(lambda s: s.own_url + _WEBHOOK, settings),
    )
    sandbox_desk = providers.Singleton(sandbox.SandboxDesk, sandbox_gateway, sandbox_notifier)
    gateways = providers.Singleton(
        make_gateways, settings, store, cache, wall_clock, sandbox_gateway.provider, observer
    )
