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


def test_a_key_is_made_with_terms_changed_and_shown(command: Service) -> None:
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
    assert run(command, "show", key["id"]) == {"apiKey": changed}
    for arguments in (("show", key["id"]), ("list",)):
        shown = command.run("keys", *arguments).stdout
        assert key["id"] in shown
        assert "[red]jobs" in shown
    entries = run(command, "audit-log", key["id"])["entries"]
    assert [(e["actor"], e["action"]) for e in entries] == [
        ("command line", "update"),
        ("command line", "generate"),
    ]
    assert "rateLimit: the service's" in command.run("keys", "audit-log", key["id"]).stdout


def test_a_key_is_rotated(command: Service) -> None:
    _, key = made(command)
    ended = command.run("keys", "rotate", key["id"], "--grace", "1h")
    assert well_formed(ended.stdout.removesuffix("\n"))
    assert f"{key['id']} goes on until" in ended.stderr
    old = run(command, "show", key["id"])["apiKey"]
    assert old["status"] == "active"
    again = command.run("keys", "rotate", key["id"])
    assert (again.returncode, again.stdout) == (1, "")
    assert f"{old['replacedBy']} has taken its place" in again.stderr
    done = run(command, "rotate", old["replacedBy"], "--no-grace")
    assert well_formed(done["key"])
    assert done["previous"]["id"] == old["replacedBy"] == done["apiKey"]["replaces"]
    listed = run(command, "list", "--status", "expired", "--service", "paraphrase")["apiKeys"]
    assert [one["id"] for one in listed] == [old["replacedBy"]]
    assert command.run("keys", "rotate", key["id"], "--grace", "31d").returncode == 2


def test_many_keys_at_once(command: Service) -> None:
    ids = [made(command)[1]["id"] for _ in range(2)]
    results = run(command, "bulk", "update", *ids, "--rate-limit", "9")["results"]
    assert [one["apiKey"]["rateLimit"] for one in results] == [9, 9]
    results = run(command, "bulk", "rotate", ids[0], "key_none", code=1)["results"]
    assert [one["status"] for one in results] == [200, 404]
    assert well_formed(results[0]["key"])
    shown = command.run("keys", "bulk", "revoke", *ids)
    assert shown.returncode == 0
    assert shown.stdout.count("revoked") == 2
    twice = command.run("keys", "bulk", "revoke", ids[0], ids[0])
    assert (twice.returncode, "each once" in twice.stderr) == (2, True)


def test_usage_and_health(command: Service) -> None:
    _, key = made(command, "--rate-limit", "5", "--expires-in", "1d")
    usage = run(command, "usage", key["id"], "--granularity", "hour")["usage"]
    assert (usage["total"], len(usage["points"])) == (0, 48)
    assert "Total" in command.run("keys", "usage", key["id"]).stdout
    health = run(command, "validate", key["id"])["health"]
    assert 86_000 < health.pop("expiresIn") < 86_400
    assert health == {
        "valid": True,
        "reasons": ["expires_soon", "never_used"],
        "rateLimitRemaining": None,  # counted in the server's memory
        "lastUsedAt": None,
    }
    run(command, "revoke", key["id"])
    assert run(command, "validate", key["id"], code=1)["health"]["valid"] is False
    assert "revoked" in command.run("keys", "validate", key["id"]).stdout


def test_a_key_that_is_not_there_is_exit_code_2(command: Service) -> None:
    made(command)
    for name in ("show", "rotate", "revoke", "usage", "audit-log", "validate"):
        ended = command.run("keys", name, "key_none")
        assert (ended.returncode, ended.stdout) == (2, ""), name
        assert "no such API key" in ended.stderr
