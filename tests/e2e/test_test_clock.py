"""Weeks in a moment, against a started process with TEST_CLOCK=on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.service import Service

DAY_SECONDS = 86_400
ENDED = ["credit.deducted", "usage.limit_exceeded", "service.stop_user"]


@pytest.fixture
def unstarted(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path, TEST_CLOCK="on")
    yield made
    made.kill()


async def test_credits_end_and_the_clock_outlives_the_process(unstarted: Service) -> None:
    service = unstarted.start()
    key = service.key()
    async with service.by_key(key) as client, service.by_admin() as admin:
        ends = (datetime.now(UTC) + timedelta(days=40)).isoformat()
        gift = {"userId": "u1", "amount": 10, "reason": "test", "expiresAt": ends}
        await admin.post("/admin/credits", gift)
        deduct = {"userId": "u1", "amount": 3, "requestId": "r1"}
        done = await client.post("/deduct", deduct)
        advance = {"advanceSeconds": 41 * DAY_SECONDS, "requestId": "a1"}
        told = await admin.post("/admin/test-clock", advance)
        assert told["remainingSeconds"] == 0
        balance = await client.get("/balance/u1")
        assert balance["balance"] == 0
        events = await admin.events("u1")
        assert [event["type"] for event in events[2:]] == ENDED
        late = datetime.fromisoformat(events[2]["time"]) - datetime.fromisoformat(ends)
        assert timedelta(milliseconds=-1) < late < timedelta(seconds=30)
        blocked = await client.get("/blocklist")
        assert [(user["userId"], user["causes"]) for user in blocked["users"]] == [
            ("u1", ["credits_gone"])
        ]
        # The key, the token and what a request key was bound to are of before.
        assert await client.post("/deduct", deduct) == done

    assert service.stop() == 0
    service.start()
    async with service.by_key(key) as client, service.by_admin() as admin:
        assert await admin.post("/admin/test-clock", advance) == told
        moved = await admin.post("/admin/test-clock", {"advanceSeconds": 1})
        gone = datetime.fromisoformat(moved["now"]) - datetime.fromisoformat(told["now"])
        assert timedelta(seconds=1) <= gone < timedelta(seconds=60)
        assert await client.post("/deduct", deduct) == done
        given = await admin.post("/admin/credits", {"userId": "u1", "amount": 1, "reason": "test"})
        assert given["newBalance"] == 1
        assert (await admin.events("u1"))[-1]["time"] > told["now"]
    assert service.stop() == 0
    service.verify()


async def test_a_payment_is_settled_in_its_time(unstarted: Service) -> None:
    service = unstarted.start()
    async with service.by_user("u1") as user, service.by_admin() as admin:
        begun = datetime.now(UTC)
        payment = await user.post("/payments/initiate", {"packId": "credits_100"})
        # Paid, and nobody is told: the service finds out by asking.
        page = f"{service.url}/sandbox/checkout/{payment['sessionId']}"
        await user.http.post(page, data={"outcome": "timeout"})
        other = await user.post("/payments/initiate", {"packId": "credits_100"})
        await admin.post("/admin/test-clock", {"advanceSeconds": 4 * DAY_SECONDS})
        paid = await user.get(f"/payments/{payment['paymentId']}")
        assert paid["payment"]["status"] == "paid"
        given_up = await user.get(f"/payments/{other['paymentId']}")
        assert given_up["payment"]["status"] == "expired"
        events = await admin.events("u1")
        assert [event["type"] for event in events] == ["payment.completed", "credit.added"]
        asked = datetime.fromisoformat(events[0]["time"]) - begun
        assert timedelta(0) < asked < timedelta(minutes=5)
    assert service.stop() == 0
    service.verify()
