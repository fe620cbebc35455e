"""API keys in the panel, each action up to what the key does over HTTP then."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages.browser import NARROW, WIDE, Visitor
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.pages.keys import ADMIN, make, use
from tests.e2e.service import Service

REVOKED_WITHIN_SECONDS = 2


def panel(visitor: MakeVisitor, width: int = WIDE, **options: Any) -> tuple[Visitor, Page]:
    one = visitor(width=width, **options)
    return one, one.enter("admin", ADMIN)


def make_on_page(page: Page, name: str) -> str:
    """The new key's text, from the page that shows it."""
    page.goto("/admin/keys")
    page.get_by_role("link", name="New key").click()
    page.get_by_role("combobox", name="Service").select_option("slide_service")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the key").click()
    plain = page.locator("#plain-key").inner_text()
    assert plain.startswith("sk_slide_")
    return plain


def test_a_key_is_shown_once_and_works(visitor: MakeVisitor, shop: Service) -> None:
    one, page = panel(visitor)
    page.goto("/admin/keys/new")
    one.check_both()
    plain = make_on_page(page, "slides")
    one.check_both()
    assert use(shop, plain) == 200
    page.get_by_role("link", name="To the key").click()
    page.get_by_role("heading", name="slides").wait_for()
    assert plain not in page.content()
    one.check_both()
    page.get_by_role("main").get_by_role("link", name="Keys", exact=True).click()
    page.get_by_role("link", name="slides").wait_for()
    assert plain not in page.content()
    one.check_both()


def test_what_a_key_was_used_for(visitor: MakeVisitor, shop: Service) -> None:
    key_id, plain = make(shop, "counted", scopes=["credits:read"])
    assert [use(shop, plain) for _ in range(3)] == [200] * 3
    headers = {"Authorization": f"ApiKey {plain}"}
    refused = httpx.post(f"{shop.url}/api/v1/deduct", json={"userId": "u1"}, headers=headers)
    assert refused.status_code in (400, 403)
    one, page = panel(visitor)
    page.goto(f"/admin/keys/{key_id}")
    page.get_by_role("heading", name="Usage: 4 requests").wait_for()
    picture = page.get_by_role("img", name="By endpoint")
    assert "GET /balance/{userId} 3" in str(picture.get_attribute("alt"))
    page.get_by_text("Figures").first.click()
    today = page.get_by_role("table", name="Requests a day").get_by_role("row").last
    assert today.inner_text().split()[-2:] == ["3", "1"]
    one.check_both()
    page.get_by_role("link", name="Hours").click()
    page.get_by_role("heading", name="Requests an hour").wait_for()
    one.check()


def test_a_form_that_is_sent_twice_makes_one_key(shop: Service) -> None:
    with httpx.Client(base_url=shop.url) as client:
        client.post("/admin/sign-in", data={"token": ADMIN})
        form_token = client.get("/admin/keys/new").text.split('name="form_token" value="')[1]
        form = {
            "form_token": form_token.split('"')[0],
            "request_key": "twice",
            "service": "paraphrase",
            "name": "made twice",
            "scopes": ["credits:read"],
        }
        first, second = (client.post("/admin/keys/new", data=form) for _ in range(2))
        assert (first.status_code, second.status_code) == (200, 200)
        assert 'id="plain-key"' in first.text
        assert 'id="plain-key"' not in second.text
        assert "sk_paraphrase_" not in second.text
        found = client.get("/admin/keys", params={"q": "made twice"}).text
        assert found.count('name="keyIds"') == 1
        other = client.post("/admin/keys/new", data={**form, "name": "another"})
        assert other.status_code == 422


def test_what_was_typed_is_there_after_a_refusal(visitor: MakeVisitor, shop: Service) -> None:
    one, page = panel(visitor)
    page.goto("/admin/keys/new")
    page.get_by_role("combobox", name="Service").select_option("paraphrase_service")
    page.get_by_label("Name").fill("typed")
    page.get_by_label("Addresses").fill("10.0.0.0/8\nnowhere")
    page.get_by_label("credits:deduct").uncheck()
    page.get_by_role("button", name="Make the key").click()
    assert "Addresses it may be used from, no. 2" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Name").input_value() == "typed"
    assert page.get_by_label("Addresses").input_value() == "10.0.0.0/8\nnowhere"
    assert not page.get_by_label("credits:deduct").is_checked()
    assert page.get_by_label("credits:read").is_checked()
    one.check()
    page.get_by_label("Addresses").fill("10.0.0.0/8")
    page.get_by_role("button", name="Make the key").click()
    assert use(shop, page.locator("#plain-key").inner_text()) == 403


