"""The phone page in a real browser."""

from __future__ import annotations

import json
import urllib.request
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from support.payloads import TYPED
from support.programs import needs, node_package, path_of

import kshell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from kshell import Sandbox

pytestmark = needs("chromium", "grep")  # Debian starts it by a script that runs grep

TO, OTHER = "+919812345678", "+919812345679"
MARKUP = [
    "<b>x</b>",
    "</script>",
    "<script>hacked=1</script>",
    "</script><script>hacked=1</script>",
    "<img src=x onerror=hacked=1>",
    "<svg onload=hacked=1>",
    "<svg/onload=hacked=1//",
    "<iframe srcdoc='<script>parent.hacked=1</script>'>",
    "<details open ontoggle=hacked=1>",
    "<a href=javascript:hacked=1>x</a>",
    "<style>*{display:none}</style>",
    "<base href=http://192.0.2.1/>",
    "<meta http-equiv=refresh content=0>",
    "<form action=http://192.0.2.1><input autofocus onfocus=hacked=1>",
    "' onmouseover='hacked=1",
    '" autofocus onfocus="hacked=1',
    "`${hacked=1}`",
    "{{hacked=1}}",
    "${hacked=1}",
    "&lt;script&gt;",
    "&#60;script&#62;hacked=1",
    "<!--",
    "]]>",
    "--><script>hacked=1</script>",
    "<template><script>hacked=1</script></template>",
    "javascript:hacked=1",
    "__proto__",
    "constructor",
    "\u202e<b>",
]
HOSTILE = [*MARKUP, *chain.from_iterable(texts[:3] for texts in TYPED.values())]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for the tests of this module."""
    from playwright.sync_api import sync_playwright

    home = {"HOME": str(tmp_path_factory.mktemp("browser"))}
    with sync_playwright() as started:
        options = ["--no-sandbox", "--disable-gpu"]
        launched = started.chromium.launch(executable_path=path_of("chromium"), args=options, env=home)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """One sandbox for the tests of this module."""
    with kshell.sandbox(delay=0.05) as box:
        yield box


@pytest.fixture
def box(served: Sandbox) -> Sandbox:
    """The sandbox, emptied."""
    served.clear()
    return served


@contextmanager
def opened(browser: Browser, box: Sandbox, **options: Any) -> Iterator[Page]:
    """The phone page, live. At the end its console must be empty."""
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(box.url)
    page.wait_for_selector("#live[data-live]")
    yield page
    context.close()
    assert said == []


@pytest.fixture
def page(browser: Browser, box: Sandbox) -> Iterator[Page]:
    """The phone page of the sandbox, live."""
    with opened(browser, box, permissions=["clipboard-read", "clipboard-write"]) as page:
        yield page


def send(
    box: Sandbox, to: str = TO, code: str = "482913", *, button: str = "", name: str = "auth1", ref: str = ""
) -> str:
    """Send a message; return its id."""
    codes = [[{"type": "text", "text": text}] for text in (code, button or code)]
    components = [
        {"type": "body", "parameters": codes[0]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": codes[1]},
    ]
    template = {"name": name, "language": {"code": "en_US"}, "components": components}
    asked = {"messaging_product": "whatsapp", "to": to, "template": template}
    body = json.dumps({"messaging_object": asked, "extra_info": {"ref": ref}}).encode()
    url = f"{box.url}/v2/{box.sid}/whatsapp/{box.phone_number}/messages"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "api-key": box.key})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return str(json.load(answer)["data"]["message_id"])


def numbers(page: Page) -> list[str]:
    """The numbers of the phones, the first one first."""
    return page.locator(".phone h2").all_text_contents()


# ---- what it shows


def test_a_message_appears(page: Page, box: Sandbox) -> None:
    """A message appears on its recipient's phone without a reload: the sentence, template, language, ref and id."""
    message_id = send(box, ref="customer-42")
    page.locator(".bubble").wait_for()
    assert numbers(page) == [TO]
    assert page.locator(".text").inner_text() == "482913 is your verification code."
    fields = {name: page.locator(f"dd.{name}").inner_text() for name in ("template", "language", "id")}
    assert fields == {"template": "auth1", "language": "en_US", "id": message_id}
    assert page.locator(".refs dd").inner_text() == "customer-42"


