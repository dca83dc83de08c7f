"""The schema of a rule file: whatever is wrong with it is told with file, line and reason."""

from __future__ import annotations

import pytest

from keyleak.errors import RuleError
from keyleak.findings import Environment, Severity, Strength
from keyleak.rulebook.issuer_file import read_issuer
from keyleak.rulebook.model import EnvironmentRule, FoundBy, Reach

RULE_FILE = """\
issuer: acme
name: Acme
homepage: https://acme.example
docs: https://acme.example/docs
keys:
  - id: acme-key
    description: Acme key; opens everything
    found_by: prefix
    prefixes: [acme_live_, acme_test_]
    pattern: '[A-Za-z0-9]{32}'
    environment: by-prefix
    strength: strong
    min_entropy: 3.5
    severity: {live: critical, test: medium, unknown: high}
    examples: ['acme_live_${base62:32}']
    counter_examples: ['acme_live_${base62:31}']
context:
  strong:
    names: [ACME_KEY]
    hosts: [api.acme.example]
  weak: [acme]
  veto: []
verify:
  method: GET
  url: https://api.acme.example/v1/me
  auth: bearer
  keys: [acme-key]
  verdicts:
    - {status: 200, verdict: live, json: {id: ['*']}}
    - {status: 401, verdict: not-accepted}
  limits: {requests_per_second: 2}
runbook:
  rotate:
    - Open the settings.
  revoke_url: https://acme.example/keys
  support: help@acme.example
  notes: []
samples:
  - sha256: HASH
    note: the documentation
    length: 24
""".replace("HASH", "0123456789abcdef" * 4)


def line_of(text: str) -> int:
    """The 1-based line on which a text stands in the rule file."""
    return RULE_FILE[: RULE_FILE.index(text)].count("\n") + 1


def test_a_rule_file_is_read_whole() -> None:
    issuer = read_issuer(RULE_FILE, "acme.yaml")
    (key,) = issuer.keys
    assert (issuer.issuer, issuer.name, issuer.anonymous) == ("acme", "Acme", False)
    assert (key.id, key.issuer, key.file, key.line) == (
        "acme-key",
        "acme",
        "acme.yaml",
        line_of("id: acme-key"),
    )
    assert key.prefixes == ("acme_live_", "acme_test_")
    assert (key.found_by, key.environment, key.strength) == (
        FoundBy.PREFIX,
        EnvironmentRule.BY_PREFIX,
        Strength.STRONG,
    )
    assert key.min_entropy == 3.5
    assert key.severity[Environment.LIVE] is Severity.CRITICAL
    assert issuer.context.names == ("ACME_KEY",)
    assert issuer.context.headers == ()
    assert issuer.verify is not None
    assert [(rule.status, rule.verdict, dict(rule.json)) for rule in issuer.verify.verdicts] == [
        (200, "live", {"id": ("*",)}),
        (401, "not-accepted", {}),
    ]
    assert issuer.runbook is not None
    assert issuer.runbook.rotate == ("Open the settings.",)
    assert [sample.length for sample in issuer.samples] == [24]


def test_verify_and_runbook_may_be_null() -> None:
    head, tail = RULE_FILE.split("verify:\n")
    issuer = read_issuer(f"{head}verify: null\nrunbook: ~\nsamples:{tail.split('samples:')[1]}", "f")
    assert (issuer.verify, issuer.runbook) == (None, None)


