"""A deployment that sells through all three gateways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tests.e2e.cluster import Cluster
from tests.e2e.service import Service
from tests.e2e.tills import BkashTill, Opened, SandboxTill, StripeTill, Till
from tests.e2e.waiting import eventually

_PRICES = {"USD": 1_000, "BDT": 120_000}


@dataclass
class Shop:
    deployment: Service | Cluster
    sandbox: SandboxTill
    stripe: StripeTill
    bkash: BkashTill

    @cached_property
    def key(self) -> str:
        """Of the first service. One for all tests."""
        return self.deployment.key()

    @property
    def tills(self) -> dict[str, Till]:
        return {till.name: till for till in (self.sandbox, self.stripe, self.bkash)}

    def price(self, till: Till) -> int:
        """Of 100 credits, in minor units."""
        return _PRICES[till.currency]

    async def initiate(self, till: Till, user_id: str) -> Opened:
        body = {"packId": "credits_100", "gateway": till.name, "currency": till.currency}
        async with self.deployment.by_user(user_id) as user:
            return await user.post("/payments/initiate", body)

    async def status(self, opened: Opened, user_id: str) -> str:
        async with self.deployment.by_user(user_id) as user:
            payment = await user.get(f"/payments/{opened['paymentId']}")
            return str(payment["payment"]["status"])

    async def wait_for_status(
        self, opened: Opened, user_id: str, status: str, seconds: float = 30
    ) -> None:
        async def is_so() -> bool:
            return await self.status(opened, user_id) == status

        await eventually(is_so, seconds)