def test_the_newest_message_and_its_phone_are_first(page: Page, box: Sandbox) -> None:
    """Each recipient has a phone; the one with the newest message is the first, and its newest message on top."""
    for to, code in ((TO, "111111"), (OTHER, "222222"), (TO, "333333")):
        send(box, to, code)
        page.get_by_text(f"{code} is your").wait_for()
    assert numbers(page) == [TO, OTHER]
    assert page.locator(".phone").first.locator(".text strong").all_text_contents() == ["333333", "111111"]


def test_the_button_copies_the_code(page: Page, box: Sandbox) -> None:
    """The button puts its code, and nothing else, on the clipboard, and says so to eyes and to a screen reader."""
    send(box, code="J$FpXXXX", button="J$FXXXXp")
    page.locator(".bubble .copy").click()
    page.get_by_text("Copied").first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "J$FXXXXp"
    assert page.locator("#news").inner_text() == "Copied"
    assert page.locator(".different").is_visible()


def test_the_ticks_follow_the_statuses(page: Page, box: Sandbox) -> None:
    """The status of a message changes from accepted to read without a reload."""
    page.evaluate("""() => {
        window.seen = [];
        const look = () => document.querySelectorAll(".status").forEach((line) => {
            if (seen.at(-1) !== line.innerText) seen.push(line.innerText); });
        new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
    }""")
    send(box)
    page.locator(".status[data-status=read]").wait_for()
    assert page.evaluate("seen.map((text) => text.trim())")[-2:] == ["delivered", "read"]


def test_a_failed_message_says_why(page: Page, box: Sandbox) -> None:
    """A failed message shows Meta's code and what it is."""
    send(box, "+15001310260")
    page.locator(".status[data-status=failed]").wait_for()
    assert "131026 Message undeliverable" in page.locator(".why").inner_text()


def test_the_payload_is_behind_a_disclosure(page: Page, box: Sandbox) -> None:
    """The payload is shown when it is asked for, as the API keeps it."""
    send(box)
    page.locator("summary").click()
    page.get_by_text('"recipient_type"').wait_for()
    shown = json.loads(page.locator("details pre").inner_text())
    assert shown["messaging_object"]["to"] == TO


def test_what_came_before_the_page_is_shown(browser: Browser, box: Sandbox) -> None:
    """A page that is opened later shows the messages and their statuses, also those that are still to come."""
    send(box)
    with opened(browser, box) as page:
        page.locator(".status[data-status=read]").wait_for()


def test_all_messages_can_be_forgotten(page: Page, box: Sandbox) -> None:
    """The button empties the page and the simulator, and the page shows again what to type."""
    send(box)
    page.locator(".bubble").wait_for()
    page.get_by_role("button", name="Forget all").click()
    page.locator("#empty").wait_for()
    assert (numbers(page), box.inbox) == ([], ())


def test_an_empty_page_shows_a_line_that_sends(page: Page, box: Sandbox) -> None:
    """Without a message the page shows a line to type, which names this server."""
    line = page.locator("#line").inner_text()
    assert line.startswith(f"curl '{box.url}/v2/")
    assert json.loads(line.partition("--data-raw '")[2].removesuffix("'"))["messaging_object"]["to"] == TO


def test_a_page_whose_server_ends_says_so(browser: Browser) -> None:
    """When the server is gone the page says that it is not connected."""
    with kshell.sandbox() as box:
        context = browser.new_context()
        page = context.new_page()
        page.goto(box.url)
        page.wait_for_selector("#live[data-live]")
    page.get_by_text("not connected").wait_for(timeout=60_000)
    context.close()


# ---- what it does not do