def test_what_was_read_cannot_be_changed() -> None:
    issuer = read_issuer(RULE_FILE, "f")
    with pytest.raises(TypeError):
        issuer.keys[0].severity[Environment.LIVE] = Severity.NOTE  # type: ignore[index]
    with pytest.raises(AttributeError):
        issuer.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        ("name: Acme\n", "name: Acme\ncolour: red\n", "homepage:", "unknown key 'colour'"),
        ("    min_entropy", "    size: x\n    min_entropy", "min_entropy", "unknown key 'size'"),
        ("  veto: []\n", "  veto: []\n  vetoes: []\n", "verify:", "unknown key 'vetoes'"),
        ("    hosts: [", "    urls: [", "    hosts: [", "unknown key 'urls'"),
        ("  auth: bearer\n", "  auth: bearer\n  body: x\n", "  keys: [acme-key]", "unknown key 'body'"),
        ("name: Acme\n", "", "issuer: acme", "key 'name' is missing"),
        ("    min_entropy: 3.5\n", "", "- id: acme-key", "key 'min_entropy' is missing"),
        (", unknown: high", "", "severity:", "key 'unknown' is missing"),
        ("  support: help@acme.example\n", "", "  rotate:", "key 'support' is missing"),
        ("  limits: {requests_per_second: 2}\n", "", "  method:", "key 'limits' is missing"),
        ("name: Acme", "name: 12", "name: Acme", "a text is expected"),
        ("name: Acme", "name: true", "name: Acme", "a text is expected"),
        ("name: Acme", "name: [Acme]", "name: Acme", "a text is expected"),
        ("name: Acme", "name: ''", "name: Acme", "empty"),
        ("name: Acme", "name:", "name: Acme", "a text is expected"),
        ("prefixes: [acme_live_, acme_test_]", "prefixes: acme_live_", "prefixes:", "a list is expected"),
        ("{live: critical, test: medium, unknown: high}", "high", "severity:", "a mapping"),
        ("min_entropy: 3.5", "min_entropy: high", "min_entropy", "a number is expected"),
        ("min_entropy: 3.5", "min_entropy: '3.5'", "min_entropy", "a number is expected"),
        ("min_entropy: 3.5", "min_entropy: .inf", "min_entropy", "number"),
        ("min_entropy: 3.5", "min_entropy: -1", "min_entropy", "between 0 and 6"),
        ("min_entropy: 3.5", "min_entropy: 8", "min_entropy", "between 0 and 6"),
        ("strength: strong", "strength: mighty", "strength:", "none of: decisive, strong, weak"),
        ("found_by: prefix", "found_by: luck", "found_by:", "none of: prefix, context, assignment"),
        ("live: critical", "live: dreadful", "severity:", "none of: critical"),
        ("environment: by-prefix", "environment: prod", "environment:", "none of: by-prefix"),
        ("issuer: acme", "issuer: Acme Inc", "issuer:", "is no id"),
        ("id: acme-key", "id: acme_key", "id: acme-key", "is no id"),
        ("[acme_live_, acme_test_]", "['acme live']", "prefixes:", "is no prefix word"),
        ("[acme_live_, acme_test_]", "[a]", "prefixes:", "is no prefix word"),
        ("[acme_live_, acme_test_]", "[]", "prefixes:", "at least one"),
        ("found_by: prefix", "found_by: assignment", "prefixes:", "no prefixes"),
        ("'[A-Za-z0-9]{32}'", "'[A-Za-z0-9]+'", "pattern:", "without bound"),
        ("'[A-Za-z0-9]{32}'", "'([a-z]{1,9}){2,99}'", "pattern:", "exponential"),
        ("'[A-Za-z0-9]{32}'", "'(?=a)b'", "pattern:", "not allowed"),
        ("'[A-Za-z0-9]{32}'", "'('", "pattern:", "does not compile"),
        ("    min_entropy", "    decodes_to: 'a+'\n    min_entropy", "min_entropy", "without bound"),
        ("examples: ['acme_live_${base62:32}']", "examples: []", "examples:", "at least one example"),
        ("0123456789abcdef" * 4, "0123456789ABCDEF" * 4, "sha256:", "64 lower-case hexadecimal"),
        ("0123456789abcdef" * 4, "abcd", "sha256:", "64 lower-case hexadecimal"),
        ("length: 24", "length: long", "length: 24", "a number is expected"),
        ("method: GET", "method: POST", "method:", "only GET"),
        ("method: GET", "method: get", "method:", "only GET"),
        ("url: https://api", "url: http://api", "url: https://api", "only https"),
        ("auth: bearer", "auth: cookie", "auth:", "'bearer' or 'basic-user'"),
        ("verdict: live,", "verdict: refused,", "status: 200", "an answer means"),
        ("verdict: live,", "verdict: not-checked,", "status: 200", "an answer means"),
        ("verdict: live,", "verdict: alive,", "status: 200", "none of: "),
        ("status: 200", "status: OK", "status: 200", "a number is expected"),
        ("{id: ['*']}", "{'a..b': ['*']}", "status: 200", "is no path"),
        ("auth: bearer", "auth: 'header:X Key'", "auth:", "'bearer' or 'basic-user'"),
        ("  keys: [acme-key]\n", "  keys: [other-key]\n", "keys: [acme-key]", "is no key of this file"),
        ("  keys: [acme-key]\n", "  keys: []\n", "keys: [acme-key]", "name the keys"),
        ("  keys: [acme-key]\n", "", "  method:", "key 'keys' is missing"),
        ("    min_entropy", "    names: [ACME_HOOK]\n    min_entropy", "min_entropy", "found by assignment"),
        ("  limits:", "  headers: {host: evil}\n  limits:", "limits:", "no header that a request may fix"),
        ("  limits:", "  headers: {accept: \"a\\nb\"}\n  limits:", "limits:", "printable ASCII"),
        ("  limits:", "  request_id: 'X-Id:'\n  limits:", "limits:", "no header name"),
        ("  limits:", "  reach: {list: a, unit: X Y, id: b}\n  limits:", "limits:", "one lower-case word"),
        ("requests_per_second: 2", "requests_per_second: 2, at_once: 99", "limits:", "from 1 to 16"),
    ],
)  # fmt: skip
def test_a_wrong_rule_file_is_told_with_file_line_and_reason(
    old: str, new: str, at: str, reason: str
) -> None:
    assert RULE_FILE.count(old) >= 1
    with pytest.raises(RuleError) as caught:
        read_issuer(RULE_FILE.replace(old, new, 1), "rules/acme.yaml")
    assert caught.value.file == "rules/acme.yaml"
    assert reason in caught.value.reason
    # A line that was put in stands where the next one stood.
    assert caught.value.line == line_of(at)
    assert str(caught.value) == f"rules/acme.yaml:{line_of(at)}: {caught.value.reason}"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("status: 200", "status: 200.5", "status: 200"),
        ("status: 200", "status: 20", "status: 200"),
        ("length: 24", "length: -1", "length: 24"),
        ("length: 24", "length: 2.5", "length: 24"),
        ("requests_per_second: 2", "requests_per_second: 0", "limits:"),
        ("requests_per_second: 2", "requests_per_second: -2", "limits:"),
        ("url: https://api.acme.example/v1/me", "url: 'https://'", "url: https://api"),
        ("url: https://api.acme.example/v1/me", "url: 'https://user@api.acme.example/'", "url: https://api"),
    ],
)
def test_numbers_and_addresses_that_can_mean_nothing_are_refused(old: str, new: str, at: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_issuer(RULE_FILE.replace(old, new, 1), "f")
    assert caught.value.line == line_of(at)


def test_an_unknown_key_is_told_with_its_own_line() -> None:
    """Not with that of its value, which may begin on the next one."""
    with pytest.raises(RuleError) as caught:
        read_issuer(RULE_FILE.replace("context:\n", "colours:\n  - red\ncontext:\n"), "f")
    assert caught.value.line == line_of("context:\n")


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("name: Acme\n", "name: Acme\nname: Again\n", "homepage:"),
        ("    hosts: [", "    names: [OTHER]\n    hosts: [", "    hosts: ["),
    ],
)
def test_a_key_that_stands_twice_is_refused(old: str, new: str, at: str) -> None:
    with pytest.raises(RuleError, match="twice") as caught:
        read_issuer(RULE_FILE.replace(old, new, 1), "f")
    assert caught.value.line == line_of(at)


