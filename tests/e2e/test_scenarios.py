"""The four scenarios of the overview's section 7, over HTTP against a started process."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.cluster import Cluster
from tests.e2e.service import Service, free_port


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


async def test_a_normal_request(deployment: Service | Cluster) -> None:
    key = deployment.key()
    await deployment.give("user_1", 100)
    async with deployment.by_key(key) as client, deployment.by_admin() as admin:
        blocked = await client.get("/blocklist")
        assert blocked["users"] == []
        balance = await client.get("/balance/user_1")
        assert balance["balance"] == 100
        assert balance["currency"] == "credits"
        body = {
            "userId": "user_1",
            "amount": 5,
            "service": "paraphrase_service",
            "feature": "text_paraphrase",
        }
        done = await client.post("/deduct", body)
        assert done["success"] is True
        assert done["transactionId"].startswith("txn_")
        assert (done["previousBalance"], done["newBalance"]) == (100, 95)

        events = await admin.events("user_1")
        assert kinds(events) == ["credit.added", "credit.deducted"]
        data = events[1]["data"]
        assert data["transactionId"] == done["transactionId"]
        assert (data["amount"], data["newBalance"], data["feature"]) == (5, 95, "text_paraphrase")


async def test_a_failure_and_its_reversal(deployment: Service | Cluster) -> None:
    key = deployment.key()
    await deployment.give("user_2", 100)
    async with deployment.by_key(key) as client, deployment.by_admin() as admin:
        done = await client.post("/deduct", {"userId": "user_2", "amount": 5})
        back = await client.post(
            "/reverse", {"transactionId": done["transactionId"], "reason": "model failed"}
        )
        assert (back["amountReversed"], back["newBalance"]) == (5, 100)
        again = await client.post("/reverse", {"transactionId": done["transactionId"]}, status=409)
        assert again["error"]["code"] == "already_reversed"

        events = await admin.events("user_2")
        assert kinds(events) == ["credit.added", "credit.deducted", "credit.refunded"]
        assert events[2]["data"]["originalTransactionId"] == done["transactionId"]


async def test_credits_used_up(deployment: Service | Cluster) -> None:
    paraphrase, slide = deployment.key("paraphrase"), deployment.key("slide")
    await deployment.give("user_3", 10)
    async with deployment.by_key(paraphrase) as client, deployment.by_admin() as admin:
        await client.post("/deduct", {"userId": "user_3", "amount": 10})
        refused = await client.post("/deduct", {"userId": "user_3", "amount": 1}, status=402)
        assert refused["error"]["code"] == "insufficient_credits"
        details = refused["error"]["details"]
        assert (details["available"], details["held"], details["required"]) == (0, 0, 1)

        events = await admin.events("user_3")
        assert kinds(events) == [
            "credit.added",
            "credit.deducted",
            "usage.limit_exceeded",
            "service.stop_user",
            "service.stop_user",
        ]
        stopped = [event["data"]["service"] for event in events[3:]]
        assert stopped == ["paraphrase_service", "slide_service"]
        blocked = await client.get("/blocklist")
        assert [user["userId"] for user in blocked["users"]] == ["user_3"]
        assert blocked["users"][0]["causes"] == ["credits_gone"]
        assert int(blocked["users"][0]["sequence"]) == 5
        access = await client.get("/subscriptions/user_3/validate-access")
        assert access["canAccess"] is False
        assert access["subscription"] == {"plan": "free", "status": "active"}
    async with deployment.by_key(slide) as client:
        assert [u["userId"] for u in (await client.get("/blocklist"))["users"]] == ["user_3"]


async def test_a_purchase_lets_the_user_on(deployment: Service | Cluster) -> None:
    paraphrase = deployment.key("paraphrase")
    deployment.key("slide")
    await deployment.give("user_4", 1)
    async with (
        deployment.by_key(paraphrase) as client,
        deployment.by_user("user_4") as user,
        deployment.by_admin() as admin,
    ):
        await client.post("/deduct", {"userId": "user_4", "amount": 1})
        told = len(await admin.events("user_4"))

        back_to = f"http://localhost:{free_port()}/bought"
        body = {"packId": "credits_100", "currency": "USD", "successUrl": back_to}
        opened = await user.post("/payments/initiate", body)
        async with httpx.AsyncClient(verify=False) as browser:
            page = await browser.get(opened["paymentUrl"])
            assert page.status_code == 200
            assert "10.00" in page.text
            paid = await browser.post(opened["paymentUrl"], data={"outcome": "success"})
        assert paid.status_code == 303
        assert paid.headers["location"].startswith(back_to)

        events = (await admin.events("user_4"))[told:]
        assert kinds(events) == [
            "payment.completed",
            "credit.added",
            "usage.limit_reset",
            "service.resume_user",
            "service.resume_user",
        ]
        resumed = [event["data"]["service"] for event in events[3:]]
        assert resumed == ["paraphrase_service", "slide_service"]
        assert events[0]["data"]["amountMinor"] == 1000
        assert events[0]["data"]["sessionId"] == opened["sessionId"]
        wallet = (await user.get("/wallet"))["wallet"]
        assert (wallet["balance"], wallet["status"]) == (100, "active")
        assert (await client.get("/blocklist"))["users"] == []
        payment = await user.get(f"/payments/{opened['paymentId']}")
        assert payment["payment"]["status"] == "paid"
    deployment.verify()
