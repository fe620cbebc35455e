"""Gateways as payers, the gateways' staff and the network see them: the same words for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.simulators.bkash.simulator import Simulator as BkashSimulator
from tests.simulators.stripe.simulator import Simulator as StripeSimulator

Opened = Mapping[str, Any]
"""What initiate has answered."""


class Till(Protocol):
    name: str
    currency: str

    def settings(self) -> dict[str, str]:
        """The variables that let a service use it."""
        ...

    async def listen(self, apis: Sequence[str]) -> None:
        """From now on webhooks go to the service."""
        ...

    async def pay(self, opened: Opened) -> None:
        """The payer pays, and comes back in the browser."""
        ...

    async def pay_and_vanish(self, opened: Opened) -> None:
        """The payer pays and closes the browser, and no webhook arrives."""
        ...

    async def decline(self, opened: Opened) -> None:
        """The payer's means of payment is refused for good."""
        ...

    async def money(self, opened: Opened) -> tuple[int, int]:
        """Paid and refunded, in minor units, as the gateway has it."""
        ...


class SandboxTill:
    name = "sandbox"
    currency = "USD"

    def settings(self) -> dict[str, str]:
        return {}

    async def listen(self, apis: Sequence[str]) -> None: ...

    async def pay(self, opened: Opened) -> None:
        await self._choose(opened, "success")

    async def pay_and_vanish(self, opened: Opened) -> None:
        await self._choose(opened, "timeout")

    async def decline(self, opened: Opened) -> None:
        await self._choose(opened, "declined")

    async def _choose(self, opened: Opened, outcome: str) -> None:
        async with httpx.AsyncClient(trust_env=False, verify=False) as browser:
            chosen = await browser.post(opened["paymentUrl"], data={"outcome": outcome})
        assert chosen.status_code in (200, 303), chosen.text

    async def money(self, opened: Opened) -> tuple[int, int]:
        raise NotImplementedError("what it holds is in the service's own store")


class StripeTill:
    name = "stripe"
    currency = "USD"

    def __init__(self, folder: Path) -> None:
        self.simulator = StripeSimulator(folder)
        self._address: str | None = None

    def settings(self) -> dict[str, str]:
        return {
            "STRIPE_SECRET_KEY": self.simulator.secret_key,
            "STRIPE_WEBHOOK_SECRET": f"whsec_of_before,{self.simulator.webhook_secret}",
            "STRIPE_API_BASE": self.simulator.url,
        }

    async def listen(self, apis: Sequence[str]) -> None:
        self._address = f"{apis[0]}/webhooks/stripe"
        await self.simulator.send_webhooks_to(self._address)

    async def pay(self, opened: Opened) -> None:
        await self.simulator.pay(opened["sessionId"])

    async def pay_and_vanish(self, opened: Opened) -> None:
        await self.simulator.send_webhooks_to(None)
        await self.simulator.pay(opened["sessionId"])
        await self.simulator.send_webhooks_to(self._address)

    async def decline(self, opened: Opened) -> None:
        """A declined card is not final while the checkout is open; a bank's refusal is."""
        await self.simulator.decline(opened["sessionId"])
        await self.simulator.pay_later(opened["sessionId"])
        await self.simulator.arrive(opened["sessionId"], succeeded=False)

    async def money(self, opened: Opened) -> tuple[int, int]:
        return await self.simulator.money(opened["paymentId"])


class BkashTill:
    name = "bkash"
    currency = "BDT"

    def __init__(self, folder: Path) -> None:
        self.simulator = BkashSimulator(folder)

    def settings(self) -> dict[str, str]:
        return self.simulator.environment()

    async def listen(self, apis: Sequence[str]) -> None: ...

    async def pay(self, opened: Opened) -> None:
        await self._come_back(await self.simulator.approve(opened["sessionId"]))

    async def pay_and_vanish(self, opened: Opened) -> None:
        await self.simulator.approve(opened["sessionId"])

    async def decline(self, opened: Opened) -> None:
        await self._come_back(await self.simulator.decline(opened["sessionId"]))

    async def _come_back(self, address: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=60, verify=False) as browser:
            shown = await browser.get(address)
        assert shown.status_code == 200, shown.text

    async def money(self, opened: Opened) -> tuple[int, int]:
        return await self.simulator.money(opened["paymentId"])
