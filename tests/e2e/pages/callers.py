"""Those who call the API beside the operator at the panel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx

from tests.e2e.pages.browser import WIDE, Visitor
from tests.e2e.service import Service, token

ADMIN = token("admin_1", "admin")
SERVICE = "paraphrase_service"
SCRIPT = "<script>document.title = 'taken'</script>"


class Callers:
    def __init__(self, shop: Service) -> None:
        self._shop = shop
        self._http = httpx.Client(base_url=shop.api, timeout=30)

    @cached_property
    def _key(self) -> str:
        made = self.admin("/admin/api-keys/generate", {"service": SERVICE}, 201)
        return str(made["key"])

    def close(self) -> None:
        self._http.close()

    def admin(self, path: str, body: Mapping[str, Any], status: int = 200) -> dict[str, Any]:
        return self._post(path, body, status, f"Bearer {ADMIN}")

    def user(self, user_id: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._post(path, body, 200, f"Bearer {token(user_id)}")

    def service(self, path: str, body: Mapping[str, Any], status: int = 200) -> dict[str, Any]:
        return self._post(path, body, status, f"ApiKey {self._key}")

    def give(self, user_id: str, amount: int, reason: str = "test") -> dict[str, Any]:
        return self.admin("/admin/credits", {"userId": user_id, "amount": amount, "reason": reason})

    def deduct(
        self, user_id: str, amount: int = 1, status: int = 200, **more: Any
    ) -> dict[str, Any]:
        body = {"userId": user_id, "amount": amount, "feature": "rewrite", **more}
        return self.service("/deduct", body, status)

    def order(self, user_id: str) -> dict[str, Any]:
        """What initiate answers to an order of 100 credits for 10.00 USD."""
        return self.user(user_id, "/payments/initiate", {"packId": "credits_100"})

    def buy(self, user_id: str) -> str:
        """The id of the payment that is paid."""
        opened = self.order(user_id)
        answer = httpx.post(opened["paymentUrl"], data={"outcome": "success"}, timeout=30)
        assert answer.status_code == 303, answer.text
        return str(opened["paymentId"])

    def balance(self, user_id: str) -> int:
        answer = self._http.get(
            f"/balance/{user_id}", headers={"Authorization": f"ApiKey {self._key}"}
        )
        assert answer.status_code == 200, answer.text
        return int(answer.json()["balance"])

    def cancel(self, user_id: str) -> None:
        """The user's subscription, at once."""
        answer = self._http.delete(
            "/subscriptions/current?now=true", headers={"Authorization": f"Bearer {token(user_id)}"}
        )
        assert answer.status_code == 200, answer.text

    def _post(
        self, path: str, body: Mapping[str, Any], status: int, authorization: str
    ) -> dict[str, Any]:
        answer = self._http.post(path, json=body, headers={"Authorization": authorization})
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found


class Session:
    """An operator's browser without a window: forms are sent as they came."""

    def __init__(self, shop: Service) -> None:
        self.http = httpx.Client(base_url=shop.url, timeout=30)
        assert self.http.post("/admin/sign-in", data={"token": ADMIN}).status_code == 303

    def close(self) -> None:
        self.http.close()

    def form(self, path: str) -> dict[str, str]:
        """The hidden fields of the page's own form, which is its last one."""
        page = self.http.get(path)
        assert page.status_code == 200, page.text
        text = page.text
        return {
            name: text.rsplit(f'name="{name}" value="', 1)[1].split('"')[0]
            for name in ("form_token", "request_key")
        }


def at_panel(visitor: Any, width: int = WIDE, **options: Any) -> Visitor:
    """A browser that is signed in, and has no page yet."""
    one: Visitor = visitor(width=width, **options)
    one.enter("admin", ADMIN)
    return one
