"""A saved report tells all that it was told; anything else is refused with one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.cli import main
from keyleak.coverage import Gap
from keyleak.errors import ExitCode, ReportError
from keyleak.reports.formats import Format, render
from keyleak.reports.json import schema
from keyleak.reports.reader import read_report
from reports.saved import finding, historic, presentation, report, undecided

if TYPE_CHECKING:
    from pathlib import Path

MADE = report(historic(), undecided(), finding(5), gaps=(Gap("big", "cannot be read", 3),))
SAVED = render(MADE, Format.JSON, presentation(MADE))


@pytest.mark.parametrize("form", Format)
def test_a_saved_report_renders_as_the_scan_did(form: Format) -> None:
    again = read_report(SAVED, "report.json")
    assert render(again, form, presentation(again)) == render(MADE, form, presentation(MADE))


def test_the_json_report_is_valid() -> None:
    jsonschema.validate(json.loads(SAVED), json.loads(schema()))


def edited(*path: str | int, value: object = None) -> str:
    document: Any = json.loads(SAVED)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        (SAVED[: len(SAVED) // 2], "cut short"),
        (SAVED[:-3], "cut short"),
        ("[]", "a JSON list, as other scanners write"),
        ("3", "no JSON object"),
        ("not json", "this is no JSON report"),
        ("[" * 100_000, "nested too deeply"),
        ('{"version": "2.1.0", "runs": []}', "a SARIF log"),
        ('{"results": []}', "the report of another tool"),
        ("{}", "no field 'schema'"),
        (edited("schema", value="keyleak/report/2"), "the report has version 2"),
        (edited("schema", value=7), "no field 'schema'"),
        (edited("tool", "name", value="other"), "report.tool.name is none of: keyleak"),
        (edited("coverage", "complete", value=True), "report.coverage.complete must be true exactly"),
        (
            edited("findings", 0, "severity", value="awful"),
            "report.findings[0].severity is none of: critical",
        ),
        (edited("findings", 0, "id", value="x"), "report.findings[0].id must match"),
        (edited("findings", 0, "locations", value=[]), "report.findings[0].locations must not be empty"),
        (
            edited("findings", 0, "locations", 0, "line", value=0),
            "locations[0].line must be a whole number from 1",
        ),
        (edited("findings", 0, "age_days", value=True), "age_days must be a whole number"),
        (edited("findings", 0, "exposure", value=[1]), "exposure must hold texts only"),
        (edited("findings", 0, "extra", value=1), "a field that this keyleak does not know: 'extra'"),
        (edited("scan", "started", value="yesterday"), "report.scan.started is no date and time"),
        ('{"a": ' + "1" * 5000 + "}", "no report of keyleak"),
        (edited("scan", "started", value="9999-12-31T23:00:00-14:00"), "is not between the years"),
        (edited("scan", "seconds", value=1e300), "report.scan.seconds must be a number"),
        (edited("scan", "seconds", value=float("nan")), "report.scan.seconds must be a number"),
        (edited("scan", "seconds", value="1"), "report.scan.seconds must be a number"),
    ],
)
def test_what_is_no_report_is_refused(text: str, said: str) -> None:
    with pytest.raises(ReportError, match=r"report\.json") as refused:
        read_report(text, "report.json")
    assert said in str(refused.value)


def test_the_command_exits_2_and_leaves_the_old_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_bytes(SAVED.encode()[:-40])
    (tmp_path / "out.sarif").write_text("old")
    assert main(["report", "bad.json", "--format", "sarif:out.sarif"]) == ExitCode.INCOMPLETE
    assert main(["report", "nowhere.json"]) == ExitCode.INCOMPLETE
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    assert main(["report", "latin"]) == ExitCode.INCOMPLETE
    assert main(["report"]) == ExitCode.INCOMPLETE
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.count("\n") for line in err.splitlines()] == [0, 0, 0, 0]
    assert (tmp_path / "out.sarif").read_text() == "old"
    (tmp_path / "good.json").write_text(SAVED)
    assert main(["report", "good.json", "--format", "sarif:out.sarif", "--format", "json"]) == ExitCode.CLEAN
    assert capfd.readouterr().out == SAVED
    assert (tmp_path / "out.sarif").read_text() != "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json", "good.json", "latin", "out.sarif"]


def places_of(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value in a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, inner in below for found in places_of(inner, (*path, step)))]


PLACES = [path for path in places_of(json.loads(SAVED)) if path]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["0001-01-01", "9999-12-31T23:59:59-14:00", "2024-02-30", "\ud800", "", "****", "1e999"]),
    st.just([]),
    st.just({}),
    st.just([{}]),
)


@given(path=st.sampled_from(PLACES), value=VALUES)
@settings(max_examples=150, deadline=None)
def test_an_edited_report_is_refused_or_rendered_and_never_crashes(
    path: tuple[str | int, ...], value: object
) -> None:
    try:
        read = read_report(edited(*path, value=value), "report.json")
    except ReportError:
        return
    for form in Format:
        render(read, form, presentation(read))
