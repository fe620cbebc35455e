"""The service's parts on memory adapters, as the container wires them on real ones."""

from __future__ import annotations

import random
from dataclasses import dataclass

from shothik_payment.adapters.jwt import ClaimRules, JwtVerifier, SharedSecret
from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.adapters.memory.broker import MemoryBroker
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.health import MemoryHealth
from shothik_payment.adapters.memory.key_usage import MemoryKeyUsage
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.statistics import MemoryStatistics
from shothik_payment.adapters.memory.subscription_history import MemorySubscriptionHistory
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.adapters.memory.web_sessions import MemoryWebSessions
from shothik_payment.adapters.memory.webhook_inbox import MemoryWebhookInbox
from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns
from shothik_payment.domain.use_cases.key_bulk import KeyBulk
from shothik_payment.domain.use_cases.key_health import KeyHealth
from shothik_payment.domain.use_cases.key_ring import KeyRing
from shothik_payment.domain.use_cases.key_usage import UsageRecorder, UsageReports
from shothik_payment.domain.use_cases.old_identities import TAKEN_OVER
from shothik_payment.domain.use_cases.panel_reads import Overview
from shothik_payment.domain.use_cases.payment_admin import PaymentAdmin
from shothik_payment.domain.use_cases.payment_checks import PaymentChecks
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.reconcile import Reconcile
from shothik_payment.domain.use_cases.replay import Replay
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins
from shothik_payment.domain.use_cases.settlements import Settlements
from shothik_payment.domain.use_cases.sign_in import SignIn
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.subscriptions import Subscriptions
from shothik_payment.domain.use_cases.takeover import Takeover
from shothik_payment.domain.use_cases.user_admin import UserAdmin
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.domain.use_cases.webhooks import Webhooks
from shothik_payment.entrypoints.application import Application
from tests.integration.http.parts import CountedGateway, ForgetfulKeys, GatedStore

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"


class HeldClock:
    """Stands where the test puts it."""

    def __init__(self, now: int = 1_900_000_000_000) -> None:
        self.at = Millis(now)

    def now(self) -> Millis:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at = Millis(self.at + int(seconds * SECOND))


@dataclass
class Wired:
    application: Application
    sweep: ExpirySweep
    payment_checks: PaymentChecks
    keys: ForgetfulKeys


def wired(
    store: GatedStore,
    state: MemoryState,
    gateway: CountedGateway,
    broker: MemoryBroker,
    answers: MemoryAnswerCache,
    catalog: Catalog,
    clock: HeldClock,
    ids: Ids,
    limits: WriterLimits,
) -> Wired:
    wallets, keys = MemoryWallets(state), ForgetfulKeys(state)
    uses = UsageRecorder(MemoryKeyUsage(state), clock, ids)
    events, statistics = MemoryEventLog(state), MemoryStatistics(state)
    active = ActiveServices(keys, catalog)
    writer = LedgerWriter(store, active.rules, active.fresh_rules, random.random, limits)
    payments, gateways = MemoryPayments(state), {"sandbox": gateway}
    origins = ReturnOrigins(["http://localhost:*", "http://test"])
    commands, turns = PaymentCommands(writer, clock, ids), GatewayTurns(clock)
    checkouts = Checkouts(writer, commands, payments, gateways, catalog, origins, clock, ids)
    admin = PaymentAdmin(writer, commands, payments, gateways, clock, ids)
    settlements = Settlements(commands, payments, gateways)
    charges = Charges(commands, settlements, checkouts, gateways)
    inbox, limiter = MemoryWebhookInbox(state), MemoryRateLimiter(clock)
    webhooks = Webhooks(settlements, checkouts, charges, payments, gateways, inbox, turns, clock)
    audit, views = MemoryLedgerAudit(state), WalletViews(wallets, active.rules, clock)
    sweep = ExpirySweep(writer, wallets, clock, ids)
    payment_checks = PaymentChecks(
        commands, settlements, checkouts, charges, admin, payments, gateways, turns, clock
    )
    subscriptions = Subscriptions(
        writer,
        views,
        MemorySubscriptionHistory(state),
        payments,
        checkouts,
        charges,
        gateways,
        catalog,
        origins,
        clock,
        ids,
    )
    tokens = JwtVerifier(SharedSecret(SECRET), ClaimRules(), clock)
    application = Application(
        catalog=catalog,
        clock=clock,
        wall_clock=clock,
        writer=writer,
        spend=Spend(writer, wallets, MemoryDocuments(state, TAKEN_OVER), catalog, clock, ids),
        wallet_views=views,
        checkouts=checkouts,
        settlements=settlements,
        webhooks=webhooks,
        subscriptions=subscriptions,
        payment_admin=admin,
        admin_credits=AdminCredits(writer, clock, ids),
        user_admin=UserAdmin(writer, views, clock, ids),
        event_feed=EventFeed(events),
        replay=Replay(
            events, broker, writer, MemoryDocuments(state, "replays"), clock, ids, catalog
        ),
        takeover=Takeover(
            writer,
            MemoryDocuments(state, TAKEN_OVER),
            keys,
            catalog,
            gateways,
            clock,
            clock,
            ids,
        ),
        key_administration=KeyAdministration(keys, catalog, clock, ids),
        key_bulk=KeyBulk(KeyAdministration(keys, catalog, clock, ids), keys, clock),
        key_health=KeyHealth(catalog, limiter, clock, 1000),
        key_ring=KeyRing(keys, catalog, active, clock),
        key_uses=uses,
        key_usage=UsageReports(MemoryKeyUsage(state), keys, uses, clock),
        active_services=active,
        tokens=tokens,
        sign_in=SignIn(MemoryWebSessions(state), tokens, clock, ids),
        answers=answers,
        limiter=limiter,
        verify=Verify(audit),
        reconcile=Reconcile(audit, wallets, payments, events, gateways, settlements, clock),
        overview=Overview(statistics, payments, wallets, events),
        statistics=statistics,
        payments=payments,
        wallets=wallets,
        events=events,
        health=[MemoryHealth("store"), MemoryHealth("broker")],
    )
    return Wired(application, sweep, payment_checks, keys)
