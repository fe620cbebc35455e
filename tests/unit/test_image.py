"""What can be said of the Dockerfile without Docker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support.answering import answering

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined.splitlines() if line]


def final_stage() -> dict[str, str]:
    found = instructions()
    last = max(i for i, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[last:])


def test_the_image_runs_the_command_as_nobody_special() -> None:
    stage = final_stage()
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", stage["USER"])
    # As a list, not through a shell, which would keep SIGTERM to itself.
    (command,) = json.loads(stage["ENTRYPOINT"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert command in project["scripts"]
    assert json.loads(stage["CMD"]) == ["serve"]
    assert "RUN" not in stage or "pip" not in stage["RUN"]


def test_the_base_is_pinned_to_a_python_that_the_project_takes() -> None:
    base = dict(instructions())["ARG"].removeprefix("PYTHON=")
    version = re.fullmatch(r"python:3\.(\d+)-slim-[a-z]+", base)
    assert version
    assert int(version[1]) >= 11


def test_the_lock_is_installed_with_hashes_and_its_build_tools_are_taken_out() -> None:
    runs = [text for word, text in instructions() if word == "RUN"]
    assert any("--require-hashes" in run and "requirements.lock" in run for run in runs)
    (removal,) = [run for run in runs if "uninstall" in run]
    removed = set(removal.split("--yes ")[1].split())
    # Exactly the build backend and what only the build backend needs.
    lock = (ROOT / "requirements.lock").read_text()
    wanted_by = {
        package: set(re.findall(r"#(?: via|  ) +([a-z-]+)", block))
        for package, block in re.findall(r"^([a-z0-9-]+)==((?:.*\n)(?:    .*\n)*)", lock, re.M)
    }
    assert wanted_by["hatchling"] == {"shothik-payment"}
    assert removed == {
        "pip",
        "hatchling",
        *(n for n, by in wanted_by.items() if by == {"hatchling"}),
    }


def test_the_build_context_is_what_the_dockerfile_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {t.split()[0] for word, t in instructions() if word == "COPY" and "--from" not in t}
    assert "*" in ignored
    assert let_in == copied


def check_health(port: int) -> int:
    command = json.loads(final_stage()["HEALTHCHECK"].split("CMD ")[1])
    assert command[0] == "python"
    run = [sys.executable, *command[1:]]
    return subprocess.run(run, env={"PORT": str(port)}, capture_output=True, timeout=60).returncode


def test_the_health_check_asks_whether_the_process_lives() -> None:
    with answering(200) as server:
        assert check_health(server.server_port) == 0
        assert [path for path, _, _ in server.seen] == ["/health/live"]
        server.status = 503
        assert check_health(server.server_port) == 1
    assert check_health(server.server_port) == 1
