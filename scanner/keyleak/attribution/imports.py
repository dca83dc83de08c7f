"""What a file imports from an issuer's packages: a key given to that is given to the issuer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Kind
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
# One search of a file for all issuers: what is imported, up to where an issuer's id would go on.
_IMPORTED: Final = on_use(
    rb"(?m)(?:^[ \t]*(?:import|from|use|using|gem|include|require)\b|\brequire\(|\bfrom\b)"
    rb"[\s\"'(@\\]{1,4}(?=([a-z0-9_-]+))"
)


def imported_packages(lower: bytes) -> list[tuple[bytes, int]]:
    """The packages that a text in lower case imports, and where each is named."""
    return [(found[1], found.start(1)) for found in _IMPORTED.finditer(lower)]


def places_of(issuer: Signals, packages: Iterable[tuple[bytes, int]]) -> list[int]:
    """Where packages of the issuer's name are imported; what is called as a namesake's may be that one."""
    if issuer.namesakes:
        return []
    of_it = (issuer.package, issuer.package + b"-")
    return [place for name, place in packages if name == of_it[0] or name.startswith(of_it[1])]


def imported_names(
    lower: bytes, signals: Iterable[Signals], packages: Sequence[tuple[bytes, int]]
) -> Mapping[bytes, str]:
    """The names that a file imports from issuers' packages, and whose each is; none that two share.

    Args:
        lower: the file's beginning in lower case.
        signals: the issuers whose words stand in it.
        packages: what it imports; see `imported_packages`.
    """
    found = [(name, each.issuer) for each in signals for name in set(_names(lower, each, packages))]
    times = Counter(name for name, _ in found)
    return {name: issuer for name, issuer in found if times[name] == 1}


def issuer_of_call(call: bytes, imported: Mapping[bytes, str]) -> str | None:
    """The issuer of what is called by a text that ends with an opening bracket."""
    called = _CALLED.search(call.lower()) if imported else None
    parts = [part for part in _SEPARATORS.split(called[1]) if part] if called else []
    return next((imported[part] for part in (*parts[:1], *parts[-1:]) if part in imported), None)


def _names(lower: bytes, issuer: Signals, packages: Iterable[tuple[bytes, int]]) -> Iterator[bytes]:
    words = next((words.pattern for kind, words in issuer.words if kind is Kind.PACKAGE), None)
    named = [found.end() - 1 for found in words.finditer(lower)] if words else []
    for place in named + places_of(issuer, packages):
        start = max(0, place - _LONGEST)
        begins = max((each.start() for each in _BEGINS.finditer(lower, start, place + 1)), default=None)
        end = lower.find(b"\n", place)
        if begins is not None and b"\n\n" not in lower[begins:place]:
            statement = lower[begins : end if end >= 0 else len(lower)]
            if _IMPORTS.search(statement):
                yield from (name for name in _NAME.findall(statement) if name not in _KEYWORDS)
