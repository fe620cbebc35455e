"""`serve --demo`: what it prints can be pasted."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx

from tests.e2e.service import Service


def as_curl_would(line: str) -> httpx.Response:
    """What the shell and curl make of the line; a fresh machine need not have curl."""
    words = shlex.split(line.replace("\\\n", " "))
    assert words[:3] == ["curl", "-X", "POST"]
    url, options = words[3], words[4:]
    headers = dict(
        value.split(": ", 1)
        for option, value in zip(options[::2], options[1::2], strict=True)
        if option == "-H"
    )
    body = options[options.index("-d") + 1]
    return httpx.post(url, headers=headers, content=body)


def run_demo(service: Service) -> str:
    """What it prints, after its own first request was pasted and worked."""
    with subprocess.Popen(
        [sys.executable, "-m", "shothik_payment", "serve", "--demo"],
        env=service.environment,
        cwd=service.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text and (line := process.stdout.readline()):
            text += line
        curl = re.search(r"^curl (?:.*\\\n)+.*\n", text, re.MULTILINE)
        try:
            assert curl is not None, text
            assert as_curl_would(curl.group()).json()["success"] is True
        finally:
            process.terminate()
        assert process.wait(20) == 0
    return text


def test_the_demo_can_be_pasted_and_leaves_one_key(tmp_path: Path) -> None:
    command = Service(tmp_path)
    text = run_demo(command) + run_demo(command)
    assert all(" " not in line for line in text.splitlines() if len(line) > 80)
    keys = json.loads(command.run("keys", "list", "--json").stdout)["apiKeys"]
    assert sorted(key["status"] for key in keys) == ["active", "revoked"]
