"""Subscriptions as users see them: have one, change it, pause it, end it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import (
    CallUnderWay,
    NotFound,
    PaymentNotOpen,
    PaymentServiceError,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import subscription_commands as s
from shothik_payment.domain.ledger.coming_terms import coming_terms, ends_with_period
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.model.plan import Plan
from shothik_payment.domain.model.subscription import PaidFor, Subscription, SubscriptionStep
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.subscription_history import SubscriptionHistory
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.offers import Choice, choose_for_plan
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.requests import recall
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins
from shothik_payment.domain.use_cases.subscription_preview import Preview, foresee, to_change
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView, answer_to
from shothik_payment.domain.use_cases.wallet_views import WalletViews

UNDER_WAY = "The payment is under way, and it is not known yet what comes of it."


class Subscriptions:
    """`gateways` by name, in the order in which one is picked for a currency."""

    def __init__(
        self,
        writer: LedgerWriter,
        views: WalletViews,
        history: SubscriptionHistory,
        payments: Payments,
        checkouts: Checkouts,
        charges: Charges,
        gateways: Mapping[str, PaymentGateway],
        catalog: Catalog,
        return_origins: ReturnOrigins,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._views = views
        self._history = history
        self._payments = payments
        self._checkouts = checkouts
        self._charges = charges
        self._gateways = gateways
        self._catalog = catalog
        self._return_origins = return_origins
        self._clock = clock
        self._ids = ids

    # Reads

    async def current(self, user_id: str) -> SubscriptionView:
        return await self._view((await self._views.wallet(user_id)).subscription)

    async def history(
        self, user_id: str, before: int | None, limit: int
    ) -> tuple[list[SubscriptionStep], int | None]:
        found = await self._history.of_user(user_id, before, limit + 1)
        page = found[:limit]
        return page, page[-1].number if len(found) > limit else None

    async def preview(self, user_id: str, plan_id: str, choice: Choice) -> Preview:
        """What `subscribe` or `change` to the plan would do now: the same command, applied to a
        copy. Raises what it would be refused with."""
        wallet = await self._views.wallet(user_id)
        awaited = await self._awaited(wallet.subscription)
        current = to_change(wallet.subscription)
        kept = current is not None and current.terms.plan == plan_id
        paying = self._paying(None if kept else self._plan(plan_id), choice, current)
        kind = s.Subscribe if current is None else s.ChangePlan
        command = kind(**self._common(user_id, None), plan=plan_id, **asdict(paying))
        return foresee(wallet, awaited, command, self._views.rules())

    # Writes that may have to be paid

    async def subscribe(
        self,
        user_id: str,
        plan_id: str,
        choice: Choice,
        request: c.RequestBinding | None = None,
    ) -> SubscriptionView:
        """A free plan, or one charged to a method on file, is active at once; else its payment
        has the URL where it is paid."""
        return await self._buy(s.Subscribe, user_id, choice, request, plan_id)

    async def change(
        self,
        user_id: str,
        plan_id: str,
        choice: Choice,
        request: c.RequestBinding | None = None,
    ) -> SubscriptionView:
        return await self._buy(s.ChangePlan, user_id, choice, request, plan_id)

    async def resume(
        self, user_id: str, choice: Choice, request: c.RequestBinding | None = None
    ) -> SubscriptionView:
        return await self._buy(s.ResumeSubscription, user_id, choice, request)

    async def pay(
        self, user_id: str, choice: Choice, request: c.RequestBinding | None = None
    ) -> SubscriptionView:
        """A checkout for a renewal that could not be charged."""
        return await self._buy(s.PayRenewal, user_id, choice, request)

    async def _buy(
        self,
        kind: type[s.Paying],
        user_id: str,
        choice: Choice,
        request: c.RequestBinding | None,
        plan_id: str | None = None,
    ) -> SubscriptionView:
        fields: dict[str, Any] = {} if plan_id is None else {"plan": plan_id}
        after = None if request is None else request.second_step
        try:
            current = (await self._views.wallet(user_id)).subscription
            if kind is s.Subscribe or (current is not None and current.ended):
                current = None
            kept = current is not None and current.terms.plan == plan_id
            plan = None if plan_id is None or kept else self._plan(plan_id)
            paying = self._paying(plan, choice, current)
        except PaymentServiceError as refusal:
            done = await recall(self._writer, self._clock, self._ids, user_id, request, refusal)
            view = await self._advance(user_id, done)
            if await self._lost(done, view, after):
                raise
            return answer_to(done, view)
        saved = await self._charges.on_file(paying.gateway, user_id)
        fields |= asdict(paying)

        def asked(key: c.RequestBinding | None, saved: bool) -> s.Paying:
            return kind(**self._common(user_id, key), saved_method=saved, **fields)

        last = outcome = await self._writer.submit(asked(request, saved))
        view = await self._advance(user_id, outcome)
        if await self._lost(outcome, view, after):
            last = await self._writer.submit(asked(after, False))
            view = await self._advance(user_id, last)
            if lost := await self._lost(last, view, after):
                raise PaymentNotOpen(lost.id, lost.status)
        view = answer_to(last, view)
        view.replayed = outcome.replayed
        return view

    async def _lost(
        self, outcome: Outcome, view: SubscriptionView, after: c.RequestBinding | None
    ) -> Payment | None:
        """The request's payment, if it has come to nothing. Where that may come yet, the first
        answer to a charge stands, whatever its end is; a repeat has no answer before that end, and
        nobody has one while another process opens the checkout: raises CallUnderWay."""
        sought, payment = outcome.payment_sought, view.payment
        if sought is None:
            return None
        if payment is None or payment.id != sought:
            payment = await self._payments.get(sought)
        if payment is not None and payment.undecided and payment.off_session:
            if outcome.replayed and payment.session_id is None:
                raise CallUnderWay(UNDER_WAY)
            if after is not None:
                waiting = s.WaitForCharge(**self._common(payment.user_id, after), payment_id=sought)
                payment = (await self._writer.submit(waiting)).payment
        if payment is not None and payment.undecided and not payment.off_session:
            raise CallUnderWay(UNDER_WAY)
        return payment if payment and payment.came_to_nothing else None

    async def _advance(self, user_id: str, outcome: Outcome) -> SubscriptionView:
        """Do what the request's payment needs: charge it, or open its checkout."""
        view = await self.current(user_id)
        payment, awaited = view.payment, view.subscription.awaited if view.subscription else None
        if payment is None or payment.id != outcome.payment_sought:
            return view
        if payment.session_id or payment.status not in OPEN_STATUSES:
            return view
        own = outcome.payment is not None and outcome.payment.id == payment.id
        if not payment.off_session:
            view.payment = await self._checkouts.start(payment)
            return view
        if not own or (awaited is not None and awaited.paid_for is PaidFor.RENEWAL):
            return view  # another request is charging it, or the sweep
        with suppress(CallUnderWay):
            await self._charges.charge(payment)
        return await self.current(user_id)

    async def _view(self, subscription: Subscription | None) -> SubscriptionView:
        if subscription is None:
            return SubscriptionView(None)
        billing = self._views.rules().billing
        return SubscriptionView(
            subscription,
            await self._awaited(subscription),
            coming=coming_terms(billing, subscription),
            ends=ends_with_period(billing, subscription),
        )

    async def _awaited(self, subscription: Subscription | None) -> Payment | None:
        if subscription is None or subscription.awaited is None or subscription.ended:
            return None
        return await self._payments.get(subscription.awaited.payment_id)

    # Other writes

    async def cancel(
        self,
        user_id: str,
        *,
        now: bool,
        only_at_end: bool = False,
        shown: str | None = None,
        reason: str | None = None,
        request: c.RequestBinding | None = None,
    ) -> SubscriptionView:
        """At the period's end, or now. What does not last to the period's end ends at once in any
        case; `only_at_end` refuses that with NotInThisStatus. Raises Conflict where its
        `standing` is not what was `shown`; None: however it stands."""
        return await self._submit(
            s.CancelSubscription(
                **self._common(user_id, request),
                now=now,
                only_at_end=only_at_end,
                shown=shown,
                reason=reason,
            )
        )

    async def keep(self, user_id: str, request: c.RequestBinding | None = None) -> SubscriptionView:
        """Take back what was to happen at the period's end."""
        return await self._submit(s.KeepSubscription(**self._common(user_id, request)))

    async def pause(
        self, user_id: str, request: c.RequestBinding | None = None
    ) -> SubscriptionView:
        return await self._submit(s.PauseSubscription(**self._common(user_id, request)))

    async def extend(
        self, user_id: str, days: int, reason: str, request: c.RequestBinding | None = None
    ) -> SubscriptionView:
        return await self._submit(
            s.ExtendPeriod(**self._common(user_id, request), days=days, reason=reason)
        )

    async def grant(
        self,
        user_id: str,
        plan_id: str,
        reason: str,
        ends_at: Millis | None = None,
        request: c.RequestBinding | None = None,
    ) -> SubscriptionView:
        """A plan without a payment."""
        command = s.GrantPlan(
            **self._common(user_id, request), plan=plan_id, reason=reason, ends_at=ends_at
        )
        return await self._submit(command)

    async def _submit(self, command: c.Command) -> SubscriptionView:
        outcome: Outcome = await self._writer.submit(command)
        return answer_to(outcome, await self._view(outcome.subscription))

    # What they have in common

    def _plan(self, plan_id: str) -> Plan:
        plan = self._catalog.billing.plans.get(plan_id)
        if plan is None:
            raise NotFound("plan", plan_id)
        return plan

    def _common(self, user_id: str, request: c.RequestBinding | None) -> dict[str, Any]:
        now = self._clock.now()
        return {"id": self._ids.next(), "user_id": user_id, "at": now, "request": request}

    def _paying(self, plan: Plan | None, choice: Choice, current: Subscription | None) -> Choice:
        self._return_origins.require("successUrl", choice.success_url)
        self._return_origins.require("cancelUrl", choice.cancel_url)
        return choose_for_plan(self._gateways, plan, choice, current)
