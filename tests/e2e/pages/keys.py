"""API keys, made and used over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.service import Service, token

ADMIN = token("admin_1", "admin")


def make(shop: Service, name: str, **terms: Any) -> tuple[str, str]:
    """A key over HTTP: its id and its text."""
    answer = httpx.post(
        f"{shop.url}/admin/api-keys/generate",
        json={"service": "paraphrase", "name": name, **terms},
        headers={"Authorization": f"Bearer {ADMIN}"},
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["apiKey"]["id"], made["key"]


def use(shop: Service, key: str) -> int:
    """The status of a request with it."""
    headers = {"Authorization": f"ApiKey {key}"}
    return httpx.get(f"{shop.url}/api/v1/balance/u1", headers=headers).status_code
