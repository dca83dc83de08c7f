"""What a file imports from an issuer's packages: a key given to that is given to the issuer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Kind
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyleak.attribution.signals import Signals

_BEGINS: Final = on_use(
    rb"(?:\A|[\n;])[ \t]*(?:import|from|use|using|const|let|var|require|gem|[a-z_]\w*[ \t]*=)(?![a-z0-9_])"
)
_IMPORTS: Final = on_use(rb"\A[\s;]*(?:import|from|use|using|gem)\b|\b(?:require|import)[ \t]{0,4}[(\"']")
_NAME: Final = on_use(rb"[a-z_][a-z0-9_]+")
_CALLED: Final = on_use(rb"([a-z_\\][\w.:\\]{0,80})[ \t]{0,4}\(\Z")
_SEPARATORS: Final = on_use(rb"[.:\\]+")
_KEYWORDS: Final = frozenset(
    b"import from use using const let var require gem as default type static new require_once include vendor"
    b" autoload lib src index com github org".split()
)
_LONGEST: Final = 400


def imported_names(lower: bytes, signals: Iterable[Signals]) -> Mapping[bytes, str]:
    """The names that a file imports from issuers' packages, and whose each is; none that two share.

    Args:
        lower: the file's beginning in lower case.
        signals: the issuers whose words stand in it.
    """
    found = [(name, issuer.issuer) for issuer in signals for name in set(_names(lower, issuer))]
    times = Counter(name for name, _ in found)
    return {name: issuer for name, issuer in found if times[name] == 1}


def issuer_of_call(call: bytes, imported: Mapping[bytes, str]) -> str | None:
    """The issuer of what is called by a text that ends with an opening bracket."""
    called = _CALLED.search(call.lower()) if imported else None
    parts = [part for part in _SEPARATORS.split(called[1]) if part] if called else []
    return next((imported[part] for part in (*parts[:1], *parts[-1:]) if part in imported), None)


def _names(lower: bytes, issuer: Signals) -> Iterator[bytes]:
    for place in _places(lower, issuer):
        start = max(0, place - _LONGEST)
        begins = max((each.start() for each in _BEGINS.finditer(lower, start, place + 1)), default=None)
        end = lower.find(b"\n", place)
        if begins is not None and b"\n\n" not in lower[begins:place]:
            statement = lower[begins : end if end >= 0 else len(lower)]
            if _IMPORTS.search(statement):
                yield from (name for name in _NAME.findall(statement) if name not in _KEYWORDS)


def _places(lower: bytes, issuer: Signals) -> Iterator[int]:
    packages = next((words.pattern for kind, words in issuer.words if kind is Kind.PACKAGE), None)
    # What is called as a namesake's package may be that one.
    for pattern in (packages, None if issuer.namesakes else issuer.imports):
        yield from (found.end() - 1 for found in pattern.finditer(lower)) if pattern else ()
