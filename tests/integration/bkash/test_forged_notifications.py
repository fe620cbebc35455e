"""Messages that must not get in: each refused without a single connection for it, but for those
that only the certificate can tell."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.domain.errors import InvalidRequest, Unauthenticated
from tests.integration.bkash.sns import OUTGOING, Outgoing, raw, read
from tests.integration.bkash.support import Shop
from tests.simulators.bkash import TOPIC, Simulator

OTHER_TOPIC = "arn:aws:sns:ap-southeast-1:999999999999:bkash-payments"


@pytest.fixture
def outgoing() -> Iterator[Outgoing]:
    OUTGOING.seen.clear()
    yield OUTGOING
    OUTGOING.watching = False


async def refused_unseen(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing, message: dict[str, Any]
) -> None:
    """Refused, and nobody was connected to or looked up."""
    before = await simulator.requests()
    outgoing.watching = True
    with pytest.raises(Unauthenticated):
        await read(gateway, message)
    outgoing.watching = False
    assert outgoing.seen == []
    assert await simulator.requests() == before


async def test_the_watch_sees_connections(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing
) -> None:
    message = await simulator.message(invoice="pay_1", trx_id="T1")
    outgoing.watching = True
    await read(gateway, message)
    outgoing.watching = False
    assert [event for event, _ in outgoing.seen].count("socket.connect") == 1


@pytest.mark.parametrize(
    ("place", "rest"),
    [
        ("https://sns.eu-west-1.amazonaws.com", "/SimpleNotificationService-test.pem"),
        ("https://sns.ap-southeast-1.amazonaws.com", "/SimpleNotificationService-test.pem"),
        ("https://sns.ap-southeast-1.amazonaws.com.evil.example", "/a.pem"),
        ("https://sns.ap-southeast-1.amazonaws.com.cn", "/a.pem"),
        ("https://snsxap-southeast-1.amazonaws.com", "/a.pem"),
        ("https://my-bucket.s3.amazonaws.com", "/a.pem"),
        ("https://evil.example", "/sns.ap-southeast-1.amazonaws.com/a.pem"),
        ("http://127.0.0.1:1", "/SimpleNotificationService-test.pem"),
        ("http://localhost", "/SimpleNotificationService-test.pem"),
        ("http://[::1]", "/SimpleNotificationService-test.pem"),
        ("http://169.254.169.254", "/latest/meta-data/a.pem"),
        ("file://", "/etc/ssl/a.pem"),
        ("SELF", "@evil.example/a.pem"),
        ("SELF", "#@evil.example/a.pem"),
        ("SELF", "?@evil.example/a.pem"),
        ("SELF", "0/a.pem"),
        ("SELF", ".evil.example/a.pem"),
        ("SELF", "/a.pem?b=.pem"),
        ("SELF", "/a.pem#b.pem"),
        ("SELF", "/../a.pem"),
        ("SELF", "/%2e%2e/a.pem"),
        ("SELF", "//evil.example/a.pem"),
        ("SELF", "/\\evil.example/a.pem"),
        ("SELF", "/a.txt"),
        ("SELF", "/a.pem\n"),
        ("SELF", "/a\r\nb.pem"),
        ("SELF", ""),
        ("USER", "/SimpleNotificationService-test.pem"),
        ("", ""),
    ],
)
async def test_a_certificate_that_lies_elsewhere(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing, place: str, rest: str
) -> None:
    origin = {"SELF": simulator.url, "USER": simulator.url.replace("//", "//user:pass@")}
    url = origin.get(place, place) + rest
    message = await simulator.message(invoice="pay_1", trx_id="T1", fields={"SigningCertURL": url})
    await refused_unseen(gateway, simulator, outgoing, message)


@pytest.mark.parametrize("place", ["another", "with_user", "look_alike", "port"])
async def test_a_certificate_that_is_not_at_amazon(
    shop: Shop, simulator: Simulator, outgoing: Outgoing, place: str
) -> None:
    """As in production, where the topic's region at Amazon is the origin."""
    gateway = shop.gateway(cert_origin=None)
    url = {
        "another": simulator.certificate_url,
        "with_user": "https://sns.ap-southeast-1.amazonaws.com@127.0.0.1/a.pem",
        "look_alike": "https://sns.ap-southeast-1.amazonaws.com.evil.example/a.pem",
        "port": "https://sns.ap-southeast-1.amazonaws.com:8443/a.pem",
    }[place]
    message = await simulator.message(invoice="pay_1", trx_id="T1", fields={"SigningCertURL": url})
    await refused_unseen(gateway, simulator, outgoing, message)


