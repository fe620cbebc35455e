"""What services see of plans: access, limits, usage."""

from __future__ import annotations

import httpx
import pytest

from tests.integration.http.subscribers import (
    MONTH_LATER,
    code,
    done,
    subscribed,
)
from tests.integration.http.support import World


async def test_access_within_a_plans_limits(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world, "lite")
    service = await world.by_key()
    access = "/subscriptions/u1/validate-access"
    seen = done(await service.get(access))
    limit = {
        "unit": "credits",
        "allowed": 100,
        "used": 0,
        "held": 0,
        "remaining": 100,
        "resetsAt": MONTH_LATER,
        "near": False,
    }
    assert seen == {
        "success": True,
        "canAccess": True,
        "reason": None,
        "subscription": {"plan": "lite", "status": "active"},
        "currentPeriodEnd": MONTH_LATER,
        "cancelAtPeriodEnd": False,
        "limits": {"paraphrase_service": limit},
        "required": 1,
        "balance": 500,
        "held": 0,
        "causes": [],
    }
    done(await service.post("/deduct", json={"userId": "u1", "amount": 70}))
    done(await service.post("/holds", json={"userId": "u1", "amount": 20}))
    done(await user.delete("/subscriptions/current"))
    seen = done(await service.get("/subscriptions/u1/validate", params={"units": 1001}))
    assert (seen["canAccess"], seen["reason"]) == (False, "plan_limit_reached")
    assert seen["cancelAtPeriodEnd"] is True
    now = {**limit, "used": 70, "held": 20, "remaining": 10, "near": True}
    assert seen["limits"] == {"paraphrase_service": now}

    for path in ("/deduct", "/holds"):
        refused = await service.post(path, json={"userId": "u1", "amount": 11})
        assert code(refused) == (403, "plan_limit_reached")
        assert refused.json()["error"]["details"] == {
            "service": "paraphrase_service",
            "plan": "lite",
            "limit": "credits",
            "allowed": 100,
            "used": 70,
            "held": 20,
            "required": 11,
            "resetsAt": MONTH_LATER,
        }
    usage = (await user.get("/wallet")).json()["wallet"]["usage"]
    shown = {"unit": "credits", "allowed": 100, "remaining": 10, "near": True}
    assert usage == [
        {
            "service": "paraphrase_service",
            "count": 1,
            "credits": 70,
            "limit": shown,
            "resetsAt": MONTH_LATER,
        },
        {
            "service": "slide_service",
            "count": 0,
            "credits": 0,
            "limit": {"unit": "count", "allowed": 3, "remaining": 3, "near": False},
            "resetsAt": MONTH_LATER,
        },
    ]


async def test_a_service_that_the_plan_leaves_out(world: World, user: httpx.AsyncClient) -> None:
    await world.give("u1", 100)
    slide, paraphrase = await world.by_key("slide", rate_limit=100), await world.by_key()
    access = "/subscriptions/u1/validate-access"
    assert done(await slide.get(access))["limits"] == {}
    done(await user.post("/subscriptions", json={"plan": "text"}))
    seen = done(await slide.get(access))
    assert (seen["canAccess"], seen["reason"]) == (False, "service_not_in_plan")
    assert (seen["limits"], seen["causes"]) == ({}, ["subscription_lapsed"])
    for path in ("/deduct", "/holds"):
        refused = await slide.post(path, json={"userId": "u1", "amount": 1})
        assert code(refused) == (403, "service_not_in_plan")
    details = refused.json()["error"]["details"]
    assert details == {"service": "slide_service", "plan": "text"}
    assert done(await paraphrase.get(access))["canAccess"] is True
    done(await paraphrase.post("/deduct", json={"userId": "u1", "amount": 7}))
    (usage,) = (await user.get("/wallet")).json()["wallet"]["usage"]
    assert (usage["service"], usage["credits"], usage["limit"]) == ("paraphrase_service", 7, None)


async def test_what_is_not_paid_gives_nothing(world: World, user: httpx.AsyncClient) -> None:
    done(await user.post("/subscriptions", json={"plan": "pro"}))
    seen = done(await (await world.by_key()).get("/subscriptions/u1/validate-access"))
    assert seen["subscription"] == {"plan": "free", "status": "active"}
    assert (seen["canAccess"], seen["currentPeriodEnd"]) == (False, None)


@pytest.mark.parametrize("name", ["current", "history", "preview"])
async def test_users_whose_id_is_also_a_path(world: World, name: str) -> None:
    await world.give(name, 5)
    service = await world.by_key()
    for path in ("validate-access", "validate"):
        seen = done(await service.get(f"/subscriptions/{name}/{path}"))
        assert (seen["canAccess"], seen["balance"]) == (True, 5)
