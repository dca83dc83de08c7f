"""One key from standard input or the keyboard, held nowhere but in its `Secret`."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Final

from keyleak.errors import UsageError
from keyleak.findings import Attribution, AttributionVerdict, Candidate, LocationKind
from keyleak.records import replace
from keyleak.secret import fingerprint
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from keyleak.findings import Sighting
    from keyleak.rulebook.model import Rulebook

# Longer than any key with a name before it; a file is for `keyleak scan -`.
_LONGEST: Final = 64 * 1024
_STDIN: Final = Place(LocationKind.STDIN, None)


def typed_key(
    inspector: Inspector,
    rulebook: Rulebook,
    issuers: Collection[str],
    known: Mapping[str, str],
    keys: Iterable[bytes],
) -> tuple[Sighting, ...]:
    """The key, as it would have been found in a file.

    Args:
        inspector: finds it in what is read.
        rulebook: names of issuers.
        issuers: with one, a key that says nothing about its issuer counts as that one's, on the word of
            whoever typed it; another issuer's shape still speaks against it.
        known: issuers by the ids of the keys that a report tells of.
        keys: of baselines that these ids may be made with.

    Raises:
        UsageError: what is read holds no key, or several, or one that the evidence gives to another issuer.
    """
    content = _read()
    sightings = inspector.inspect(content, _STDIN).sightings
    named = [sighting for sighting in sightings if sighting.attribution.issuer is not None]
    for sighting in named:
        if issuers and sighting.attribution.issuer not in issuers:
            raise UsageError(
                f"--issuer {', '.join(issuers)}: by its shape the key is {sighting.attribution.issuer}'s"
            )
    issuer = next(iter(issuers)) if len(issuers) == 1 else _told(content.strip(), known, keys)
    if not named and issuer is not None:
        sightings = _behind_name(content, inspector, rulebook, issuer) or sightings
    if len({sighting.secret for sighting in sightings}) > 1:
        raise UsageError("--stdin takes one key; `keyleak scan - --verify` reads more")
    if not sightings:
        raise UsageError(
            "no key there: placeholders and published samples are none. Whose is it? --issuer NAME"
        )
    return sightings


def _told(key: bytes, known: Mapping[str, str], keys: Iterable[bytes]) -> str | None:
    ids = (fingerprint(key), *(fingerprint(key, keyed_with) for keyed_with in keys))
    return next((known[id_] for id_ in ids if id_ in known), None)


def _read() -> bytes:
    if sys.stdin.isatty():
        return getpass.getpass("key (not shown): ").encode("utf-8", "surrogateescape")
    content = sys.stdin.buffer.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise UsageError("--stdin takes one key, not a file; `keyleak scan - --verify` reads those")
    return content


def _behind_name(
    content: bytes, inspector: Inspector, rulebook: Rulebook, issuer: str
) -> tuple[Sighting, ...]:
    """The key as if it stood behind one of its issuer's names, which lets everything else speak as usual."""
    rules = rulebook.issuer(issuer)
    if rules is None or not rules.context.names:
        return ()
    named = rules.context.names[0].encode() + b"=" + content.strip()
    sightings = inspector.inspect(named, _STDIN).sightings
    return tuple(_on_word(sighting, issuer) for sighting in sightings)


def _on_word(sighting: Sighting, issuer: str) -> Sighting:
    attribution = sighting.attribution
    if attribution.verdict is AttributionVerdict.ATTRIBUTED and attribution.issuer == issuer:
        evidence = (f"said to be {issuer}'s, by --issuer or the report",)
        candidate = Candidate(issuer, evidence)
        attribution = Attribution(attribution.verdict, attribution.confidence, evidence, (candidate,))
    return replace(sighting, attribution=attribution, excerpt=sighting.secret.redacted())
