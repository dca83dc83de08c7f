"""What a report says is to be done fits how far the key got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from commands.hooked import LEAK, Person, new_person
from keyleak.findings import Verification, VerificationVerdict
from keyleak.records import replace
from keyleak.reports.formats import Format, render
from reports.saved import finding, presentation, report

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.reports.report import Report

REVOKE = "Revoke the leaked key at once"
SUPPORT = "Tell support"
FORMATS = [Format.TEXT, Format.MARKDOWN, Format.GITHUB, Format.JUNIT, Format.HTML]


def said(of: Report, form: Format) -> str:
    """A report's words, on one line whatever the width."""
    return " ".join(render(of, form, presentation(of)).split())


def pushed(stage: str) -> Report:
    of = report(finding())
    return replace(of, scan=replace(of.scan, stage=stage))


@pytest.mark.parametrize("form", FORMATS)
def test_a_key_in_a_history_is_revoked_at_once(form: Format) -> None:
    assert REVOKE in said(report(finding()), form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("of", "step"),
    [
        (report(finding(), kind="staged"), "commit again"),
        (pushed("pre-push"), "push again"),
        (pushed("pre-receive"), "push again"),
    ],
    ids=["staged", "pre-push", "pre-receive"],
)
def test_a_key_that_was_stopped_is_taken_out_and_not_revoked(of: Report, step: str, form: Format) -> None:
    words = said(of, form)
    assert "Take the key out" in words
    assert step in words
    assert "if it was ever pushed or shared" in words or form is Format.JUNIT
    assert REVOKE not in words
    assert SUPPORT not in words


def test_sarif_s_messages_fit_as_well() -> None:
    sarif = json.loads(render(of := report(finding(), kind="staged"), Format.SARIF, presentation(of)))
    message = sarif["runs"][0]["results"][0]["message"]["text"]
    assert "Take the key out" in message
    assert REVOKE not in message


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["history", "scan", "staged"])
def test_what_the_issuer_does_not_accept_is_not_to_be_revoked(kind: str, form: Format) -> None:
    verdict = Verification(VerificationVerdict.NOT_ACCEPTED, "app.flora.ai")
    words = said(report(finding(verification=verdict), kind=kind), form)
    assert "nothing is left to revoke" in words
    assert REVOKE not in words
    assert SUPPORT not in words


def test_a_key_that_is_accepted_is_told_apart_from_one_that_is_not() -> None:
    verdict = Verification(VerificationVerdict.NOT_ACCEPTED, "app.flora.ai")
    of = report(finding(1), finding(2, verification=verdict), finding(3, verification=verdict))
    for form in (Format.TEXT, Format.HTML):
        words = said(of, form)
        assert REVOKE in words
        assert words.count("nothing is left to revoke") == 1
    live = Verification(VerificationVerdict.LIVE, "app.flora.ai")
    assert REVOKE in said(report(finding(verification=live)), Format.TEXT)


def test_the_stage_of_a_push_is_in_the_saved_report_and_read_again(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    new_person(tmp_path / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    person.record("leak.env", LEAK)
    line = f"refs/heads/main {person.head()} refs/heads/main {'0' * 40}\n"
    command = ("keyleak", "hook", "run", "--format", "json:r.json", "pre-push", "origin", "../server.git")
    assert person.run(*command, stdin=line).returncode == 1
    saved = json.loads((person.folder / "r.json").read_text())
    assert saved["scan"]["kind"] == "history"
    assert saved["scan"]["stage"] == "pre-push"
    again = Person(person.folder).run("keyleak", "report", "r.json")
    assert "push again" in " ".join(again.stdout.split())
    assert REVOKE not in again.stdout
    staged = person.run("keyleak", "staged", "--format", "json", "leak.env")
    assert "stage" not in json.loads(staged.stdout)["scan"]
