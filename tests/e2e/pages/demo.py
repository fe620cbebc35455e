"""A service with a week of business behind it, as pictures and people who try the pages want it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.service import Service, token, wrong_clock
from tests.e2e.waiting import select_pause

ADMIN = token("operator", "admin")
MAIN_USER = "nusrat.jahan"
USERS = (
    MAIN_USER,
    "tanvir.ahmed",
    "ayesha.siddika",
    "rafiul.islam",
    "farhana.k",
    "imran.h",
    "sadia.noor",
    "mahmud.reza",
    "priya.das",
    "arif.chowdhury",
)
_WEIGHTS = {
    "paraphrase": 40,
    "summarize": 22,
    "translate": 16,
    "slide": 9,
    "adimage": 7,
    "research": 6,
}
_AMOUNTS = {
    "paraphrase": (1, 30),
    "summarize": (2, 24),
    "translate": (1, 20),
    "slide": (10, 40),
    "adimage": (15, 45),
    "research": (20, 60),
}
_OUTCOMES = ("success",) * 6 + ("declined", "cancelled", "timeout")
_PACKS = ("credits_500", "credits_1000", "credits_500", "credits_5000")
_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass
class Demo:
    """`fill` starts and stops the service at times past, by a clock that is wrong; at the end it
    runs by the right one."""

    service: Service
    keys: dict[str, str] = field(default_factory=dict)
    key_ids: dict[str, str] = field(default_factory=dict)
    refundable: str = ""
    _random: random.Random = field(default_factory=lambda: random.Random(7))

    def fill(self) -> None:
        for step, ago in enumerate(_moments()):
            self.service.environment |= wrong_clock(-ago)
            self.service.start()
            with self._http() as http:
                if step == 0:
                    self._open_shop(http)
                self._business(http, 400 if ago > _DAY else 60)
            if ago:
                assert self.service.stop() == 0
        with self._http() as http:
            self._morning(http)
            self._until_told(http)

    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.service.url, timeout=30)

    def _admin(self, http: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
        return _sent(http.post(path, json=body, headers={"Authorization": f"Bearer {ADMIN}"}))

    def _key(self, http: httpx.Client, service: str, name: str, **terms: Any) -> None:
        made = self._admin(http, "/admin/api-keys/generate", service=service, name=name, **terms)
        self.keys[name], self.key_ids[name] = made["key"], made["apiKey"]["id"]

    def _open_shop(self, http: httpx.Client) -> None:
        for service in _WEIGHTS:
            self._key(http, service, f"{service} production")
        self._key(http, "paraphrase", "paraphrase staging", allowedIps=["10.20.0.0/16"])
        for user_id in USERS[:-1]:
            credits = self._random.choice((4000, 7000, 9000))
            self._admin(
                http, "/api/v1/admin/credits", userId=user_id, amount=credits, reason="welcome"
            )
        self._admin(
            http, "/api/v1/admin/credits", userId=USERS[-1], amount=35, reason="trial of research"
        )
        self._subscribe(http, MAIN_USER)

    def _subscribe(self, http: httpx.Client, user_id: str) -> None:
        body = {"plan": "pro", "gateway": "sandbox", "currency": "USD"}
        headers = {"Authorization": f"Bearer {token(user_id)}"}
        opened = _sent(http.post("/api/v1/subscriptions", json=body, headers=headers))
        http.post(opened["paymentUrl"], data={"outcome": "success"})

    def _business(self, http: httpx.Client, charges: int) -> None:
        for _ in range(self._random.randint(charges // 2, charges)):
            service = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
            self._charge(http, service, self._random.choice(USERS))
        for _ in range(self._random.randint(0, 3)):
            self._buy(http, self._random.choice(USERS[:-1]), self._random.choice(_OUTCOMES))

    def _charge(self, http: httpx.Client, service: str, user_id: str) -> None:
        amount = self._random.randint(*_AMOUNTS[service])
        headers = {"Authorization": f"ApiKey {self.keys[f'{service} production']}"}
        body = {"userId": user_id, "amount": amount, "feature": f"{service}_text"}
        answer = http.post("/api/v1/deduct", json=body, headers=headers)
        chance = self._random.random()
        if chance < 0.25:
            http.get(f"/api/v1/balance/{user_id}", headers=headers)
        elif chance < 0.32 and answer.is_success:
            transaction_id = answer.json()["transactionId"]
            reversal = {"transactionId": transaction_id, "reason": "the job failed"}
            http.post("/api/v1/reverse", json=reversal, headers=headers)

    def open_checkout(self, http: httpx.Client, user_id: str, pack_id: str) -> dict[str, Any]:
        currency = self._random.choice(("USD", "BDT"))
        body = {"packId": pack_id, "gateway": "sandbox", "currency": currency}
        headers = {"Authorization": f"Bearer {token(user_id)}"}
        return _sent(http.post("/api/v1/payments/initiate", json=body, headers=headers))

    def _buy(self, http: httpx.Client, user_id: str, outcome: str) -> None:
        opened = self.open_checkout(http, user_id, self._random.choice(_PACKS))
        http.post(opened["paymentUrl"], data={"outcome": outcome})
        if outcome == "success":
            self.refundable = opened["paymentId"]

    def _morning(self, http: httpx.Client) -> None:
        """What is to be seen on the day of the visit."""
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4 * _DAY))
        self._key(http, "translate", "translate batch", expiresAt=ends, rateLimit=200)
        self._key(http, "slide", "slide old worker")
        revoked = f"/admin/api-keys/{self.key_ids['slide old worker']}"
        _sent(http.delete(revoked, headers={"Authorization": f"Bearer {ADMIN}"}))
        rotated = self.key_ids["research production"]
        self._admin(http, f"/admin/api-keys/{rotated}/rotate")
        for outcome in ("success", "success", "declined", "success", "cancelled"):
            self._buy(http, MAIN_USER, outcome)
        refund = f"/api/v1/admin/payments/{self.refundable}/refund"
        self._admin(http, refund, reason="bought twice by mistake")
        frozen = f"/api/v1/admin/users/{USERS[-2]}/freeze"
        self._admin(http, frozen, reason="asked to check the account")
        holds = {"userId": MAIN_USER, "amount": 60, "service": "research", "ttlSeconds": 7200}
        headers = {"Authorization": f"ApiKey {self.keys['slide production']}"}
        http.post("/api/v1/holds", json={**holds, "service": "slide"}, headers=headers)

    def _until_told(self, http: httpx.Client) -> None:
        """Whoever sees the pictures is not to worry about what is being published."""
        http.post("/admin/sign-in", data={"token": ADMIN})
        deadline = time.monotonic() + 60
        while "the oldest for" in http.get("/admin").text:
            assert time.monotonic() < deadline
            select_pause()


def _moments() -> Iterator[int]:
    """Seconds ago: once a day, then every two hours, then now."""
    yield from (days * _DAY for days in range(9, 1, -1))
    yield from (hours * _HOUR for hours in range(24, 0, -2))
    yield 0


def _sent(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, f"{answer.request.url}: {answer.text}"
    found: dict[str, Any] = answer.json()
    return found