def test_aliases_are_refused() -> None:
    text = RULE_FILE.replace("names: [ACME_KEY]", "names: &words [ACME_KEY]").replace(
        "weak: [acme]", "weak: *words"
    )
    with pytest.raises(RuleError, match="alias"):
        read_issuer(text, "f")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "- a\n- b\n",
        "text",
        "a: [",
        "a: b: c",
        "\tissuer: x",
        "a: 'b",
        "---\na: b\n---\nc: d\n",
        "\0",
        "%YAML 9",
    ],
)
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_issuer(text, "f.yaml")
    assert str(caught.value).startswith("f.yaml")
    assert "\n" not in str(caught.value)


def test_what_a_verify_block_may_say_beside() -> None:
    more = """  auth: header:x-api-key
  headers: {acme-version: '2'}
  request_id: request-id
  reach: {list: teams, unit: team, id: team_id, one_active_key: true}
  capabilities: [reads everything]
"""
    verify = read_issuer(RULE_FILE.replace("  auth: bearer\n", more), "f").verify
    assert verify is not None
    assert (verify.auth, verify.keys, verify.headers) == (
        "header:x-api-key",
        ("acme-key",),
        (("acme-version", "2"),),
    )
    assert verify.request_id == "request-id"
    assert verify.reach == Reach("teams", "team", "team_id", None, one_active_key=True)
    assert verify.capabilities == ("reads everything",)
    plain = read_issuer(RULE_FILE, "f").verify
    assert plain is not None
    assert (plain.keys, plain.headers, plain.request_id, plain.reach, plain.at_once) == (
        ("acme-key",),
        (),
        None,
        None,
        2,
    )
