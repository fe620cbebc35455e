"""What tests order from outside, under /_sim/."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from tests.simulators.bkash.merchant import MSISDN, Json, callback, short
from tests.simulators.bkash.sns import payment_message

if TYPE_CHECKING:
    from tests.simulators.bkash.app import App


class Control:
    login = ("merchant-user", "planted-password")
    app = ("planted-app-key", "planted-app-secret")

    def __init__(self, owner: App) -> None:
        self._owner = owner

    async def __call__(self, order: str, given: Json, origin: str) -> Any:
        if order == "sns":
            return await self._sns(given, origin)
        return self._orders()[order](given)

    def _orders(self) -> dict[str, Callable[[Json], Any]]:
        return {
            "up": lambda given: True,
            "reset": lambda given: self._owner.reset(),
            "payer": self._payer,
            "amount": self._amount,
            "age": self._age,
            "fault": self._fault,
            "calls": lambda given: dict(self._owner.calls),
            "requests": lambda given: list(self._owner.requests),
            "tokens": self._tokens,
            "agreements": self._agreements,
            "refund": self._refund,
            "money": self._money,
            "session": lambda given: self._owner.merchant.query(given["session_id"]),
        }

    def _payer(self, given: Json) -> str:
        session = self._owner.merchant.session(given["session_id"])
        session.payer = given["does"]
        status = {"approved": "success", "declined": "failure", "cancelled": "cancel"}
        return callback(session.request["callbackURL"], session.id, status[given["does"]])

    def _amount(self, given: Json) -> None:
        self._owner.merchant.session(given["session_id"]).amount = Decimal(given["amount"])

    def _age(self, given: Json) -> None:
        session = self._owner.merchant.session(given["session_id"])
        session.created_at -= timedelta(seconds=given["seconds"])

    def _fault(self, given: Json) -> None:
        faults = self._owner.faults.setdefault(given["route"], [])
        faults.extend([given["fault"]] * given["times"])

    def _tokens(self, given: Json) -> None:
        self._owner.merchant.token_life_seconds = given.get("life_seconds", 3600)
        self._owner.merchant.tokens.clear()

    def _agreements(self, given: Json) -> dict[str, str]:
        merchant = self._owner.merchant
        merchant.payer_needed = given.get("payer_needed", merchant.payer_needed)
        if given.get("end_all"):
            merchant.agreements = dict.fromkeys(merchant.agreements, "Cancelled")
        return merchant.agreements

    def _refund(self, given: Json) -> str:
        session = self._owner.merchant.session(given["session_id"])
        done = self._owner.merchant.refund(
            {
                "paymentId": session.id,
                "trxId": session.trx_id,
                "refundAmount": short(Decimal(given["amount_minor"]) / 100),
                "sku": "portal",
                "reason": "portal",
            }
        )
        refund_id: str = done["refundTrxId"]
        return refund_id

    def _money(self, given: Json) -> list[int]:
        paid = [
            session
            for session in self._owner.merchant.sessions.values()
            if session.trx_id is not None
            and session.request.get("merchantInvoiceNumber") == given["payment_id"]
        ]
        return [
            int(sum(session.amount for session in paid) * 100),
            int(sum(session.refunded for session in paid) * 100),
        ]

    async def _sns(self, given: Json, origin: str) -> str | list[int]:
        order = {"TopicArn": given["topic"], **given.get("fields", {})}
        kind = order.setdefault("Type", "Notification")
        if kind == "Notification":
            order.setdefault("Message", self._message(given))
        body = json.dumps(self._owner.topic.envelope(origin, order))
        address = given.get("send_to")
        if address is None:
            return body
        headers = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
            return [
                (await client.post(address, content=body, headers=headers)).status_code
                for _ in range(given.get("copies", 1))
            ]

    def _message(self, given: Json) -> str:
        if "session_id" not in given:
            return payment_message(given.get("invoice"), given.get("trx_id"), "10", MSISDN)
        session = self._owner.merchant.session(given["session_id"])
        invoice = session.request.get("merchantInvoiceNumber")
        return payment_message(invoice, session.trx_id, short(session.amount), MSISDN)
