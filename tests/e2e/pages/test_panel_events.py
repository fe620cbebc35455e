"""Events in the panel: as they come, as they were, and once more."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.e2e.pages.browser import NARROW
from tests.e2e.pages.callers import SCRIPT, Callers, at_panel
from tests.e2e.pages.conftest import MakeVisitor

POLL_MS = 2_000


def rows(page: Page, text: str) -> int:
    return page.locator("tbody tr", has_text=text).count()


def test_a_deduction_appears_by_itself(visitor: MakeVisitor, callers: Callers) -> None:
    user = "live_1"
    callers.give(user, 10)
    one = at_panel(visitor)
    page = one.page
    page.goto(f"/admin/events?user={user}")
    expect(page.locator("tbody tr")).to_have_count(1)
    callers.deduct(user, 3)
    expect(page.locator("tbody tr").first).to_contain_text("−3, 7 left")
    expect(page.locator("[data-tail] [role=status]")).to_have_text("1 new event")
    page.locator("tbody tr").first.locator("summary").click()
    expect(page.locator("pre").first).to_contain_text('"amount": 3')
    one.check_both()


def test_what_comes_appears_on_an_empty_page(visitor: MakeVisitor, callers: Callers) -> None:
    page = at_panel(visitor).page
    page.goto("/admin/events?user=live_new")
    expect(page.get_by_text("No event is like that.")).to_be_visible()
    callers.give("live_new", 10)
    expect(page.locator("tbody tr")).to_contain_text("credit.added")
    expect(page.get_by_text("No event is like that.")).to_have_count(0)


def test_a_pause_asks_for_nothing(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give("paused_1", 10)
    page = at_panel(visitor).page
    page.clock.install()
    page.goto("/admin/events?user=paused_1")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/admin/events/newer**"):
        page.clock.run_for(POLL_MS)
    page.get_by_role("button", name="Pause").click()
    asked.clear()
    callers.deduct("paused_1")
    page.clock.run_for(10 * POLL_MS)
    assert asked == []
    for name in ("Follow", "Pause", "Follow"):
        page.get_by_role("button", name=name).click()
    with page.expect_response("**/admin/events/newer**"):
        page.clock.run_for(POLL_MS)
    expect(page.locator("tbody tr").first).to_contain_text("credit.deducted")
    assert len(asked) == 1, "a loop that was paused goes on"


def test_without_javascript_newer_is_a_link(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give("plain_1", 10)
    page = at_panel(visitor, script=False).page
    page.goto("/admin/events?user=plain_1")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    callers.deduct("plain_1", 4)
    page.get_by_role("link", name="Newer").click()
    expect(page.locator("tbody tr")).to_contain_text("−4, 6 left")
    callers.deduct("plain_1", 1)
    page.get_by_role("link", name="Newer").click()
    expect(page.locator("tbody tr")).to_contain_text("−1, 5 left")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_events_are_found(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give("found_1", 10)
    callers.deduct("found_1", 2)
    callers.admin("/admin/users/found_1/freeze", {"reason": "test"})
    one = at_panel(visitor)
    page = one.page
    page.goto("/admin/events")
    page.get_by_label("User", exact=True).fill("found_1")
    page.get_by_text("All types").click()
    page.get_by_label("credit.added").check()
    page.get_by_label("service.stop_user").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("service.stop_user")
    one.check()
    now = datetime.now(ZoneInfo("Asia/Dhaka"))
    later, sooner = (now + timedelta(hours=h) for h in (1, -1))
    times = f"from={sooner:%Y-%m-%dT%H:%M}&to={later:%Y-%m-%dT%H:%M}"
    page.goto(f"/admin/events?user=found_1&{times}")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.goto(f"/admin/events?user=found_1&from={later:%Y-%m-%dT%H:%M}")
    expect(page.get_by_text("No event is like that.")).to_be_visible()
    page.goto(f"/admin/events?user=found_1&to={sooner:%Y-%m-%dT%H:%M}")
    expect(page.get_by_text("No event is like that.")).to_be_visible()
    page.goto("/admin/events?user=found_1&limit=2")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr")).to_contain_text("credit.added")
    page.goto("/admin/events?user=a%2Fb")
    expect(page.get_by_role("alert")).to_contain_text("User: expected")


def test_whose_an_event_is_can_be_seen_in_a_narrow_window(
    visitor: MakeVisitor, callers: Callers
) -> None:
    user = "narrow.window_" + 50 * "x"
    callers.give(user, 10)
    one = at_panel(visitor, width=NARROW)
    page = one.page
    page.goto(f"/admin/events?user={user}")
    expect(page.get_by_role("link", name=user)).to_be_in_viewport(ratio=1)
    callers.deduct(user, 3)
    expect(page.locator("tbody tr")).to_have_count(2)  # what comes by itself, too
    expect(page.get_by_role("link", name=user).first).to_be_in_viewport(ratio=1)
    one.check()


def test_stored_script_is_text(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give("scripted", 10, SCRIPT)
    one = at_panel(visitor)
    page = one.page
    page.goto("/admin/events?user=scripted")
    callers.deduct("scripted", 1, feature=SCRIPT, metadata={"tag": SCRIPT})
    expect(page.locator("tbody tr")).to_have_count(2)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.get_by_text(SCRIPT).count() >= 3
    assert page.title().startswith("Events")
    one.check()


def test_events_are_told_again(visitor: MakeVisitor, callers: Callers) -> None:
    user = "again_1"
    callers.give(user, 10)
    callers.deduct(user, 1)
    one = at_panel(visitor)
    page = one.page
    page.goto(f"/admin/events?user={user}")
    page.get_by_role("link", name="Tell some again").click()
    one.check_both()
    now = datetime.now(ZoneInfo("Asia/Dhaka"))
    page.get_by_label("From").fill(f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.get_by_label("Before").fill(f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    expect(page.get_by_label("User", exact=True)).to_have_value(user)
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Tell them again").click()
    expect(page.get_by_role("alert")).to_contain_text("Queue: expected")

    page.get_by_label("Queue", exact=True).fill("nobody.asked")
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Tell them again").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no such queue")
    expect(page.get_by_label("Queue", exact=True)).to_have_value("nobody.asked")
    one.check()
    page.get_by_label("Everyone").check()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Tell them again").click()
    expect(page.get_by_role("status")).to_contain_text("2 events were told again")
    one.check()