def test_a_key_is_changed(visitor: MakeVisitor, shop: Service) -> None:
    key_id, plain = make(shop, "to change", allowedIps=["10.0.0.0/8"], rateLimit=7)
    assert use(shop, plain) == 403
    one, page = panel(visitor)
    page.goto(f"/admin/keys/{key_id}")
    page.get_by_role("link", name="Change").click()
    one.check()
    page.get_by_label("Name").fill("changed")
    page.get_by_label("Addresses").fill("")
    page.get_by_label("Ends").fill("2031-05-06T07:08")
    page.get_by_role("button", name="Change the key").click()
    assert "changed" in page.get_by_role("status").inner_text()
    # The browser's zone is six hours ahead.
    assert page.locator('time[datetime="2031-05-06T01:08:00.000Z"]').count() >= 1
    page.get_by_text("7 an hour, its own").wait_for()
    log = page.get_by_role("table", name="What was done").inner_text()
    assert "allowedIps any" in log
    assert "rateLimit" not in log.split("generate")[0]
    one.check()
    _wait_until(shop, plain, 200)


def test_a_rotated_key_goes_on_for_its_grace(visitor: MakeVisitor, shop: Service) -> None:
    key_id, old = make(shop, "to rotate")
    one, page = panel(visitor)
    page.goto(f"/admin/keys/{key_id}")
    page.get_by_role("link", name="Rotate").click()
    one.check()
    page.get_by_label("goes on for").select_option(label="1 hour")
    page.get_by_role("button", name="Rotate this key").click()
    new = page.locator("#plain-1").inner_text()
    one.check()
    assert new != old
    assert (use(shop, old), use(shop, new)) == (200, 200)
    page.goto(f"/admin/keys/{key_id}")
    page.get_by_text("Replaced by").wait_for()
    assert page.get_by_role("link", name="Rotate").count() == 0
    one.check()


def test_without_a_grace_the_old_key_ends(visitor: MakeVisitor, shop: Service) -> None:
    key_id, old = make(shop, "to rotate at once")
    _, page = panel(visitor)
    page.goto(f"/admin/keys/rotate?keyIds={key_id}")
    page.get_by_label("goes on for").select_option("0")
    page.get_by_role("button", name="Rotate this key").click()
    new = page.locator("#plain-1").inner_text()
    _wait_until(shop, old, 401)
    assert use(shop, new) == 200


def _wait_until(shop: Service, key: str, status: int) -> None:
    """What every process heeds in time."""
    deadline = time.monotonic() + REVOKED_WITHIN_SECONDS
    while use(shop, key) != status:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("script", [True, False])
def test_a_revoked_key_is_refused(visitor: MakeVisitor, shop: Service, script: bool) -> None:
    one, page = panel(visitor, script=script)
    plain = make_on_page(page, f"to revoke {script}")
    assert use(shop, plain) == 200
    page.get_by_role("link", name="To the key").click()
    page.get_by_role("link", name="Revoke").click()
    if script:
        one.check()
    page.get_by_role("button", name="Revoke this key").click()
    assert "is revoked" in page.get_by_role("status").inner_text()
    _wait_until(shop, plain, 401)
    assert page.get_by_role("link", name="Revoke").count() == 0
    if script:
        one.check()


def test_many_at_once(visitor: MakeVisitor, shop: Service) -> None:
    made = [make(shop, f"many {n}") for n in range(3)]
    one, page = panel(visitor)
    page.goto("/admin/keys?q=many")
    for box in page.get_by_role("checkbox").all()[:2]:
        box.check()
    page.get_by_role("button", name="Rotate chosen keys").click()
    one.check_both()
    page.get_by_role("button", name="Rotate 2 keys").click()
    new = page.locator(".secret code").all_inner_texts()
    one.check()
    assert len(set(new)) == 2
    assert [use(shop, plain) for plain in new] == [200, 200]
    page.goto("/admin/keys?q=many")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Revoke chosen keys").click()
    one.check()
    page.get_by_role("button", name="Revoke 5 keys").click()
    page.get_by_role("heading", name="Keys revoked").wait_for()
    one.check()
    for plain in (*new, *(plain for _, plain in made)):
        _wait_until(shop, plain, 401)