def test_hostile_texts_are_text(page: Page, box: Sandbox) -> None:
    """Markup, scripts, quotes and controls in code, template and ref are shown as they are and change nothing."""
    before = page.evaluate("document.querySelectorAll('body *:not(#phones, #phones *)').length")
    for number, text in enumerate(HOSTILE):
        send(box, f"+9198{number:06}", text[:15], name=text, ref=text)
    page.get_by_text(f"+9198{len(HOSTILE) - 1:06}", exact=True).wait_for()
    assert page.locator(".template").all_text_contents() == list(reversed(HOSTILE))
    assert page.locator(".refs dd").all_text_contents() == list(reversed(HOSTILE))
    assert page.locator(".text strong").all_text_contents() == [text[:15] for text in reversed(HOSTILE)]
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("#phones :is(script, img, iframe, style, a, form, input, base, meta, template)").count() == 0
    assert page.evaluate("document.querySelectorAll('body *:not(#phones, #phones *)').length") == before


def test_a_page_of_another_site_cannot_send(browser: Browser, box: Sandbox) -> None:
    """A form and a script of another origin send nothing to the simulator, and read nothing from it."""
    context = browser.new_context()
    page = context.new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"))
    page.goto("http://evil.example/")
    script = """async (url) => {
        const body = '{"answer": "low-balance"}';
        const post = () => fetch(`${url}/next`, {method: "POST", mode: "no-cors", body}).catch(() => {});
        await post();
        return fetch(`${url}/inbox`).then((answer) => answer.text()).catch(() => "not read");
    }"""
    assert page.evaluate(script, box.url) == "not read"
    context.close()
    send(box)
    assert len(box.inbox) == 1


# ---- for everybody


@pytest.mark.parametrize("colour", ["light", "dark"])
def test_it_fits_a_narrow_screen_in_both_colours(browser: Browser, box: Sandbox, colour: Any) -> None:
    """Nothing is wider than a screen of 360 pixels or cut off, with long texts too."""
    send(box, name="a" * 300, ref="b" * 255)
    send(box, "+15001310260")
    with opened(browser, box, viewport={"width": 360, "height": 740}, color_scheme=colour) as page:
        page.locator(".status[data-status=failed]").wait_for()
        page.locator("summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        cut = "[...document.querySelectorAll('.phone *')].filter((part) => part.scrollWidth > part.clientWidth + 1)"
        shown = ".filter((part) => part.clientWidth && !part.closest('svg')).map((part) => part.outerHTML)"
        assert page.evaluate(cut + shown) == []


def test_it_works_by_the_keyboard(page: Page, box: Sandbox) -> None:
    """Tab reaches the code's button, which Enter presses, and a message that comes does not take the focus away."""
    send(box)
    page.locator(".bubble").wait_for()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.bubble .copy')"):
            break
    page.keyboard.press("Enter")
    page.get_by_text("Copied").first.wait_for()
    send(box, OTHER)
    send(box, code="999999")
    page.get_by_text("999999 is your").wait_for()
    focus = page.locator(":focus")
    assert (focus.get_attribute("class"), "482913" in focus.inner_text()) == ("copy", True)


@needs("axe-core", "node")
@pytest.mark.parametrize("colour", ["light", "dark"])
def test_axe_finds_no_violation(browser: Browser, box: Sandbox, colour: Any) -> None:
    """The checks of axe-core find nothing: names, roles, contrast, in both colours, empty and with messages."""
    axe = node_package("axe-core")
    assert axe
    with opened(browser, box, bypass_csp=True, color_scheme=colour) as page:
        page.evaluate((axe / "axe.min.js").read_text(encoding="utf-8"))
        found = page.evaluate("axe.run().then((result) => result.violations)")
        send(box)
        send(box, "+15001310260", ref="customer-42")
        page.locator(".status[data-status=failed]").wait_for()
        page.locator("summary").first.click()
        found += page.evaluate("axe.run().then((result) => result.violations)")
    assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found] == []
