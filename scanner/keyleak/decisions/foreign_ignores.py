"""Ignores of other scanners, matched against what a scan found, so that a baseline can take them over.

`.gitleaksignore` names places, `commit:file:rule:line` or `file:rule:line` (gitleaks, README); a
`.secrets.baseline` names SHA-1 hashes of secrets by file (detect-secrets, README). Both are turned into keys
that are here now; what matches nothing is dead.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keyleak.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from keyleak.findings import Finding, Location
    from keyleak.rulebook.model import Rulebook

_FINGERPRINT: Final = re.compile(
    r"(?:(?P<commit>[0-9a-f]{7,64}):)?(?P<file>.+):(?P<rule>[^:]+):(?P<line>\d{1,18})"
)
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_SHORTEST_NAME: Final = 4
_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")
# Parts of rules that take any secret: gitleaks' generic-api-key, detect-secrets' keyword and entropy.
_GENERAL: Final = ("generic", "keyword", "entropy", "secretkey", "apikey", "sklive", "sktest")
# detect-secrets' Stripe plugin takes a key as the prefix and 24 characters, however long it is.
_STRIPE_PART: Final = re.compile(rb"[rs]k_live_[0-9A-Za-z]{24}")


@dataclass(frozen=True, slots=True)
class ForeignIgnore:
    """One entry of another scanner's file."""

    text: str
    """As a person finds it in the file."""
    line: int
    """Where it stands in the file."""
    path: str
    commit: str | None = None
    at_line: int | None = None
    """The line that it ignores."""
    sha1: str | None = None
    """Hash of the secret that it ignores."""
    kind: str = ""
    """What the other scanner calls the kind of secret: gitleaks' rule, detect-secrets' type."""

    def may_be_ours(self, issuers: Collection[str]) -> bool | None:
        """Whether keyleak looks for such secrets; None where the other scanner's kind says nothing.

        Args:
            issuers: names of issuers, in lower case without separators.
        """
        bare = _NOT_WORD.sub("", self.kind.lower())
        if not (bare and issuers) or any(word in bare for word in _GENERAL):
            return None
        return any(name in bare for name in issuers)

    def means(self, finding: Finding) -> bool:
        """Whether it speaks of a key that was found."""
        places = [place for place in finding.locations if _same_path(place.path, self.path)]
        if self.sha1 is not None:
            return bool(places) and self.sha1 in _hashes(finding)
        return any(self._is_at(place) for place in places)

    def _is_at(self, place: Location) -> bool:
        if place.line != self.at_line:
            return False
        return self.commit is None or (place.commit or "").startswith(self.commit)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of foreign ignores."""

    matched: tuple[tuple[ForeignIgnore, Finding], ...]
    dead: tuple[ForeignIgnore, ...]
    others: tuple[ForeignIgnore, ...] = ()
    """Those of another kind of secret, which keyleak does not look for."""


def read_ignores(text: str, file: str) -> list[ForeignIgnore]:
    """The entries of another scanner's file; JSON is detect-secrets', anything else gitleaks'.

    Raises:
        ConfigError: it is neither, with the line.
    """
    if text.lstrip().startswith("{"):
        return list(_from_detect_secrets(text, file))
    return list(_from_gitleaks(text, file))


def issuer_names(rulebook: Rulebook) -> frozenset[str]:
    """The names by which other scanners may call issuers, in lower case without separators."""
    names = (name for issuer in rulebook.issuers for name in (issuer.issuer, issuer.name))
    bare = (_NOT_WORD.sub("", name.lower()) for name in names)
    return frozenset(name for name in bare if len(name) >= _SHORTEST_NAME)


def _nowhere(_: ForeignIgnore) -> bool:
    return False


def take(
    ignores: Iterable[ForeignIgnore],
    findings: Sequence[Finding],
    issuers: Collection[str] = (),
    is_there: Callable[[ForeignIgnore], bool] = _nowhere,
) -> Taken:
    """Which keys the entries mean, and which entries mean none.

    Args:
        ignores: the entries.
        findings: the keys.
        issuers: names of issuers, in lower case without separators.
        is_there: whether the place that an entry names is still there; asked where its kind says nothing.
    """
    matched: list[tuple[ForeignIgnore, Finding]] = []
    dead: list[ForeignIgnore] = []
    others: list[ForeignIgnore] = []
    for ignore in ignores:
        meant = [finding for finding in findings if ignore.means(finding)]
        matched += ((ignore, finding) for finding in meant)
        if not meant:
            ours = ignore.may_be_ours(issuers)
            is_other = is_there(ignore) if ours is None else not ours
            (others if is_other else dead).append(ignore)
    return Taken(tuple(matched), tuple(dead), tuple(others))


def _from_gitleaks(text: str, file: str) -> Iterator[ForeignIgnore]:
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.partition("#")[0].strip() if line.lstrip().startswith("#") else line.strip()
        if not entry:
            continue
        parts = _FINGERPRINT.fullmatch(entry)
        if parts is None:
            reason = "no fingerprint of gitleaks: commit:file:rule:line or file:rule:line"
            raise ConfigError(file, number, reason)
        yield ForeignIgnore(
            entry, number, parts["file"], parts["commit"], int(parts["line"]), kind=parts["rule"]
        )


def _from_detect_secrets(text: str, file: str) -> Iterator[ForeignIgnore]:
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(file, error.lineno, f"no baseline of detect-secrets: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        # Python refuses numbers of thousands of digits, and lists a thousand deep.
        raise ConfigError(file, None, f"no baseline of detect-secrets: {error}") from error
    results = document.get("results")
    if not isinstance(results, dict):
        raise ConfigError(file, 1, "no baseline of detect-secrets: it has no `results`")
    lines = _lines_of_hashes(text)
    for path, entries in results.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            sha1 = entry.get("hashed_secret") if isinstance(entry, dict) else None
            if not isinstance(sha1, str) or not _SHA1.fullmatch(sha1):
                raise ConfigError(file, _line_of(text, path), f"an entry of {path} has no hashed_secret")
            kind = entry.get("type")
            kind = kind if isinstance(kind, str) else ""
            yield ForeignIgnore(f"{path}: {sha1}", lines.get(sha1, 1), path, sha1=sha1, kind=kind)


def _lines_of_hashes(text: str) -> dict[str, int]:
    """The first line of each hash."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        for found in _SHA1.findall(line):
            lines.setdefault(found, number)
    return lines


def _hashes(finding: Finding) -> set[str]:
    """SHA-1 of what detect-secrets may have taken for the secret."""
    key = finding.secret.reveal()
    part = _STRIPE_PART.match(key)
    forms = {key, part[0]} if part else {key}
    return {hashlib.sha1(form, usedforsecurity=False).hexdigest() for form in forms}


def _same_path(one: str | None, other: str) -> bool:
    return (one or "").removeprefix("./") == other.removeprefix("./")


def _line_of(text: str, what: str) -> int:
    return text.count("\n", 0, max(0, text.find(what))) + 1
