"""The HTML page in a real browser: what it shows, hostile text that stays text, ten thousand keys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from keyleak.coverage import Gap
from keyleak.findings import FirstSeen
from keyleak.reports.formats import Format, render
from reports.browser import chromium
from reports.saved import finding, historic, location, presentation, report, undecided

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from keyleak.reports.report import Report

pytestmark = pytest.mark.slow
HOSTILE = (
    "</script><script>document.title='owned'</script>"
    "<img src=x onerror=\"document.title='owned'\">\u202e{{7*7}}"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as opened:
        yield opened


def page(made: Report) -> str:
    return render(made, Format.HTML, presentation(made))


def show(browser: Chrome, made: Report, folder: Path) -> None:
    file = folder / "report.html"
    file.write_text(page(made), encoding="utf-8")
    browser.get("about:blank")
    browser.get(file.as_uri())
    browser.set_script_timeout(60)
    assert browser.execute_script("return document.documentElement.dataset.ready")
    # The page's own policy was not broken and nothing failed.
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def texts(browser: Chrome, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText.trim())"
    found: list[str] = browser.execute_script(script, selector)
    return found


def test_it_shows_what_a_manager_asks(browser: Chrome, tmp_path: Path) -> None:
    earlier = finding(
        3, at_head=True, age_days=900, first_seen=FirstSeen("a" * 40, "2024-06-08T00:00:00Z", "a", 1)
    )
    show(
        browser, report(historic(1), undecided(), earlier, gaps=(Gap("big.pack", "is damaged", 2),)), tmp_path
    )
    assert texts(browser, "h1") == ["2 leaked keys"]
    assert "2 things were not read" in texts(browser, ".notice")[0]
    assert set(texts(browser, ".totals div")[0].split("\n")) == {"2", "critical or high"}
    assert texts(browser, ".lanes time") == ["2024-06-08", "2025-03-01"]
    assert len(texts(browser, ".issuers tbody tr")) == 2
    browser.execute_script("document.querySelector('#list summary').click()")
    shown = browser.execute_async_script(
        "setTimeout(() => arguments[0](document.querySelector('#list .body').innerText), 100)"
    )
    for said in ("2025-03-01 (634 days ago)", "app.zip > in/.env:3:7", "LIVE", "Revoke the leaked key", "Id"):
        assert said in shown


def test_hostile_names_and_content_stay_text(browser: Chrome, tmp_path: Path) -> None:
    nasty = historic(1, hostile=HOSTILE)
    show(browser, report(nasty, gaps=(Gap(HOSTILE, HOSTILE),), target=HOSTILE), tmp_path)
    browser.execute_script("document.querySelector('#unfold').click()")
    assert browser.title == "Leaked keys: 1 leaked key"
    assert browser.execute_script("return document.querySelectorAll('img, iframe, object').length") == 0
    assert browser.execute_script("return document.scripts.length") == 2
    assert "owned" in texts(browser, "#list")[0]
    assert "\u202e" not in page(report(nasty))


def test_search_filters_keyboard_and_links(browser: Chrome, tmp_path: Path) -> None:
    show(
        browser,
        report(*(finding(n, location(f"dir/file{n}.py")) for n in range(30)), undecided(99)),
        tmp_path,
    )
    assert texts(browser, "#shown") == ["31 keys"]
    active = browser.switch_to.active_element
    active.send_keys("/")
    browser.switch_to.active_element.send_keys("file17")
    wait = "setTimeout(() => arguments[0](document.querySelector('#shown').innerText), 300)"
    assert browser.execute_async_script(wait) == "1 of 31 keys"
    search = browser.switch_to.active_element
    search.send_keys(Keys.CONTROL, "a")
    search.send_keys(Keys.BACKSPACE)
    assert browser.execute_async_script(wait) == "31 keys"
    browser.execute_script(
        "const state = document.querySelector('#state');"
        "state.value = 'allowed'; state.dispatchEvent(new Event('change'))"
    )
    assert texts(browser, "#shown") == ["1 of 31 keys"]
    identity = finding(29).id
    browser.execute_script(f"location.hash = 'k{identity}'")
    browser.execute_async_script("setTimeout(arguments[0], 100)")
    assert browser.execute_script(f"return document.getElementById('k{identity}').firstElementChild.open")
    # Every control has a name that is read out.
    unnamed = (
        "return [...document.querySelectorAll('input,select,button')]"
        ".filter((each) => !each.labels?.length && !each.innerText.trim()).length"
    )
    assert browser.execute_script(unnamed) == 0


def test_printing_unfolds_everything(browser: Chrome, tmp_path: Path) -> None:
    show(browser, report(*(finding(n) for n in range(150))), tmp_path)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert (
        browser.execute_script("return document.querySelectorAll('#list details[open] .body').length") == 150
    )


def test_ten_thousand_findings_stay_usable(browser: Chrome, tmp_path: Path, record_property: Any) -> None:
    show(browser, report(*(historic(n) for n in range(10_000))), tmp_path)
    ready = float(browser.execute_script("return document.documentElement.dataset.ready"))
    record_property("milliseconds_to_interactive", ready)
    assert browser.execute_script("return document.querySelectorAll('#list > li').length") < 1_000
    search = """
        const done = arguments[0], field = document.querySelector('#search');
        field.value = 'no such thing'; field.dispatchEvent(new Event('input'));
        const shown = () => document.querySelector('#shown').innerText;
        const look = () => /^0 of/.test(shown()) ? done(shown()) : setTimeout(look, 10);
        look();"""
    assert "10,000" in str(browser.execute_async_script(search))


def test_the_policy_names_hashes_and_no_host() -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page(report(finding(0))))
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_data_cannot_leave_its_element() -> None:
    made = page(report(historic(1, hostile=HOSTILE)))
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', made, re.DOTALL)
    assert len(json.loads(data)["findings"]) == 1
    assert "<" not in data
