"""`shothik-payment keys`: each of the ten endpoints on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shothik_payment.domain.model.api_key import well_formed
from tests.e2e.service import Service, free_port


@pytest.fixture
def command(tmp_path: Path) -> Service:
    return Service(tmp_path, free_port())


def run(command: Service, *arguments: str, code: int = 0) -> Any:
    ended = command.run("keys", *arguments, "--json")
    assert ended.returncode == code, ended.stderr
    return json.loads(ended.stdout)


def made(command: Service, *options: str) -> tuple[str, dict[str, Any]]:
    answer = run(command, "generate", "--service", "paraphrase", *options)
    return answer["key"], answer["apiKey"]


def test_a_key_is_made_with_terms_and_changed(command: Service) -> None:
    terms = ("--scope", "credits:read", "--allowed-ip", "10.0.0.1", "--rate-limit", "5")
    _, key = made(command, *terms, "--expires-in", "90d")
    assert (key["scopes"], key["allowedIps"], key["rateLimit"]) == (
        ["credits:read"],
        ["10.0.0.1/32"],
        5,
    )
    lifted = ("--any-ip", "--no-rate-limit", "--no-expiry", "--name", "[red]jobs")
    changed = run(command, "update", key["id"], *lifted)["apiKey"]
    wanted = {"name": "[red]jobs", "allowedIps": [], "rateLimit": None, "expiresAt": None}
    assert changed == {**key, **wanted}
    shown = command.run("keys", "show", key["id"]).stdout
    assert key["id"] in shown
    assert "[red]jobs" in shown
    entries = run(command, "audit-log", key["id"])["entries"]
    assert [(e["actor"], e["action"]) for e in entries] == [
        ("command line", "update"),
        ("command line", "generate"),
    ]


def test_a_key_is_rotated(command: Service) -> None:
    _, key = made(command)
    ended = command.run("keys", "rotate", key["id"], "--no-grace")
    assert well_formed(ended.stdout.removesuffix("\n"))
    assert f"{key['id']} goes on until" in ended.stderr
    (old,) = run(command, "list", "--status", "expired", "--service", "paraphrase")["apiKeys"]
    assert old["id"] == key["id"]
    again = command.run("keys", "rotate", key["id"])
    assert (again.returncode, again.stdout) == (1, "")
    assert f"{old['replacedBy']} has taken its place" in again.stderr


def test_many_keys_at_once(command: Service) -> None:
    _, key = made(command)
    results = run(command, "bulk", "rotate", key["id"], "key_none", code=1)["results"]
    assert [one["status"] for one in results] == [200, 404]
    assert well_formed(results[0]["key"])
    shown = command.run("keys", "bulk", "revoke", key["id"], results[0]["apiKey"]["id"])
    assert shown.returncode == 0
    assert shown.stdout.count("revoked") == 2
    twice = command.run("keys", "bulk", "revoke", key["id"], key["id"])
    assert (twice.returncode, "each once" in twice.stderr) == (2, True)


def test_usage_and_health(command: Service) -> None:
    _, key = made(command, "--rate-limit", "5", "--expires-in", "1d")
    usage = run(command, "usage", key["id"], "--granularity", "hour")["usage"]
    assert (usage["total"], len(usage["points"])) == (0, 48)
    health = run(command, "validate", key["id"])["health"]
    assert 86_000 < health.pop("expiresIn") < 86_400
    assert health == {
        "valid": True,
        "reasons": ["expires_soon", "never_used"],
        "rateLimitRemaining": None,  # counted in the server's memory
        "lastUsedAt": None,
    }
    command.run("keys", "revoke", key["id"])
    shown = command.run("keys", "validate", key["id"])
    assert (shown.returncode, "revoked" in shown.stdout) == (1, True)
    none = command.run("keys", "show", "key_none")
    assert (none.returncode, none.stdout) == (2, "")
    assert "no such API key" in none.stderr
