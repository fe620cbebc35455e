"""The wiring: the one place that knows which adapter stands behind a port.

Every provider is synchronous; what has to be opened and closed is so in `running.py`. The adapters
of servers that are not configured are not even imported.
"""

from __future__ import annotations

import asyncio
import random
import time

from dependency_injector import providers

from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.clock_run import ClockRun
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.gateway_turns import PACE_SECONDS, GatewayTurns
from shothik_payment.domain.use_cases.key_bulk import KeyBulk
from shothik_payment.domain.use_cases.key_health import KeyHealth
from shothik_payment.domain.use_cases.key_ring import KeyRing
from shothik_payment.domain.use_cases.key_usage import UsageRecorder, UsageReports
from shothik_payment.domain.use_cases.key_warnings import KeyWarnings
from shothik_payment.domain.use_cases.old_identities import TAKEN_OVER
from shothik_payment.domain.use_cases.panel_reads import Overview
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
from shothik_payment.domain.use_cases.sign_in import SignIn
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.stop_sweep import StopSweep
from shothik_payment.domain.use_cases.subscriptions import Subscriptions
from shothik_payment.domain.use_cases.takeover import Takeover
from shothik_payment.domain.use_cases.user_admin import UserAdmin
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.domain.use_cases.webhooks import Webhooks
from shothik_payment.domain.use_cases.work_group import WorkGroup
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.chores import SHARED_TASKS, Worker
from shothik_payment.entrypoints.container.observed import ObservedBroker, ObservedLedger
from shothik_payment.entrypoints.container.parts import Parts
from shothik_payment.entrypoints.settings import Settings
from shothik_payment.entrypoints.telling import telling_backlog


