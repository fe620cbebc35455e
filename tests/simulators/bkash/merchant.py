"""What bKash knows of one merchant: tokens, payments, agreements, refunds."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
MSISDN = "01770618575"
"""The payer's phone number, as planted."""

_DHAKA = timezone(timedelta(hours=6))
_MAX_REFUNDS = 10


class Refusal(Exception):
    """Answered with this code, in this call's own envelope."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Message(Exception):
    """The API gateway's word: a status and nothing but a message."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def new_id(length: int = 10) -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(length))


def clock_text(at: datetime) -> str:
    local = at.astimezone(_DHAKA)
    return local.strftime("%Y-%m-%dT%H:%M:%S:") + f"{local.microsecond // 1000:03d} GMT+0600"


def short(amount: Decimal) -> str:
    """As bKash likes to write it: 10, 10.5."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass
class Session:
    """A paymentID. `payer`: None, `approved`, `declined` or `cancelled`."""

    id: str
    mode: str
    request: Json
    created_at: datetime
    amount: Decimal = Decimal(0)
    status: str = "Initiated"
    payer: str | None = None
    trx_id: str | None = None
    agreement_id: str | None = None
    executed_at: datetime | None = None
    refunds: list[Json] = field(default_factory=list)

    @property
    def refunded(self) -> Decimal:
        return sum((Decimal(refund["refundAmount"]) for refund in self.refunds), Decimal(0))


class Merchant:
    """`payer_needed`: a payment by agreement has a page where the payer has to agree."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.agreements: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.token_life_seconds = 3600
        self.payer_needed = False

    def grant(self) -> Json:
        token = f"eyJ-planted-token-{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        return {
            "statusCode": "0000",
            "statusMessage": "Successful",
            "id_token": token,
            "token_type": "Bearer",
            "expires_in": self.token_life_seconds,
            "refresh_token": f"planted-refresh-{secrets.token_urlsafe(24)}",
        }

    def create(self, body: Json, page: str) -> Json:
        mode = body.get("mode", "")
        self._check_create(mode, body)
        session = Session(f"TR{mode}{new_id(14)}", mode, body, datetime.now(UTC))
        self.sessions[session.id] = session
        answer = {"paymentID": session.id, **_callbacks(body["callbackURL"], session.id)}
        if mode == "0000":
            answer |= {
                "agreementStatus": "Initiated",
                "agreementCreateTime": clock_text(session.created_at),
                "payerReference": body["payerReference"],
            }
        else:
            session.amount = Decimal(body["amount"])
            answer |= {
                "amount": body["amount"],
                "intent": body["intent"],
                "currency": body["currency"],
                "paymentCreateTime": clock_text(session.created_at),
                "transactionStatus": session.status,
                "merchantInvoiceNumber": body["merchantInvoiceNumber"],
            }
        if mode != "0001" or self.payer_needed:
            answer["bkashURL"] = f"{page}/redirect/tokenized/?paymentID={session.id}"
        else:
            session.payer = "approved"
        return answer

    def _check_create(self, mode: str, body: Json) -> None:
        if mode not in ("0000", "0001", "0011"):
            raise Refusal("2063")
        needed = ["payerReference", "callbackURL"]
        if mode != "0000":
            needed += ["amount", "currency", "intent", "merchantInvoiceNumber"]
        for name in needed:
            if not isinstance(body.get(name), str) or not body[name]:
                raise Refusal("2065")
            if name != "callbackURL" and (set("<>&") & set(body[name]) or len(body[name]) > 255):
                raise Refusal("2048")
        if mode != "0000":
            if body["currency"] != "BDT":
                raise Refusal("2007")
            if Decimal(body["amount"]) < 1:
                raise Refusal("2006")
        if mode == "0001":
            status = self.agreements.get(body.get("agreementID", ""))
            if status != "Completed":
                raise Refusal("2051" if status is None else "2053")

    def session(self, session_id: str) -> Session:
        if session_id not in self.sessions:
            raise Refusal("2002")
        return self.sessions[session_id]

    def execute(self, session_id: str) -> Json:
        session = self.session(session_id)
        agreement = session.mode == "0000"
        if session.status == "Completed":
            raise Refusal("2116" if agreement else "2117")
        if session.payer == "cancelled":
            raise Refusal("2069")
        if datetime.now(UTC) - session.created_at > timedelta(hours=24):
            raise Refusal("2019")
        if session.payer == "declined":
            raise Refusal("2023")
        if session.payer != "approved":
            raise Refusal("2056")
        session.status = "Completed"
        session.executed_at = datetime.now(UTC)
        if agreement:
            session.agreement_id = f"TokenizedMerchant{new_id(20)}"
            self.agreements[session.agreement_id] = "Completed"
        else:
            session.trx_id = new_id()
        return {**self.query(session_id), "customerMsisdn": MSISDN}

    def query(self, session_id: str) -> Json:
        session = self.session(session_id)
        answer: Json = {
            "paymentID": session.id,
            "mode": session.mode,
            "payerReference": session.request["payerReference"],
            "verificationStatus": "Complete" if session.payer == "approved" else "Incomplete",
        }
        if session.mode == "0000":
            answer |= {
                "agreementStatus": session.status,
                "agreementCreateTime": clock_text(session.created_at),
                "payerAccount": MSISDN,
            }
            if session.agreement_id is not None:
                answer["agreementID"] = session.agreement_id
            return answer
        answer |= {
            "paymentCreateTime": clock_text(session.created_at),
            "amount": short(session.amount),
            "currency": "BDT",
            "intent": "sale",
            "transactionStatus": session.status,
            "merchantInvoice": session.request["merchantInvoiceNumber"],
            "payerAccount": MSISDN,
        }
        if session.trx_id is not None:
            answer["trxID"] = session.trx_id
        return answer

    def search(self, trx_id: str) -> Json:
        session = self._by_transaction(trx_id)
        return {
            "trxID": trx_id,
            "amount": short(session.amount),
            "currency": "BDT",
            "transactionStatus": "Completed",
            "transactionType": "bKash Tokenized Checkout via API",
            "customerMsisdn": MSISDN,
            "organizationShortCode": "50022",
            "merchantInvoiceNumber": session.request["merchantInvoiceNumber"],
        }

    def _by_transaction(self, trx_id: str) -> Session:
        for session in self.sessions.values():
            if session.trx_id == trx_id:
                return session
        raise Refusal("2033")

    def cancel_agreement(self, agreement_id: str) -> Json:
        status = self.agreements.get(agreement_id)
        if status != "Completed":
            raise Refusal("2051" if status is None else "2053")
        self.agreements[agreement_id] = "Cancelled"
        return {"agreementID": agreement_id, "agreementStatus": "Cancelled"}

    def agreement(self, agreement_id: str) -> Json:
        if agreement_id not in self.agreements:
            raise Refusal("2051")
        return {"agreementID": agreement_id, "agreementStatus": self.agreements[agreement_id]}

    def refund(self, body: Json) -> Json:
        names = ("paymentId", "trxId", "refundAmount", "sku", "reason")
        if not all(isinstance(body.get(name), str) and body[name] for name in names):
            raise Message(400, "Invalid request body")
        session = self._paid(body)
        amount = Decimal(body["refundAmount"])
        if amount <= 0 or session.refunded + amount > session.amount:
            raise Refusal("2071")
        if len(session.refunds) >= _MAX_REFUNDS:
            raise Refusal("2079")
        refund = {
            "refundTrxId": new_id(),
            "refundTransactionStatus": "Completed",
            "refundAmount": f"{amount:.2f}",
            "completedTime": clock_text(datetime.now(UTC)),
        }
        session.refunds.append(refund)
        extra = {"currency": "BDT", "sku": body["sku"], "reason": body["reason"]}
        return {**self._original(session), **refund, **extra}

    def refunds(self, body: Json) -> Json:
        session = self._paid(body)
        return {**self._original(session), "refundTransactions": session.refunds}

    def _original(self, session: Session) -> Json:
        return {"originalTrxId": session.trx_id, "originalTrxAmount": short(session.amount)}

    def _paid(self, body: Json) -> Session:
        session = self.sessions.get(body.get("paymentId", ""))
        if session is None or session.trx_id is None or session.trx_id != body.get("trxId"):
            raise Refusal("2033")
        return session


def _callbacks(url: str, session_id: str) -> Json:
    def back(status: str) -> str:
        return callback(url, session_id, status)

    return {
        "callbackURL": url,
        "successCallbackURL": back("success"),
        "failureCallbackURL": back("failure"),
        "cancelledCallbackURL": back("cancel"),
    }


def callback(url: str, session_id: str, status: str) -> str:
    mark = "&" if "?" in url else "?"
    return f"{url}{mark}paymentID={session_id}&status={status}&signature={new_id(10)}"
