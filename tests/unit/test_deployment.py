"""What can be said of the deployment files without Docker."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.guard import require_startable
from shothik_payment.entrypoints.settings import Settings, load_settings
from tests.support.answering import AnsweringServer, answering

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS = ("api", "worker", "migrate")
ONCE = ("migrate", "mongo-setup", "rabbitmq-setup")
PUBLISHED = "shothik_rabbitmq_2025"

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Z_]+)(?::([-?+])([^}]*))?\})")
_SECRET = re.compile(r"PASSWORD|SECRET|_PASS$|_KEY$|AUTH$|_URL$")


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return dict(pairs)


def filled() -> dict[str, str]:
    """`.env` as `.env.example` asks for it."""
    secrets = {n: f"{i:024x}{'0123456789abcdef' * 2}" for i, n in enumerate(example())}
    given = {n: secrets[n] for n, value in example().items() if not value and _SECRET.search(n)}
    gateways = {n: "" for n in example() if n.startswith(("STRIPE_", "BKASH_"))}
    without = {"JWT_PUBLIC_KEY": "", "JWT_JWKS_URL": "", **gateways}
    return {**example(), **given, **without, "PUBLIC_URL": "https://payments.example.com"}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """As compose does it. Raises KeyError for a required variable that is empty."""

    def value(match: re.Match[str]) -> str:
        dollar, name, kind, rest = match.groups()
        if dollar:
            return "$"
        found = variables.get(name, "")
        if kind == "+":
            return rest if found else ""
        if not found and kind == "?":
            raise KeyError(name)
        return found or (rest or "" if kind == "-" else "")

    return _VARIABLE.sub(value, text)


def environment(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    stated = SERVICES[service].get("environment", {})
    return {name: interpolated(value, variables) for name, value in stated.items()}


def settings(monkeypatch: pytest.MonkeyPatch, service: str, **changes: str) -> Settings:
    """The service's settings with `.env` filled in and changed."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment(service, {**filled(), **changes}).items():
        monkeypatch.setenv(name, value)
    return load_settings()


# compose.yaml and .env.example


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting(service: str) -> None:
    names = set(SERVICES[service]["environment"])
    assert {name.lower() for name in names} <= set(Settings.model_fields)
    assert {"APP_ENV", "DATABASE_URL", "REDIS_URL", "RABBITMQ_URL", "JWT_SECRET"} <= names


def test_what_compose_asks_for_is_in_the_example_and_nothing_else() -> None:
    asked = {name for _, name, _, _ in _VARIABLE.findall(COMPOSE) if name}
    assert asked == set(example())


def test_defaults_are_those_of_the_example() -> None:
    for _, name, kind, default in _VARIABLE.findall(COMPOSE):
        if kind == "-" and default != "/dev/null":
            assert (name, default) == (name, example()[name])


def test_what_has_no_default_is_required_in_words() -> None:
    required = {name for _, name, kind, text in _VARIABLE.findall(COMPOSE) if kind == "?" and text}
    passwords = {name for name in example() if name.endswith("PASSWORD")} - {"BKASH_PASSWORD"}
    assert required == {*passwords, "MONGO_REPLICA_KEY", "PUBLIC_URL"}
    for name in required:
        with pytest.raises(KeyError, match=name):
            interpolated(COMPOSE, {**filled(), name: ""})


def test_the_first_start_in_the_docs_makes_every_secret() -> None:
    (names,) = re.findall(
        r"^for name in ([A-Z_ ]+); do", (ROOT / "docs/operate.md").read_text(), re.M
    )
    required = {name for _, name, kind, text in _VARIABLE.findall(COMPOSE) if kind == "?" and text}
    assert set(names.split()) == required - {"PUBLIC_URL"} | {"JWT_SECRET"}


@pytest.mark.parametrize("service", OURS)
def test_a_filled_example_starts_in_production(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    made = settings(monkeypatch, service)
    assert made.production
    assert not made.sandbox_on
    require_startable(made)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"JWT_SECRET": ""}, "JWT_SECRET"),
        ({"RABBITMQ_PASSWORD": PUBLISHED}, "RABBITMQ_URL"),
        ({"MONGO_PASSWORD": "short"}, "DATABASE_URL"),
        ({"REDIS_PASSWORD": "short"}, "REDIS_URL"),
        ({"SANDBOX_GATEWAY": "on"}, "SANDBOX_GATEWAY"),
    ],
)
def test_a_badly_filled_example_does_not(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], named: str
) -> None:
    with pytest.raises(Misconfigured, match=named):
        require_startable(settings(monkeypatch, "api", **change))


def test_development_takes_play_money_and_the_published_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = {"APP_ENV": "development", "SANDBOX_GATEWAY": "on", "RABBITMQ_PASSWORD": PUBLISHED}
    made = settings(monkeypatch, "api", **trial)
    require_startable(made)
    assert made.sandbox_on


def test_no_secret_is_written_down() -> None:
    for file in ("compose.yaml", ".env.example", "Dockerfile", *_files("deploy")):
        assert PUBLISHED not in (ROOT / file).read_text(), file
    assert [n for n, value in example().items() if value and _SECRET.search(n)] == []
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if _SECRET.search(variable):
                assert "${" in value, f"{name}: {variable}"


