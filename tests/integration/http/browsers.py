"""What a browser sees of the pages, and sends."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx

from shothik_payment.domain.model.web_session import Realm
from tests.integration.http.site import Signed, Site
from tests.integration.http.support import World


class Page(HTMLParser):
    """Its texts, the fields of its last form as a browser would send them, and its links."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self._texts: list[str] = []
        self._select: str | None = None
        self.status = answer.status_code
        self.feed(answer.text)
        self.text = " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.fields = {}
        elif tag == "input":
            if given.get("type") != "checkbox" or "checked" in given:
                self.fields[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self.fields[given["name"]] = ""
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select is not None:
            if "selected" in given or self._select not in self.fields:
                self.fields[self._select] = given["value"]
        elif tag == "a":
            self.links.append(given.get("href", ""))

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


class Browser:
    """Signed in as OWNER, to the panel or to the account."""

    def __init__(self, site: Site, signed: Signed) -> None:
        self._site = site
        self.signed = signed

    @classmethod
    async def signed_in(cls, world: World, realm: Realm) -> Browser:
        site = Site(world)
        return cls(site, await site.signed(realm))

    async def look(self, path: str) -> Page:
        return Page(await self._site.ask("GET", self._at(path), self.signed.cookies()))

    async def send(self, path: str, page: Page, **headers: str) -> httpx.Response:
        """Its form, with nothing touched."""
        cookies = self.signed.cookies()
        return await self._site.ask(
            "POST", self._at(path), cookies, data=page.fields, headers=headers
        )

    def _at(self, path: str) -> str:
        return f"/{self.signed.realm}{path}"
