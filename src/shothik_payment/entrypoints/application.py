"""Everything an entrypoint drives, ready to use; made by the container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.ports.answer_cache import AnswerCache
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import EventLog
from shothik_payment.domain.ports.health import HealthCheck
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.rate_limiter import RateLimiter
from shothik_payment.domain.ports.statistics import Statistics
from shothik_payment.domain.ports.tokens import TokenVerifier
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.admin_credits import AdminCredits
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.clock_run import ClockRun
from shothik_payment.domain.use_cases.event_feed import EventFeed
from shothik_payment.domain.use_cases.key_bulk import KeyBulk
from shothik_payment.domain.use_cases.key_health import KeyHealth
from shothik_payment.domain.use_cases.key_ring import KeyRing
from shothik_payment.domain.use_cases.key_usage import UsageRecorder, UsageReports
from shothik_payment.domain.use_cases.panel_reads import Overview
from shothik_payment.domain.use_cases.payment_admin import PaymentAdmin
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.reconcile import Reconcile
from shothik_payment.domain.use_cases.replay import Replay
from shothik_payment.domain.use_cases.settlements import Settlements
from shothik_payment.domain.use_cases.sign_in import SignIn
from shothik_payment.domain.use_cases.spend import Spend
from shothik_payment.domain.use_cases.subscriptions import Subscriptions
from shothik_payment.domain.use_cases.takeover import Takeover
from shothik_payment.domain.use_cases.user_admin import UserAdmin
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from shothik_payment.domain.use_cases.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Application:
    """`clock` is what wallets and all that is told of them go by; `wall_clock` the real time, which
    is the same unless there is a test clock: then `clock_run` moves it.

    `statistics`, `payments`, `wallets` and `events` are read as they are, by pages for operators.
    `health` lists the store first: without it the service is not ready."""

    catalog: Catalog
    clock: Clock
    wall_clock: Clock
    writer: LedgerWriter
    spend: Spend
    wallet_views: WalletViews
    checkouts: Checkouts
    settlements: Settlements
    webhooks: Webhooks
    payment_admin: PaymentAdmin
    subscriptions: Subscriptions
    admin_credits: AdminCredits
    user_admin: UserAdmin
    event_feed: EventFeed
    replay: Replay
    takeover: Takeover
    key_administration: KeyAdministration
    key_bulk: KeyBulk
    key_health: KeyHealth
    key_ring: KeyRing
    key_uses: UsageRecorder
    key_usage: UsageReports
    active_services: ActiveServices
    tokens: TokenVerifier
    sign_in: SignIn
    answers: AnswerCache
    limiter: RateLimiter
    verify: Verify
    reconcile: Reconcile
    overview: Overview
    statistics: Statistics
    payments: Payments
    wallets: Wallets
    events: EventLog
    health: Sequence[HealthCheck]
    clock_run: ClockRun | None = None