def test_no_secret_is_on_a_command_line() -> None:
    given = {v for n, v in filled().items() if v and _SECRET.search(n) and n != "PUBLIC_URL"}
    for name, service in SERVICES.items():
        said = [service.get(part) for part in ("entrypoint", "command")]
        said.append(service.get("healthcheck", {}).get("test"))
        line = interpolated(json.dumps(said), filled())
        assert not any(secret in line for secret in given), name


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_locked_down_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("0", "root")
    assert set(service["tmpfs"]) >= (
        {"/tmp", "/app/var"} if name in ("api", "worker") else {"/tmp"}
    )
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    assert all(volume.endswith(":ro") for volume in service.get("volumes", []) if "./" in volume)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    if image != "shothik-payment:local":
        assert re.fullmatch(r"([a-z]+/)?[a-z]+:v?\d+\.\d+(\.\d+)?[a-z-]*", image)
        assert "build" not in SERVICES[name]


def test_named_volumes_and_mounted_files_exist() -> None:
    named = set(yaml.safe_load(COMPOSE)["volumes"])
    volumes = [v for service in SERVICES.values() for v in service.get("volumes", [])]
    mounted = [interpolated(volume, filled()) for volume in volumes]
    assert {v.split(":")[0] for v in mounted if not v.startswith(("./", "/dev/null"))} == named
    for volume in mounted:
        if volume.startswith("./"):
            assert (ROOT / volume.split(":")[0]).is_file(), volume


def test_only_the_api_is_open_to_the_outside() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"api", "rabbitmq", "prometheus", "grafana"}
    inside = [port for name in ports for port in ports[name] if name != "api"]
    assert all(port.startswith("127.0.0.1:") for port in inside)
    stores = {n for n, service in SERVICES.items() if service["networks"] == ["stores"]}
    assert {"mongo", "redis"} <= stores
    assert yaml.safe_load(COMPOSE)["networks"]["stores"]["internal"] is True


def test_what_watches_is_started_only_where_it_is_asked_for() -> None:
    asked = {name for name, service in SERVICES.items() if service.get("profiles")}
    assert asked == {"prometheus", "grafana"}
    assert {SERVICES[name]["profiles"][0] for name in asked} == {"observability"}


def test_the_service_starts_after_what_it_needs() -> None:
    done = {"condition": "service_completed_successfully"}
    healthy = {"condition": "service_healthy"}
    for name in ("api", "worker"):
        waits = {"migrate": done, "rabbitmq-setup": done, "redis": healthy}
        assert SERVICES[name]["depends_on"] == waits
    assert SERVICES["migrate"]["depends_on"] == {"mongo-setup": done}
    assert SERVICES["mongo-setup"]["depends_on"] == {"mongo": healthy}
    assert SERVICES["rabbitmq-setup"]["depends_on"] == {"rabbitmq": healthy}
    for name in ("mongo", "redis", "rabbitmq"):
        assert SERVICES[name]["healthcheck"]["test"]


# deploy/


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def _files(folder: str) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()]


def import_definitions(server: AnsweringServer) -> subprocess.CompletedProcess[str]:
    script, file = SERVICES["rabbitmq-setup"]["entrypoint"][1:]
    mounted = {v.split(":")[1]: v.split(":")[0] for v in SERVICES["rabbitmq-setup"]["volumes"]}
    given = environment("rabbitmq-setup", filled())
    given["RABBITMQ_API"] = f"http://127.0.0.1:{server.server_port}"
    return run([sys.executable, str(ROOT / mounted[script]), str(ROOT / mounted[file])], **given)


def test_definitions_are_imported_as_the_user_of_the_environment() -> None:
    with answering(204) as server:
        assert import_definitions(server).returncode == 0
    ((path, authorization, body),) = server.seen
    assert path == "/api/definitions"
    credentials = base64.b64decode(str(authorization).removeprefix("Basic ")).decode()
    assert credentials == f"admin:{filled()['RABBITMQ_PASSWORD']}"
    assert json.loads(body)["vhosts"][0]["default_queue_type"] == "quorum"
    # A user in there would bring a password along.
    assert not {"users", "permissions"} & set(json.loads(body))


def test_refused_definitions_stop_the_start() -> None:
    with answering(401) as server:
        done = import_definitions(server)
    assert done.returncode == 1
    assert "401" in done.stderr
    assert filled()["RABBITMQ_PASSWORD"] not in done.stdout + done.stderr


# examples/


def test_the_lock_of_the_examples_names_no_registry() -> None:
    lock = json.loads((ROOT / "examples/node/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert {"node_modules/axios", "node_modules/amqplib"} <= set(packages)
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


@pytest.mark.parametrize(
    ("queue", "bounded"),
    [
        ("slides.stop_user", True),
        ("slides.service.stop_user", True),
        ("slides.usage.limit_reset", True),
        ("paraphrase_service.replay", True),
        ("slides.replay", False),
        ("payment.events.dead", False),
    ],
)
def test_queues_of_services_are_bounded_whatever_they_are_called(queue: str, bounded: bool) -> None:
    shipped = json.loads((ROOT / "deploy/rabbitmq/definitions.json").read_text())
    for policy in shipped["policies"]:
        assert bool(re.search(policy["pattern"], queue)) is bounded
