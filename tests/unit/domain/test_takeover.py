"""What is taken over from the replaced service, in the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shothik_payment.domain.errors import (
    AlreadyReversed,
    IdempotencyKeyReused,
    InvalidRequest,
    WrongService,
)
from shothik_payment.domain.model.api_key import Scope, digest_of
from shothik_payment.domain.model.subscription import SubscriptionStatus
from shothik_payment.domain.model.time import DAY, END_OF_TIME, Millis
from shothik_payment.domain.use_cases.old_identities import fingerprint
from shothik_payment.domain.use_cases.takeover import (
    OldDeduction,
    OldKey,
    OldRecord,
    OldSubscription,
    OldWallet,
    Takeover,
)
from tests.support.service import CATALOG, START, TestService, running_service

PARAPHRASE = "paraphrase_service"


@pytest.fixture
async def service() -> AsyncIterator[TestService]:
    async with running_service() as started:
        yield started


@pytest.fixture
def takeover(service: TestService) -> Takeover:
    return taking(service)


def taking(service: TestService) -> Takeover:
    return Takeover(
        service.writer,
        service.taken_over,
        service.api_keys,
        CATALOG,
        {service.gateway.name: service.gateway},
        service.clock,
        service.clock,
        service.ids,
    )


async def test_a_wallet_is_taken_over_once(service: TestService, takeover: Takeover) -> None:
    first = await takeover.take(OldWallet("u1", 150))
    again = await takeover.take(OldWallet("u1", 150))
    assert (first.credits, first.before) == (150, False)
    assert (again.credits, again.before) == (150, True)
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(OldWallet("u1", 151))
    wallet = await service.views.wallet("u1")
    assert (wallet.available, wallet.events) == (150, 0)
    assert await service.differences() == []


@pytest.mark.parametrize(("first", "second"), [(150, 0), (0, 150)])
async def test_an_empty_wallet_is_taken_over_once_as_well(
    service: TestService, takeover: Takeover, first: int, second: int
) -> None:
    await takeover.take(OldWallet("u1", first))
    assert (await takeover.take(OldWallet("u1", first))).before
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(OldWallet("u1", second))
    wallet = await service.views.wallet("u1")
    assert (wallet.available, wallet.events) == (first, 0)
    assert await service.differences() == []


async def test_an_open_deduction_can_be_reversed_by_its_old_id(
    service: TestService, takeover: Takeover
) -> None:
    await takeover.take(OldWallet("u1", 10))
    old = OldDeduction("txn_of_old", "u1", "paraphrase", 7, "rewrite", {"words": 700})
    assert (await takeover.take(old)).credits == 7
    assert (await takeover.take(old)).before
    assert (await service.views.wallet("u1")).available == 10

    caller = service.caller()
    part = await service.spend.reverse(caller, "txn_of_old", amount=3)
    assert part.transaction is not None
    assert part.transaction.new_balance == 13
    with pytest.raises(WrongService):
        await service.spend.reverse(service.caller("slide"), "txn_of_old", amount=None)
    await service.spend.reverse(caller, "txn_of_old", amount=None)
    assert (await service.views.wallet("u1")).available == 17
    with pytest.raises(AlreadyReversed):
        await service.spend.reverse(caller, "txn_of_old", amount=None)
    assert await service.differences() == []


async def test_a_run_that_was_killed_before_the_old_id_led_anywhere_is_repeated(
    service: TestService, takeover: Takeover
) -> None:
    old = OldDeduction("txn_of_old", "u1", PARAPHRASE, 7)
    await takeover.take(old)
    place = "taken over", "transaction txn_of_old"
    service.state.documents[place] = service.state.documents[place].partition(b" ")[0]
    assert (await takeover.take(old)).before
    reversed_ = await service.spend.reverse(service.caller(), "txn_of_old", amount=None)
    assert reversed_.transaction is not None
    assert reversed_.transaction.new_balance == 7


async def test_one_old_id_is_one_transaction(service: TestService, takeover: Takeover) -> None:
    await takeover.take(OldDeduction("txn_of_old", "u1", PARAPHRASE, 7))
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(OldDeduction("txn_of_old", "u1", PARAPHRASE, 8))
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(OldDeduction("txn_of_old", "u2", PARAPHRASE, 7))
    assert service.state.wallets.keys() == {"u1"}


async def test_it_does_not_count_as_charged_now(service: TestService, takeover: Takeover) -> None:
    await takeover.take(OldDeduction("txn_of_old", "u1", PARAPHRASE, 7))
    assert service.state.charged == {}


def _subscription(plan: str = "pro", days: int = 10) -> OldSubscription:
    return OldSubscription("u1", plan, Millis(START - 20 * DAY), Millis(START + days * DAY))


async def test_a_subscription_goes_on_and_is_renewed_at_its_end(
    service: TestService, takeover: Takeover
) -> None:
    await takeover.take(OldWallet("u1", 500))
    await takeover.take(_subscription())
    assert (await takeover.take(_subscription())).before
    wallet = await service.views.wallet("u1")
    assert wallet.subscription is not None
    assert wallet.subscription.status is SubscriptionStatus.ACTIVE
    assert (wallet.available, wallet.events) == (500, 0)
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(_subscription("lite"))

    await service.advance(10 * DAY + 1000)
    await service.do_due()
    due = (await service.views.wallet("u1")).subscription
    assert due is not None
    assert due.awaited is not None
    assert (due.status, due.awaited.by_payer) == (SubscriptionStatus.PAST_DUE, True)

    payment = await service.payments.get(due.awaited.payment_id)
    assert payment is not None
    await service.pay(payment)
    wallet = await service.views.wallet("u1")
    assert wallet.subscription is not None
    assert wallet.subscription.period_start == START + 10 * DAY
    assert wallet.available == 500 + 2000
    assert await service.differences() == []


async def test_a_subscription_that_was_taken_over_is_not_taken_over_again(
    service: TestService, takeover: Takeover
) -> None:
    old = _subscription(days=300)
    await takeover.take(old)
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(replace(old, cancel_at_period_end=True))
    await service.subscriptions.cancel("u1", now=True)
    service.state.requests.clear()  # as after 30 days
    assert (await takeover.take(old)).before
    await service.advance(301 * DAY)
    assert (await takeover.take(old)).before
    wallet = await service.views.wallet("u1")
    assert wallet.subscription is not None
    assert wallet.subscription.status is SubscriptionStatus.CANCELLED


async def test_a_key_that_differs_is_not_passed_over(
    service: TestService, takeover: Takeover
) -> None:
    old = OldKey(digest_of("sk_old"), "_old", PARAPHRASE, START)
    assert not (await takeover.take(old)).before
    assert (await takeover.take(old)).before
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(replace(old, revoked_at=START))
    assert len(service.state.api_keys) == 1


HIDDEN = OldKey(digest_of("sk_old"), "_old", PARAPHRASE, START, "jobs\u202e")


HIDDEN_PLACE = "taken over", f"key {HIDDEN.digest.hex()}"
HIDDEN_CONTENT = (
    f'{{"created_at":{START},"digest":"{HIDDEN.digest.hex()}","last4":"_old",'
    '"name":"jobs\\u202e","service":"paraphrase_service"}'
)
HIDDEN_CLAIM = fingerprint(HIDDEN_CONTENT).hex().encode()


@pytest.mark.parametrize("name", ["jobs\u202e", "\u3164", "a\u2062b"])
async def test_a_key_s_name_is_one_that_people_can_see(
    service: TestService, takeover: Takeover, name: str
) -> None:
    old = OldKey(digest_of("sk_old"), "_old", PARAPHRASE, START, name)
    for dry in (True, False):
        with pytest.raises(InvalidRequest) as refused:
            await takeover.take(old, dry=dry)
        assert [field.path for field in refused.value.fields] == ["name"]
    # Nothing is bound by it: the line is taken with another name.
    assert not (await takeover.take(replace(old, name="jobs"))).before
    assert [key.name for key in await service.api_keys.list(None, None, 9)] == ["jobs"]


async def test_a_key_that_was_taken_over_with_such_a_name_is_known_again(
    service: TestService, takeover: Takeover
) -> None:
    service.state.documents[HIDDEN_PLACE] = HIDDEN_CLAIM + b" done"
    for dry in (True, False):
        assert (await takeover.take(HIDDEN, dry=dry)).before


async def test_a_key_that_was_being_taken_over_with_such_a_name_is_so_to_the_end(
    service: TestService, takeover: Takeover
) -> None:
    """Its claim binds all that the line says: with another name it would be another line."""
    service.state.documents[HIDDEN_PLACE] = HIDDEN_CLAIM  # killed before the key was stored
    for dry in (True, False):
        assert not (await takeover.take(HIDDEN, dry=dry)).before
    service.state.documents[HIDDEN_PLACE] = HIDDEN_CLAIM  # killed before it was told
    assert (await takeover.take(HIDDEN)).before
    assert [key.name for key in await service.api_keys.list(None, None, 9)] == [HIDDEN.name]
    assert service.state.documents[HIDDEN_PLACE] == HIDDEN_CLAIM + b" done"
    with pytest.raises(IdempotencyKeyReused):
        await takeover.take(replace(HIDDEN, name="jobs"))


FINGERPRINTS = [
    (
        OldSubscription("u1", "pro", Millis(0), Millis(END_OF_TIME - 1)),
        "subscription u1",
        f'{{"period_end":{END_OF_TIME - 1},"period_start":0,"plan":"pro","user_id":"u1"}}',
    ),
    (
        OldDeduction("t1", "u1", "paraphrase", 5, metadata={"b": 2, "a": "é"}),
        "transaction t1",
        '{"amount":5,"metadata":{"a":"\\u00e9","b":2},"service":"paraphrase",'
        '"transaction_id":"t1","user_id":"u1"}',
    ),
    (
        OldKey(digest_of("sk_old"), "_old", "paraphrase", START, allowed_ips=("10.0.0.0/8",)),
        f"key {digest_of('sk_old').hex()}",
        f'{{"allowed_ips":["10.0.0.0/8"],"created_at":{START},"digest":"{digest_of("sk_old").hex()}",'
        '"last4":"_old","service":"paraphrase"}',
    ),
    (
        OldKey(digest_of("sk_2"), "sk_2", "paraphrase", START, scopes=(Scope.CREDITS_READ,)),
        f"key {digest_of('sk_2').hex()}",
        f'{{"created_at":{START},"digest":"{digest_of("sk_2").hex()}",'
        '"last4":"sk_2","scopes":["credits:read"],"service":"paraphrase"}',
    ),
]


@pytest.mark.parametrize(("old", "place", "content"), FINGERPRINTS)
async def test_a_later_release_knows_a_record_again(
    service: TestService, takeover: Takeover, old: OldRecord, place: str, content: str
) -> None:
    """Whatever fields and scopes it has by then: only what the line says counts."""
    await takeover.take(old)
    kept = service.state.documents["taken over", place].partition(b" ")[0]
    assert kept.decode() == fingerprint(content).hex()


async def test_the_order_of_metadata_is_no_difference(takeover: Takeover) -> None:
    old = OldDeduction("t1", "u1", PARAPHRASE, 7, metadata={"a": 1, "b": 2})
    await takeover.take(old)
    assert (await takeover.take(replace(old, metadata={"b": 2, "a": 1}))).before


async def test_what_has_ended_or_is_not_sold_is_refused(takeover: Takeover) -> None:
    for wrong in (_subscription(days=0), _subscription("platinum")):
        for dry in (True, False):
            with pytest.raises(InvalidRequest):
                await takeover.take(wrong, dry=dry)
    with pytest.raises(InvalidRequest):
        await takeover.take(OldDeduction("t", "u1", "nothing_service", 7), dry=True)


async def test_a_dry_run_writes_nothing(service: TestService, takeover: Takeover) -> None:
    for old in (OldWallet("u1", 5), OldDeduction("t", "u1", PARAPHRASE, 7), _subscription()):
        await takeover.take(old, dry=True)
    assert not service.state.wallets
    assert not service.state.documents
