"""Dates that `--since` takes: what git reads for certain, and nothing that it would guess at."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.errors import UsageError
from keyleak.git.since import readable_date
from repositories import new_repository

if TYPE_CHECKING:
    from pathlib import Path

CERTAIN = {
    "2026-01-31": "2026-01-31 00:00:00",
    "2026/01/31": "2026-01-31 00:00:00",
    "2026.1.31": "2026-01-31 00:00:00",
    "20260131": "2026-01-31 00:00:00",
    "20260131T140000Z": "2026-01-31 14:00:00",
    "2026-01-31 14:00": "2026-01-31 14:00:00",
    "2026-01-31T14:00:05.123Z": "2026-01-31 14:00:05",
    "2026-01-31T14:00:05+02:00": "2026-01-31 12:00:05",
    "2026-01-31 14:00:05 -0500": "2026-01-31 19:00:05",
    "01/31/2026": "2026-01-31 00:00:00",
    "31.01.2026": "2026-01-31 00:00:00",
    "31 Jan 2026": "2026-01-31 00:00:00",
    "Jan 31 2026": "2026-01-31 00:00:00",
    "January 31st, 2026": "2026-01-31 00:00:00",
    "Thu, 07 Apr 2005 22:13:13 +0200": "2005-04-07 20:13:13",
    "Thu Apr 7 22:13:13 2005 +0200": "2005-04-07 20:13:13",
    "@1700000000": "2023-11-14 22:13:20",
    "1700000000": "2023-11-14 22:13:20",
    "never": "1970-01-01 00:00:00",
}
AGO = {
    "2.weeks": 14,
    "2 weeks ago": 14,
    "2.weeks.ago": 14,
    "two weeks ago": 14,
    "14days": 14,
    "3 days 24 hours ago": 4,
    "1 week and 2 days ago": 9,
    "last week": 7,
    "yesterday": 1,
    "now": 0,
}
NO_DATES = [
    *("foo", "2026-31-01", "2026-02-30", "2025-02-29", "", "  ", "2026", "2026-01", "0", "13/13/2026", "-1"),
    *(
        "2 week sago",
        "tomorrow",
        "2026-01-31 25:00",
        "2026-01-31 foo",
        "--all",
        "99999999-01-01",
        "x yesterday",
    ),
    *("1960-01-01", "2100-01-01", "12 parsecs", "weeks", "@", "@x", "31 Foo 2026", "2026-01-31+99:99", "two"),
    *("0 weeks", "Foo, 7 Apr 2005", "yesterday 99:00", "yesterday 10:99", "13pm yesterday", "2026-01-31-02"),
    *(
        "\u0662\u0660\u0662\u0666-01-31",
        "2026-01-31" + " " * 200 + "x",
        "2026-00-10",
        "2026-01-00",
        "last",
        "ago",
        "1 day ago ago",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_repository(tmp_path_factory.mktemp("r"))


def by_git(text: str, folder: Path) -> datetime:
    """When git takes a date for, in a machine whose clock is at UTC."""
    command = ["git", "rev-parse", f"--since={readable_date(text)}"]
    environment = {"PATH": os.environ["PATH"], "TZ": "UTC"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return datetime.fromtimestamp(int(done.stdout.strip().removeprefix(b"--max-age=")), UTC)


@pytest.mark.parametrize("text", CERTAIN)
def test_a_moment_is_the_same_to_git(text: str, folder: Path) -> None:
    assert f"{by_git(text, folder):%Y-%m-%d %H:%M:%S}" == CERTAIN[text]


@pytest.mark.parametrize("text", AGO)
def test_days_ago_are_the_same_to_git(text: str, folder: Path) -> None:
    before = datetime.now(UTC)
    found = by_git(text, folder) + timedelta(days=AGO[text])
    assert before - timedelta(seconds=1) <= found <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize(
    "text", ["friday", "last friday", "Sunday", "last mon", "today", "noon", "tue 10:00"]
)
def test_a_day_s_name_is_one_before_now(text: str, folder: Path) -> None:
    now = datetime.now(UTC)
    assert now - timedelta(days=8) <= by_git(text, folder) < now


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no date; write it like|git reads years"):
        readable_date(text)


@given(st.dates(date(1970, 1, 2), date(2099, 12, 31)))
def test_every_day_is_taken_and_begins_at_midnight(day: date) -> None:
    assert readable_date(day.isoformat()) == f"{day} 00:00:00"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(UsageError):
        assert readable_date(text).isprintable()