class Container(Parts):
    settings, catalog, observer = Parts.settings, Parts.catalog, Parts.observer
    store, cache, messages = Parts.store, Parts.cache, Parts.messages
    clock, wall_clock, ids = Parts.clock, Parts.wall_clock, Parts.ids
    tokens, gateways = Parts.tokens, Parts.gateways

    # The ledger and what is asked of it

    active_services = providers.Singleton(ActiveServices, store.provided.api_keys, catalog)
    committed = providers.Singleton(asyncio.Event)
    writer = providers.Singleton(
        LedgerWriter,
        providers.Singleton(ObservedLedger, store.provided.ledger, observer),
        active_services.provided.rules,
        active_services.provided.fresh_rules,
        random=providers.Object(random.random),
        committed=committed.provided.set,
    )
    wallet_views = providers.Singleton(
        WalletViews, store.provided.wallets, active_services.provided.rules, clock
    )
    return_origins = providers.Singleton(ReturnOrigins, settings.provided.allowed_origins)
    payment_commands = providers.Singleton(PaymentCommands, writer, clock, ids)
    checkouts = providers.Singleton(
        Checkouts,
        writer,
        payment_commands,
        store.provided.payments,
        gateways,
        catalog,
        return_origins,
        clock,
        ids,
    )
    payment_admin = providers.Singleton(
        PaymentAdmin, writer, payment_commands, store.provided.payments, gateways, clock, ids
    )
    settlements = providers.Singleton(
        Settlements, payment_commands, store.provided.payments, gateways
    )
    charges = providers.Singleton(Charges, payment_commands, settlements, checkouts, gateways)
    gateway_turns = providers.Singleton(GatewayTurns, wall_clock, PACE_SECONDS)
    webhooks = providers.Singleton(
        Webhooks,
        settlements,
        checkouts,
        charges,
        store.provided.payments,
        gateways,
        store.provided.inbox,
        gateway_turns,
        clock,
        observer,
    )
    payment_checks = providers.Singleton(
        PaymentChecks,
        payment_commands,
        settlements,
        checkouts,
        charges,
        payment_admin,
        store.provided.payments,
        gateways,
        gateway_turns,
        clock,
        observer,
    )
    admin_credits = providers.Singleton(AdminCredits, writer, clock, ids)
    key_administration = providers.Singleton(
        KeyAdministration, store.provided.api_keys, catalog, wall_clock, ids
    )
    key_uses = providers.Singleton(UsageRecorder, store.provided.key_usage, wall_clock, ids)
    expiry_sweep = providers.Singleton(
        ExpirySweep, writer, store.provided.wallets, clock, ids, observer
    )
    verify = providers.Singleton(Verify, store.provided.audit)
    clock_run: providers.Provider[ClockRun | None] = providers.Selector(
        settings.provided.test_clock,
        on=providers.Singleton(
            ClockRun,
            Parts.test_clock,
            store.provided.wallets,
            store.provided.payments,
            # Its own: the background's remembers where it goes on.
            providers.Singleton(ExpirySweep, writer, store.provided.wallets, clock, ids),
            payment_checks,
            webhooks,
            Parts.test_clock_documents,
        ),
        off=providers.Object(None),
    )

    taken_over = store.provided.documents.call(TAKEN_OVER)

    application = providers.Singleton(
        Application,
        catalog=catalog,
        clock=clock,
        wall_clock=wall_clock,
        clock_run=clock_run,
        writer=writer,
        spend=providers.Singleton(
            Spend, writer, store.provided.wallets, taken_over, catalog, clock, ids, observer
        ),
        wallet_views=wallet_views,
        checkouts=checkouts,
        settlements=settlements,
        webhooks=webhooks,
        payment_admin=payment_admin,
        subscriptions=providers.Singleton(
            Subscriptions,
            writer,
            wallet_views,
            store.provided.subscription_history,
            store.provided.payments,
            checkouts,
            charges,
            gateways,
            catalog,
            return_origins,
            clock,
            ids,
        ),
        admin_credits=admin_credits,
        user_admin=providers.Singleton(UserAdmin, writer, wallet_views, clock, ids),
        event_feed=providers.Singleton(EventFeed, store.provided.events),
        replay=providers.Singleton(
            Replay,
            store.provided.events,
            messages.provided.broker,
            writer,
            store.provided.documents.call("replays"),
            clock,
            ids,
            catalog,
        ),
        takeover=providers.Singleton(
            Takeover,
            writer,
            taken_over,
            store.provided.api_keys,
            catalog,
            gateways,
            clock,
            wall_clock,
            ids,
        ),
        key_administration=key_administration,
        key_bulk=providers.Singleton(
            KeyBulk, key_administration, store.provided.api_keys, wall_clock
        ),
        key_health=providers.Singleton(
            KeyHealth,
            catalog,
            cache.provided.limiter,
            wall_clock,
            settings.provided.rate_limit_per_hour,
        ),
        key_ring=providers.Singleton(
            KeyRing, store.provided.api_keys, catalog, active_services, wall_clock, observer
        ),
        key_uses=key_uses,
        key_usage=providers.Singleton(
            UsageReports, store.provided.key_usage, store.provided.api_keys, key_uses, wall_clock
        ),
        active_services=active_services,
        tokens=tokens,
        sign_in=providers.Singleton(SignIn, store.provided.sessions, tokens, wall_clock, ids),
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
        overview=providers.Singleton(
            Overview,
            store.provided.statistics,
            store.provided.payments,
            store.provided.wallets,
            store.provided.events,
        ),
        statistics=store.provided.statistics,
        payments=store.provided.payments,
        wallets=store.provided.wallets,
        events=store.provided.events,
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
            providers.Singleton(ObservedBroker, messages.provided.broker, observer),
            wall_clock,
            monotonic=providers.Object(time.monotonic),
        ),
        broker=messages.provided.broker,
        active=active_services,
        sweep=expiry_sweep,
        stop_sweep=providers.Singleton(
            StopSweep, writer, store.provided.wallets, wallet_views, clock, ids
        ),
        payment_checks=payment_checks,
        webhooks=webhooks,
        prune=providers.Singleton(
            Prune,
            store.provided.pruning,
            store.provided.inbox,
            store.provided.sessions,
            store.provided.key_usage,
            wall_clock,
        ),
        key_warnings=providers.Singleton(KeyWarnings, store.provided.api_keys, wall_clock),
        clock_run=clock_run,
        committed=committed,
        watch=store.provided.watch,
    )
    telling_backlog = providers.Singleton(
        telling_backlog, worker.provided.group, store.provided.events, clock, observer
    )


def make_container(settings: Settings) -> Container:
    """One for each process: what it makes belongs to the process and its event loop."""
    return Container(settings=providers.Object(settings))
