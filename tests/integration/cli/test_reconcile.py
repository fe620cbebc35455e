"""The comparison with the gateway as an operator runs it: on a file, with the sandbox's money."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.service import Service, free_port


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A stopped service: u1's payment is settled, u2 paid at the sandbox and nobody heard of it,
    u3's checkout is open."""
    service = Service(tmp_path_factory.mktemp("reconcile"), free_port()).start()
    asyncio.run(_sell(service))
    assert service.stop() == 0
    return service


async def _sell(service: Service) -> None:
    for user, outcome in ("u1", "success"), ("u2", "timeout"), ("u3", None):
        async with service.by_user(user) as client:
            asked = {"packId": "credits_100", "gateway": "sandbox", "currency": "USD"}
            started = await client.post("/payments/initiate", asked)
            if outcome is not None:
                ended = await asyncio.to_thread(
                    httpx.post, started["paymentUrl"], data={"outcome": outcome}
                )
                assert ended.status_code in (200, 303), ended.text
            balance = (await client.get("/wallet"))["wallet"]["balance"]
            assert balance == (100 if outcome == "success" else 0)


def run(shop: Service, *options: str, code: int, **environment: str) -> dict[str, Any]:
    ended = shop.run("reconcile", "--json", *options, **environment)
    assert ended.returncode == code, ended.stdout + ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_the_lost_answer_is_named_then_mended_then_gone(shop: Service) -> None:
    seen = run(shop, code=1)
    (difference,) = seen["differences"]
    payment_id = difference.pop("paymentId")
    assert difference == {
        "userId": "u2",
        "gateway": "sandbox",
        "kind": "gateway",
        "what": "money paid",
        "ours": None,
        "theirs": "10.00 USD",
        "amount": {"amountMinor": 1000, "currency": "USD"},
        "repairable": True,
    }
    assert (seen["users"], seen["payments"], seen["repaired"]) == (3, 3, [])
    in_words = shop.run("reconcile")
    assert in_words.returncode == 1
    named = f"u2, {payment_id}: money paid: nothing here, 10.00 USD at sandbox"
    assert in_words.stdout == (
        f"{named} (--repair mends it)\n3 users, 3 payments: 1 difference left.\n"
    )

    mended = shop.run("reconcile", "--repair")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert mended.stdout == (
        f"Repaired: {named}\n3 users, 3 payments: no difference left, 1 repaired.\n"
    )
    assert run(shop, "--repair", code=0)["repaired"] == []
    shop.verify()

    service = shop.start()
    try:
        asyncio.run(_has_what_was_paid_for(service))
    finally:
        service.kill()


async def _has_what_was_paid_for(service: Service) -> None:
    async with service.by_user("u2") as client:
        assert (await client.get("/wallet"))["wallet"]["balance"] == 100
    async with service.by_admin() as admin:
        told = [event["type"] for event in await admin.events("u2")]
    assert told[:2] == ["payment.completed", "credit.added"]


def test_what_nobody_can_answer_for_is_a_difference(shop: Service) -> None:
    seen = run(shop, code=1, SANDBOX_GATEWAY="off")
    assert {d["kind"] for d in seen["differences"]} == {"not_compared"}
    assert len(seen["differences"]) == seen["payments"] == 3
    assert run(shop, "--since", "2100-01-01", code=0, SANDBOX_GATEWAY="off")["payments"] == 0


def test_a_spoiled_ledger_is_left_as_it_is(shop: Service, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.db"
    with sqlite3.connect(shop.database) as source, sqlite3.connect(spoiled) as copy:
        source.backup(copy)
        copy.execute("DELETE FROM transactions WHERE user_id = 'u1'")
    source.close()
    copy.close()
    left = run(shop, "--repair", code=1, DATABASE_URL=f"sqlite:///{spoiled}")
    about_u1 = [d for d in left["differences"] if d["userId"] == "u1"]
    assert {d["kind"] for d in about_u1} == {"balance", "ledger"}
    assert {"credits": 100} in [d["amount"] for d in about_u1]
    assert not any(d["repairable"] for d in about_u1)


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        (("--since", "yesterday"), {}, "no time"),
        ((), {"DATABASE_URL": "memory://"}, "DATABASE_URL"),
    ],
)
def test_bad_input_is_exit_code_2(
    shop: Service, options: tuple[str, ...], environment: dict[str, str], told: str
) -> None:
    ended = shop.run("reconcile", *options, **environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in " ".join(ended.stderr.split())