def test_one_that_is_refused_spoils_no_other(visitor: MakeVisitor, shop: Service) -> None:
    (rotated, _), (fine, _) = make(shop, "rotated before"), make(shop, "fine")
    _, page = panel(visitor)
    page.goto(f"/admin/keys/rotate?keyIds={rotated}")
    page.get_by_role("button", name="Rotate this key").click()
    page.goto(f"/admin/keys/rotate?keyIds={rotated}&keyIds={fine}")
    page.get_by_role("button", name="Rotate 2 keys").click()
    assert "was rotated" in page.locator(".notice.bad").inner_text()
    assert page.locator(".secret").count() == 1


def test_no_key_chosen(visitor: MakeVisitor) -> None:
    one, page = panel(visitor)
    page.goto("/admin/keys/revoke")
    page.get_by_role("heading", name="No key was chosen").wait_for()
    one.check()


def test_stored_script_shows_as_text(visitor: MakeVisitor, shop: Service) -> None:
    name = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    key_id, _ = make(shop, name)
    one, page = panel(visitor)
    paths = ("keys?q=script", f"keys/{key_id}", f"keys/{key_id}/change")
    for path in (*paths, f"keys/rotate?keyIds={key_id}", f"keys/revoke?keyIds={key_id}"):
        page.goto(f"/admin/{path}")
        assert name in page.content().replace("&lt;", "<").replace("&gt;", ">")
        assert "owned" not in page.title() or "<script>" in page.title()
        assert page.locator("main script, main img[src=x]").count() == 0
        one.check()


def test_keys_are_found(visitor: MakeVisitor, shop: Service) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3 * 86_400))
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30 * 86_400))
    key_id, plain = make(shop, "Needle in the hay", expiresAt=soon)
    other_id, _ = make(shop, "needle of translate", service="translate", expiresAt=later)
    _, page = panel(visitor)

    def shown(query: str) -> set[str]:
        page.goto(f"/admin/keys?{query}")
        boxes = page.get_by_role("checkbox").all()
        return {str(box.get_attribute("value")) for box in boxes}

    assert shown("q=NEEDLE") == {key_id, other_id}
    assert shown("q=needle&service=translate_service") == {other_id}
    assert shown(f"q={key_id}") == {key_id}
    assert key_id in shown(f"q={plain[-4:]}")
    assert key_id in shown(f"q={plain}")
    assert shown("status=ending") == {key_id}
    assert shown("q=needle&status=active") == {key_id, other_id}
    assert shown("q=needle&status=revoked") == set()
    page.goto("/admin/keys?status=ending")
    assert "ends in 2 days" in page.get_by_role("row", name="Needle").inner_text()
    page.get_by_label("Status").select_option("revoked")
    page.get_by_role("button", name="Search").click()
    assert "status=revoked" in page.url


def test_a_key_s_state_can_be_seen_in_a_narrow_window(visitor: MakeVisitor, shop: Service) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 23.5 * 3600))
    make(shop, "narrow window", expiresAt=soon)
    one, page = panel(visitor, NARROW)
    page.goto("/admin/keys?q=narrow+window")
    row = page.get_by_role("row", name="narrow window")
    for state in ("active", "ends in 23 hours"):
        expect(row.get_by_text(state).locator("visible=true")).to_be_in_viewport(ratio=1)
    one.check()


def test_many_keys_come_in_pages(visitor: MakeVisitor, shop: Service) -> None:
    made = {make(shop, f"paged {n}", service="adcopy")[0] for n in range(45)}
    _, page = panel(visitor)
    page.goto("/admin/keys?service=adcopy_service")
    seen: set[str] = set()
    while True:
        boxes = page.get_by_role("checkbox").all()
        seen |= {str(box.get_attribute("value")) for box in boxes}
        more = page.get_by_role("link", name="More keys")
        if more.count() == 0:
            break
        assert len(boxes) == 40
        more.click()
    assert seen == made