@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation"])
async def test_another_topic(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing, kind: str
) -> None:
    message = await simulator.message(topic=OTHER_TOPIC, invoice="pay_1", fields={"Type": kind})
    await refused_unseen(gateway, simulator, outgoing, message)


async def test_no_topic_is_configured(shop: Shop, simulator: Simulator, outgoing: Outgoing) -> None:
    gateway = shop.gateway(topic_arn=None)
    message = await simulator.message(invoice="pay_1", trx_id="T1")
    await refused_unseen(gateway, simulator, outgoing, message)


@pytest.mark.parametrize("age_seconds", [3_660, 86_400, -360, -86_400])
async def test_stale_or_from_the_future(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing, age_seconds: int
) -> None:
    message = await simulator.message(
        invoice="pay_1", trx_id="T1", fields={"age_seconds": age_seconds}
    )
    await refused_unseen(gateway, simulator, outgoing, message)


@pytest.mark.parametrize(
    "change",
    [
        {"Signature": None},
        {"Signature": ""},
        {"Signature": "not base64!"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
        {"Timestamp": "yesterday"},
        {"Timestamp": None},
        {"MessageId": "two words"},
        {"MessageId": None},
        {"Message": {"trxID": "T1"}},
        {"Type": "Something"},
        {"Type": 5},
        {"TopicArn": [TOPIC]},
        {"SigningCertURL": None},
    ],
)
async def test_what_is_no_message_of_sns(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing, change: dict[str, Any]
) -> None:
    message = await simulator.message(invoice="pay_1", trx_id="T1")
    changed = {k: v for k, v in {**message, **change}.items() if v is not None}
    before = await simulator.requests()
    outgoing.watching = True
    with pytest.raises(Unauthenticated):
        await gateway.read_notification(raw(changed), {})
    outgoing.watching = False
    assert outgoing.seen == []
    assert await simulator.requests() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
async def test_what_cannot_be_read(gateway: BkashGateway, body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await gateway.read_notification(body, {})


@pytest.mark.parametrize("version", ["1", "2"])
async def test_one_byte_is_changed(
    gateway: BkashGateway, simulator: Simulator, version: str
) -> None:
    message = await simulator.message(
        invoice="pay_1", trx_id="T1", fields={"SignatureVersion": version, "Subject": "A"}
    )
    await read(gateway, message)
    forged = [
        {"Message": message["Message"].replace("pay_1", "pay_2")},
        {"Subject": "B"},
        {"MessageId": message["MessageId"][:-1] + "x"},
        {"Timestamp": message["Timestamp"].replace("Z", "+00:00")},
        {"SignatureVersion": "2" if version == "1" else "1"},
        {"Signature": base64.b64encode(b"\1" * 256).decode()},
    ]
    for change in forged:
        with pytest.raises(Unauthenticated):
            await read(gateway, {**message, **change})
    del message["Subject"]
    with pytest.raises(Unauthenticated):
        await read(gateway, message)


@pytest.mark.parametrize(
    "place", ["expired_certificate_url", "redirecting_certificate_url", "huge_certificate_url"]
)
async def test_what_lies_there_is_not_good(
    gateway: BkashGateway, simulator: Simulator, place: str
) -> None:
    url = getattr(simulator, place)
    message = await simulator.message(invoice="pay_1", fields={"SigningCertURL": url})
    with pytest.raises(Unauthenticated):
        await read(gateway, message)
    assert len(await simulator.requests()) == 1  # nothing that a redirect named


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        "http://127.0.0.1:1/?Action=ConfirmSubscription",
        "SELF@evil.example/?Action=ConfirmSubscription",
        "SELF.evil.example/?Action=ConfirmSubscription",
        "SELF/elsewhere?Action=ConfirmSubscription",
        "SELF//evil.example/?Action=ConfirmSubscription",
        "SELF/?Action=ConfirmSubscription#x",
        "",
    ],
)
async def test_a_subscription_is_confirmed_at_amazon_only(
    gateway: BkashGateway, simulator: Simulator, outgoing: Outgoing, url: str
) -> None:
    """Though the message is signed."""
    url = url.replace("SELF", simulator.url)
    fields = {"Type": "SubscriptionConfirmation", "SubscribeURL": url}
    await refused_unseen(gateway, simulator, outgoing, await simulator.message(fields=fields))


async def test_a_forged_subscription_is_not_confirmed(
    gateway: BkashGateway, simulator: Simulator
) -> None:
    message = await simulator.message(fields={"Type": "SubscriptionConfirmation"})
    with pytest.raises(Unauthenticated):
        await read(gateway, {**message, "Token": message["Token"][::-1] + "0"})
    assert await simulator.calls("confirm") == 0
