"""One visit to the page in a real browser, and everything that must not happen on it.

What fails a test: an error on the console, an uncaught exception, a violation of the page's policy, and a
request to any other host. What a test means to provoke it says beforehand, with `tolerate`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError
from playwright.sync_api import TimeoutError as TookTooLong

VIEW_WITHIN_MS = 60_000
# A browser drops what is on its way whenever a network of the machine comes or goes, as those of containers do.
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
# A report of the policy is an event, and only one that listens hears it.
REPORTS = """addEventListener("securitypolicyviolation", (report) =>
  console.error(`policy: ${report.violatedDirective} refused ${report.blockedURI} ${report.sample}`))"""
SEED = """async (stores) => {
  const opened = () => new Promise((done, failed) => {
    const asked = indexedDB.open("switchyard");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
  const real = async (value) => {
    if (Array.isArray(value)) return Promise.all(value.map(real));
    if (value === null || typeof value !== "object") return value;
    if ("$blob" in value) {
      const bytes = Uint8Array.from(atob(value.$blob), (letter) => letter.charCodeAt(0));
      return new Blob([bytes], {type: value.type});
    }
    return Object.fromEntries(await Promise.all(
      Object.entries(value).map(async ([name, inner]) => [name, await real(inner)])));
  };
  const db = await opened();
  for (const [store, records] of Object.entries(stores)) {
    const whole = JSON.stringify(records).includes('"$blob"') ? await real(records) : records;
    const writing = db.transaction(store, "readwrite");
    for (const record of whole) writing.objectStore(store).put(record);
    await new Promise((done, failed) => {
      writing.oncomplete = done;
      writing.onerror = writing.onabort = () => failed(writing.error);
    });
  }
  db.close();
}"""
KEPT_BY_A_PAGE = "cache_storage,cookies,indexeddb,local_storage,service_workers"
UNTIL_DB = """async () => {
  while (!(await indexedDB.databases()).some(({name}) => name === "switchyard")) {
    await new Promise((done) => setTimeout(done, 20));
  }
}"""


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Somebody's browser: several visits may be made with it, one after the other."""
    context = browser.new_context(**({"locale": "en-US"} | options))
    context.add_init_script(REPORTS)
    return context


@dataclass
class Visit:
    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)
    opened: int = 0

    @classmethod
    def begin(cls, context: BrowserContext, url: str) -> "Visit":
        """With nothing kept of a visit before but the files that the page is made of."""
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": KEPT_BY_A_PAGE})
        devtools.detach()
        visit = cls(page, url)
        context.on("request", visit._asked)
        context.on("console", visit._said)
        context.on("weberror", visit._thrown)
        return visit

    def end(self) -> None:
        context = self.page.context
        for page in context.pages:
            page.close()
        context.clear_permissions()
        context.remove_listener("request", self._asked)
        context.remove_listener("console", self._said)
        context.remove_listener("weberror", self._thrown)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.faults.append(f"a request to another host: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"on the console: {message.text} ({message.location.get('url')})")

    def _thrown(self, thrown: WebError) -> None:
        self.faults.append(f"uncaught: {thrown.error}")

    def tolerate(self, *patterns: str) -> None:
        """Regular expressions, found anywhere in a fault: for what the test provokes (`"500"`)."""
        self.tolerated += patterns

    def judge(self) -> None:
        tolerated = [*self.tolerated, NETWORK_CHANGED]
        if any(NETWORK_CHANGED in fault for fault in self.faults):
            tolerated.append("Failed to fetch")  # what the page then says of it
        left = [one for one in self.faults if not any(re.search(pattern, one) for pattern in tolerated)]
        self.faults.clear()
        if left:
            pytest.fail("on the page: " + "\n".join(left), pytrace=False)

    def open(
        self,
        view: str = "chat",
        *,
        width: int = 1280,
        height: int = 800,
        lang: str = "en",
        theme: str = "phosphor",
        seed: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        **settings: Any,
    ) -> Page:
        """`view` as in the address, after `#/`; `settings` as in the page's store. Waits until the view stands.

        Settings are written once, before the page is loaded: a reload keeps what the page changed. `seed` puts
        records into stores of its IndexedDB by name; `{"$blob": base64, "type": …}` in a record becomes a blob.
        """
        self.page.set_viewport_size({"width": width, "height": height})
        self._settle({"lang": lang, "theme": theme} | settings)
        if seed:
            self.go("chat")
            self.page.evaluate(UNTIL_DB)
            self.page.evaluate(SEED, dict(seed))
            self.page.goto("about:blank")
        return self.go(view)

    def _settle(self, settings: Mapping[str, Any]) -> None:
        """Before anything of the page runs, and only the first time."""
        self.opened += 1
        kept, said = self.opened, json.dumps(json.dumps(settings))
        self.page.add_init_script(f"""
            if (location.protocol !== "about:" && Number(localStorage["test.opened"] ?? 0) < {kept}) {{
                localStorage["test.opened"] = {kept};
                localStorage["switchyard.settings"] = {said};
            }}""")

    def go(self, view: str) -> Page:
        cut = self.cuts
        self.page.goto(f"{self.url}/#/{view}")
        try:
            return self.until(view)
        except TookTooLong:
            if self.cuts == cut:
                raise
            self.page.reload()
            return self.until(view)

    @property
    def cuts(self) -> int:
        return sum(NETWORK_CHANGED in fault for fault in self.faults)

    def until(self, view: str) -> Page:
        """Until the view stands, and keys are heard, which may be later."""
        name = re.split(r"[/?]", view)[0]
        stands = f'html[data-view="{name}"] .command-input'
        self.page.wait_for_selector(stands, state="attached", timeout=VIEW_WITHIN_MS)
        return self.page
