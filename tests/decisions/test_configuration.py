"""The configuration: strict, the same in YAML and TOML, and as its JSON Schema says."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keyleak.decisions
from keyleak.decisions.config_reader import KEYS, read_configuration
from keyleak.decisions.configuration import Configuration
from keyleak.decisions.entries import AllowEntry, Criteria, SeverityEntry
from keyleak.errors import ConfigError
from keyleak.findings import Severity

SCHEMA = json.loads((Path(keyleak.decisions.__file__).parent / "config-1.schema.json").read_text("utf-8"))

YAML = """\
allow:
  - {id: '12345678901234567890123456789012', reason: revoked, expires: 2026-12-31}
  - {path: tests/*, rule: x, reason: made up}
severity:
  - {path: docs/*, severity: note, reason: samples}
baseline: known.json
min-severity: low
issuers: [flora]
rules: [my-rules]
inline: false
"""
TOML = """\
[project]
name = "x"

[tool.keyleak]
baseline = "known.json"
min-severity = "low"
issuers = ["flora"]
rules = ["my-rules"]
inline = false
severity = [{path = "docs/*", severity = "note", reason = "samples"}]
[[tool.keyleak.allow]]
id = "12345678901234567890123456789012"
reason = "revoked"
expires = 2026-12-31
[[tool.keyleak.allow]]
path = "tests/*"
rule = "x"
reason = "made up"
"""


@pytest.mark.parametrize(
    ("text", "file", "lines"), [(YAML, ".keyleak.yaml", (2, 3, 5)), (TOML, "pyproject.toml", (11, 15, 10))]
)
def test_both_forms_say_the_same(text: str, file: str, lines: tuple[int, int, int]) -> None:
    revoked = Criteria(id="12345678901234567890123456789012")
    assert read_configuration(text, file) == Configuration(
        allow=(
            AllowEntry(revoked, "revoked", date(2026, 12, 31), lines[0]),
            AllowEntry(Criteria(path="tests/*", rule="x"), "made up", None, lines[1]),
        ),
        severities=(SeverityEntry(Criteria(path="docs/*"), Severity.NOTE, "samples", lines[2]),),
        baseline="known.json",
        rules=("my-rules",),
        issuers=("flora",),
        min_severity=Severity.LOW,
        inline=False,
    )


def test_a_toml_file_without_a_table_holds_no_configuration() -> None:
    assert read_configuration("[tool.other]\na = 1\n", "pyproject.toml") is None


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", None, "the file is empty"),
        ("allow: {a: b}", 1, "a list is expected"),
        ("deny: []", 1, "unknown key 'deny'"),
        ("allow:\n- path: a", 2, "key 'reason' is missing"),
        ("allow:\n- path: a\n  reason: ''", 3, "empty"),
        ("allow:\n- reason: x", 2, "at least one of: id, rule, issuer, path"),
        ("allow:\n- path: a\n  reason: x\n  expires: 2026-02-30", 4, "is no day"),
        ("allow: []\nverify: true", 2, "--verify"),
        ("verification: {}", 1, "--verify"),
        ("severity:\n- path: a\n  reason: x\n  severity: bad", 4, "none of"),
        ("inline: yes", 1, "true or false"),
    ],
)
def test_a_wrong_yaml_is_told_with_its_line(text: str, line: int | None, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_configuration(text, ".keyleak.yaml")
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a = 1\nb =\n", 2, "not valid TOML"),
        ("[tool.keyleak]\nallow = []\nverify = true\n", 3, "--verify"),
        ("[tool.keyleak]\n\n[[tool.keyleak.allow]]\npath = 'a'\n", 3, "'reason' is missing"),
        ("[tool.keyleak]\n[[tool.keyleak.allow]]\npath = 'a'\nreason = 5\n", 4, "a text is expected"),
    ],
)
def test_a_wrong_toml_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_configuration(text, "pyproject.toml")
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value


texts = st.sampled_from(["", " ", "a", "tests/*"])
values = (
    st.none() | st.booleans() | st.integers(0, 9) | texts | st.sampled_from([each.value for each in Severity])
)
entries = st.dictionaries(
    st.sampled_from(["id", "rule", "issuer", "path", "reason", "severity", "expires", "other"]),
    values | st.just("2026-01-31"),
    max_size=4,
)
documents = st.dictionaries(
    st.sampled_from([*KEYS, "other", "verify"]),
    values | st.lists(entries | values, max_size=2) | entries,
    max_size=3,
)


def test_the_schema_knows_the_keys_of_the_reader() -> None:
    assert set(SCHEMA["properties"]) == set(KEYS)


@settings(max_examples=400)
@given(documents)
def test_the_schema_accepts_what_the_reader_accepts(document: dict[str, object]) -> None:
    # Names may be numbers to YAML; as texts they are what JSON and the schema know.
    try:
        read_configuration(json.dumps(document), ".keyleak.yaml")
    except ConfigError:
        accepted = False
    else:
        accepted = True
    named_by_number = any(
        isinstance(entry, dict)
        and any(type(entry.get(name)) in {int, bool} for name in ("id", "rule", "issuer", "path"))
        for entries in document.values()
        if isinstance(entries, list)
        for entry in entries
    )
    if not named_by_number:
        assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document) == accepted
