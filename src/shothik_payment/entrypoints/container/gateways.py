"""The gateways that the settings name, each imported only where it is configured."""

from __future__ import annotations

from collections.abc import Callable

from shothik_payment.adapters.sandbox import Signer
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.observer import Observer
from shothik_payment.entrypoints.container.backends import Cache, Store
from shothik_payment.entrypoints.container.observed import ObservedGateway
from shothik_payment.entrypoints.container.tokens import secret
from shothik_payment.entrypoints.settings import Settings

_CALLBACK = "/api/v1/payments/{}/callback"


def make_gateways(
    settings: Settings,
    store: Store,
    cache: Cache,
    clock: Clock,
    sandbox: Callable[[], PaymentGateway],
    observer: Observer,
) -> dict[str, PaymentGateway]:
    """By name, in the order in which one is picked for a currency: what takes few before what takes
    many, and money before play money."""
    found: list[PaymentGateway] = []
    if settings.bkash_on:
        found.append(_bkash(settings, store, cache, clock))
    if settings.stripe_secret_key is not None:
        found.append(_stripe(settings, store, clock))
    if settings.sandbox_on:
        found.append(sandbox())
    return {gateway.name: ObservedGateway(gateway, observer) for gateway in found}


def make_signer(settings: Settings, own_secret: Callable[[], str]) -> Signer:
    """What the sandbox signs its webhooks with."""
    return Signer(f"sandbox {secret(settings, own_secret)}")


def _stripe(settings: Settings, store: Store, clock: Clock) -> PaymentGateway:
    from shothik_payment.adapters import stripe

    key = settings.stripe_secret_key
    back = settings.browser_url + _CALLBACK.format("stripe")
    return stripe.StripeGateway(
        "" if key is None else key.get_secret_value(),
        settings.stripe_webhook_secrets,
        store.documents("stripe"),
        clock,
        settings.stripe_api_base,
        fallback_url=f"{back}?paymentID={{CHECKOUT_SESSION_ID}}&status=success",
    )


def _bkash(settings: Settings, store: Store, cache: Cache, clock: Clock) -> PaymentGateway:
    from shothik_payment.adapters import bkash

    secrets = (
        settings.bkash_app_key,
        settings.bkash_app_secret,
        settings.bkash_username,
        settings.bkash_password,
    )
    return bkash.BkashGateway(
        bkash.BkashCredentials(*("" if s is None else s.get_secret_value() for s in secrets)),
        settings.bkash_base_url,
        settings.browser_url + _CALLBACK.format("bkash"),
        settings.bkash_topic_arn,
        settings.bkash_sns_cert_origin,
        store.documents("bkash"),
        cache.lock,
        cache.shared,
        clock,
    )
