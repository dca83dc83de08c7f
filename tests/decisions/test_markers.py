"""Which comments beside a key count, through a scan of the content they stand in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keyleak
from keyleak.decisions.engine import Decisions
from keyleak.decisions.markers import Markers, markers_beside
from keyleak.rulebook.template import expand

KEY = expand("sk_live_${base62:42}", 3)
OTHER = expand("sk_live_${base62:42}", 4)


def statuses(content: str, encoding: str = "utf-8") -> list[str]:
    """`line:status` of every key, in order of lines."""
    findings = keyleak.scan_bytes(content.encode(encoding), path="f")
    decided = Decisions().apply(findings).findings
    by_line = sorted(decided, key=lambda each: each.locations[0].line)
    return [f"{each.locations[0].line}:{each.status.value}" for each in by_line]


@pytest.mark.parametrize(
    "line",
    [
        "k = '{key}'  # keyleak:allow revoked in May",
        "k = '{key}' // keyleak:allow: revoked",
        "k = '{key}' /* keyleak:allow - a sample */",
        "<!-- keyleak:allow sample --> <k>{key}</k>",
        "k = '{key}'  # keyleak:allow[flora-api-key, sk-family-key, clerk-secret-key] ours",
        "/* keyleak:allow why */ k = '{key}'",
        "k: {key} # gitleaks:allow",
        "k: {key} #gitleaks:allow",
        "k: {key} # pragma: allowlist secret",
        "k: {key} // pragma: whitelist secret",
        "k: {key} # trufflehog:ignore",
        "k: {key} # kingfisher:ignore",
        "# keyleak:allow why\nk = '{key}'",
        "  // keyleak:allow why\r\nk = '{key}'",
        "<!-- keyleak:allow x -->\nk={key}",
        "# pragma: allowlist nextline secret\nk = '{key}'",
        "x = 1  # pragma: allowlist nextline secret\nk = '{key}'",
        "x = " + "1" * 5000 + "  # pragma: allowlist nextline secret\nk = '{key}'",
        "k = '{key}'  # keyleak:allow # gitleaks:allow",
        "<p>{key}</p><!--keyleak:allow revoked in May-->",
        "<!--keyleak:allow revoked in May-->\n<p>{key}</p>",
        "k = '{key}'  # keyleak: allow revoked in May",
        "k = '{key}'  # Keyleak : Allow revoked in May",
        "k = '{key}'  # keyleak:allow(flora-api-key,sk-family-key) ours",
        "k = '{key}'  # keyleak:allow (revoked in May)",
        "REM keyleak:allow revoked in May\r\nset k={key}",
        "@rem keyleak:allow revoked\nset k={key}",
        ":: keyleak:allow revoked\nset k={key}",
        "' keyleak:allow revoked\nk={key}",
        "dnl keyleak:allow revoked\nk={key}",
        "[//]: # (keyleak:allow revoked)\n    {key}",
        "<%-- keyleak:allow revoked --%>\n<p>{key}</p>",
        "{{{{!-- keyleak:allow revoked --}}}}\n{key}",
        "SELECT '{key}' --keyleak:allow revoked",
        "{{/*keyleak:allow revoked*/}}<p>{key}</p>",
        "k = '{key}' # keyleak:allow=revoked",
        "%% keyleak:allow revoked\nk = '{key}'",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-16-le"])
def test_a_marker_beside_a_key_allows_it(line: str, encoding: str) -> None:
    (status,) = statuses(line.format(key=KEY) + "\n", encoding)
    assert status.endswith(":allowed")


@pytest.mark.parametrize(
    "text",
    [
        "k = '{key}'  # keyleak:allow",
        "k = '{key}'  # keyleak:allow[other] why",
        "k = '{key}'  # keyleak:allow[] why",
        "/* keyleak:allow */ k = '{key}'",
        "k = '{key}' # keyleak:allow # - ",
        "k = '{key}' # keyleak:allowed why",
        "k = '{key}' # notkeyleak:allow why",
        "# keyleak:allow why\n\nk = '{key}'",
        "x = 1  # keyleak:allow why\nk = '{key}'",
        "# gitleaks:allow\nk = '{key}'",
        "# trufflehog:ignore\nk = '{key}'",
        "# pragma: allowlist secret\nk = '{key}'",
        "k = '{key}'  # pragma: allowlist nextline secret",
        "k = '{key}'\n# keyleak:allow why",
        "k = '{key}'\n# gitleaks:allow",
    ],
)
def test_what_is_no_marker_of_this_key_allows_nothing(text: str) -> None:
    (status,) = statuses(text.format(key=KEY) + "\n")
    assert status.endswith(":new")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("k = '{key}'  # keyleak:allow", "gives no reason"),
        ("<p>{key}</p><!--keyleak:allow-->", "gives no reason"),
        ("k = '{key}'  # keyleak:ignore revoked", "keyleak:ignore is no marker"),
        ("k = '{key}'  # keyleak-allow revoked", "keyleak-allow is no marker"),
        ("k = '{key}'  # keyleak allow", "keyleak allow is no marker"),
        ("k = '{key}'  # keyleak:allowed revoked", "keyleak:allowed is no marker"),
        ("k = '{key}'  # noqa: keyleak", "noqa: keyleak is no marker"),
        ("k = '{key}'  # keyleak: false positive", "keyleak: false is no marker"),
        ("k = '{key}'  # keyleak\uff1aallow revoked", "is no marker"),
        ("k = '{key}'  # ignore keyleak", "ignore keyleak is no marker"),
        ("{{/*keyleak:allow*/}} k = '{key}'", "gives no reason"),
        ("k = '{key}'  # nosec S105, keyleak", "is no marker"),
        ("k = '{key}'  // nolint:gosec,keyleak", "is no marker"),
        ("// keyleak-disable-next-line\nk = '{key}'", "keyleak-disable-next-line is no marker"),
        ("# keyleak:allow-next-line revoked\nk = '{key}'", "keyleak:allow-next-line is no marker"),
        ("x = 1  # keyleak:allow why\nk = '{key}'", "stands behind other text on the line before"),
        ("k = '{key}'\n# keyleak:allow why", "stands below the key"),
        ("# keyleak:allow why\n# see the ticket\nk = '{key}'", "stands 2 lines above the key"),
        ("# keyleak:allow why\n\n\nk = '{key}'", "stands 3 lines above the key"),
        ("k = '{key}'  # keyleak:allow(other) why", "names other"),
    ],
)
def test_what_somebody_meant_as_a_marker_is_answered(text: str, reason: str) -> None:
    content = text.format(key=KEY) + "\n"
    (finding,) = Decisions().apply(keyleak.scan_bytes(content.encode(), path="f")).findings
    assert finding.status.value == "new"
    assert reason in (finding.reason or "")


@pytest.mark.parametrize(
    "text",
    [
        "# keyleak:allow why\nx = 1\nk = '{key}'",
        "k = '{key}'\nx = 1  # keyleak:allow why",
        "keyleaks = '{key}'",
        "# use keyleak to find keys\nk = '{key}'",
    ],
)
def test_what_speaks_of_something_else_is_no_marker(text: str) -> None:
    (finding,) = Decisions().apply(keyleak.scan_bytes(text.format(key=KEY).encode(), path="f")).findings
    assert finding.reason is None


def test_a_marker_behind_one_key_does_not_allow_the_key_on_the_next_line() -> None:
    assert statuses(f"k = '{KEY}'  # keyleak:allow why\nk = '{OTHER}'\n") == ["1:allowed", "2:new"]


def test_a_marker_behind_an_encoded_key_counts() -> None:
    import base64

    hidden = base64.b64encode(f"FLORA_API_KEY={KEY}".encode()).decode()
    assert statuses(f"secret: {hidden}  # gitleaks:allow\n") == ["1:allowed"]


def test_a_reason_never_holds_the_key() -> None:
    for text in (f"# keyleak:allow x {KEY}", f"{KEY} # keyleak:allow x", f"# keyleak:allow\t{KEY}"):
        start = text.index(KEY)
        for marker in markers_beside(text.encode(), start, start + len(KEY)):
            assert KEY not in (marker.reason or "")


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
def test_any_text_around_a_key_is_looked_at_without_harm(before: str, after: str, wide: bool) -> None:
    codec = "utf-16-le" if wide else "utf-8"
    head, key, tail = (part.encode(codec, "surrogatepass") for part in (before, KEY, after))
    found = markers_beside(head + key + tail, len(head), len(head) + len(key), utf16=codec if wide else None)
    assert not found or "keyleak:allow" in before + after


def test_markers_are_found_among_many_keys_as_beside_one() -> None:
    keys = [expand("sk_live_${base62:42}", seed) for seed in range(40)]
    lines = [
        f"a = '{key}'  # {MANY[index % len(MANY)]}" if index % 3 == 0 else f"b = '{key}'"
        for index, key in enumerate(keys)
    ]
    content = "\n".join(lines).encode()
    markers = Markers(content)
    for key in keys:
        start = content.index(key.encode())
        end = start + len(key)
        assert markers.beside(start, end) == markers_beside(content, start, end)


MANY = [
    "keyleak:allow a test", "gitleaks:allow", "trufflehog:ignore", "kingfisher:ignore", "Keyleak : Allow it",
    "pragma: allowlist secret", "keyleak:ignore", "noqa: keyleak", "keyleak = revoked",
]  # fmt: skip
