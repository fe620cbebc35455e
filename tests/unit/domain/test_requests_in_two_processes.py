"""A request about a subscription while another process works on the same: on a repeat of it, or in
its sweep."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import CallUnderWay, PaymentNotOpen, Unavailable
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from tests.support.service import TestService, running_service
from tests.support.subscription_requests import request_in
from tests.support.subscription_scenes import AWAY, KINDS, Scene, begin, link_of


async def _to_be_declined(
    service: TestService, kind: str
) -> tuple[Scene, asyncio.Future[SubscriptionView], asyncio.Event]:
    """A request that is held, and whose charge is declined, and how it goes on."""
    scene = await begin(service, kind)
    scene.bank.declines[scene.user.user] = 1
    return scene, *await scene.held(scene.request())


@KINDS
async def test_a_repeat_while_the_first_is_charging_is_told_so(
    service: TestService, kind: str
) -> None:
    """In another process. Declined, the first has a link, which is what both get."""
    scene = await begin(service, kind)
    scene.bank.declines[scene.user.user], scene.bank.turns = 1, 50
    first = asyncio.ensure_future(scene.request())
    await scene.bank.charges.wait()
    async with running_service(scene.bank, old=service) as other:
        elsewhere = request_in(other, kind, scene.user.user)
        with pytest.raises(CallUnderWay):
            await elsewhere()
        link = link_of(await first)
        again = await elsewhere()
        assert (again.replayed, again.payment) == (True, link)


@KINDS
async def test_an_answer_that_comes_when_its_charge_was_declined(
    service: TestService, kind: str
) -> None:
    """By the sweep of another process, before the request that heard nothing was answered."""
    scene, first, goes_on = await _to_be_declined(service, kind)
    async with running_service(scene.bank, old=service) as other:
        service.clock.advance(21_000)
        await other.payment_checks.check_due()
    scene.bank.no_charge = AWAY
    goes_on.set()
    await scene.is_bound_to(link_of(await first))


@KINDS
async def test_a_repeat_that_hears_nothing_leaves_the_second_step_to_the_first(
    service: TestService, kind: str
) -> None:
    """In another process. The first is declined then, and has a link."""
    scene, first, goes_on = await _to_be_declined(service, kind)
    async with running_service(scene.bank, old=service) as other:
        scene.bank.no_charge = AWAY
        with pytest.raises(Unavailable):
            await request_in(other, kind, scene.user.user)()
    scene.bank.no_charge = None
    goes_on.set()
    await scene.is_bound_to(link_of(await first))


@KINDS
async def test_a_request_that_hears_nothing_while_another_process_asks_for_the_checkout(
    service: TestService, kind: str
) -> None:
    """Its sweep found no method; the request heard nothing of its charge; and there is no checkout
    after all."""
    scene = await begin(service, kind)
    first, charge = await scene.held(scene.request())
    async with running_service(scene.bank, old=service) as other:
        service.clock.advance(21_000)
        sweep, charge_too = await scene.held(other.payment_checks.check_due())
        scene.bank.on_file.clear()
        opening, open_it = scene.bank.hold()
        charge_too.set()
        await opening.wait()
        scene.bank.no_charge = scene.bank.no_checkout = AWAY
        charge.set()
        with pytest.raises(CallUnderWay):
            await first
        open_it.set()
        await sweep
    await scene.payment_is(PaymentStatus.FAILED)
    scene.bank.no_charge = scene.bank.no_checkout = None
    scene.user.save_card()
    await scene.a_repeat_is_charged()


@KINDS
async def test_of_repeats_in_two_processes_one_is_done(service: TestService, kind: str) -> None:
    scene = await begin(service, kind, on_file=False)
    await scene.is_killed_at_its_checkout()
    await scene.sweep_gives_up()
    scene.user.save_card()
    async with running_service(scene.bank, old=service) as other:
        elsewhere = request_in(other, kind, scene.user.user)
        views = await asyncio.gather(*(ask() for ask in [scene.request, elsewhere] * 3))
    assert sum(not view.replayed for view in views) == 1
    assert len(scene.user.charged().split()) == 1
    assert (await scene.request()).replayed


@KINDS
async def test_a_first_that_ends_late_leaves_the_key_to_the_repeat(
    service: TestService, kind: str
) -> None:
    """Its checkout was given up, and a repeat had another, while it was asked for."""
    scene = await begin(service, kind, on_file=False)
    first, goes_on = await scene.held(scene.request())
    await scene.sweep_gives_up()
    async with running_service(scene.bank, old=service) as other:
        in_first, scene.request = scene.request, request_in(other, kind, scene.user.user)
        link = await scene.a_repeat_has_a_link()
    scene.request = in_first
    goes_on.set()
    with pytest.raises(PaymentNotOpen):
        await first
    await scene.is_bound_to(link)
