"""What docs/api-keys.md tells secret scanners is true."""

from __future__ import annotations

import re
from pathlib import Path

from shothik_payment.domain.model.api_key import checksum, compose_key, well_formed
from shothik_payment.domain.use_cases.key_health import Reason

PAGE = (Path(__file__).parents[2] / "docs" / "api-keys.md").read_text(encoding="utf-8")


def test_the_code_and_the_example_agree_with_the_service() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, object] = {}
    exec(code, names)
    is_key = names["is_key"]
    assert callable(is_key)
    (example,) = re.findall(r"`(sk_example_\w+)`", PAGE)
    pattern = re.findall(r"`(\\bsk_.*?\\b)`", PAGE)[0]
    made = compose_key("paraphrase", bytes(range(64)))
    for key in (example, made):
        assert is_key(key)
        assert well_formed(key)
        assert re.search(pattern, f"key={key};").group() == key  # type: ignore[union-attr]
        for wrong in (key[:-1], key + "0", key.swapcase(), key[:-6] + checksum("other")):
            assert not is_key(wrong)


def test_every_reason_is_explained() -> None:
    assert [reason for reason in Reason if f"`{reason}`" not in PAGE] == []
