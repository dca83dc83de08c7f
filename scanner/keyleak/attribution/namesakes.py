"""What rules an issuer out: words of those who are called the same, and addresses that are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import OWN_KINDS, Reach
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keyleak.attribution.evidence import Evidence
    from keyleak.attribution.scope import Scope
    from keyleak.attribution.signals import Signals

_COMMENT: Final = (b"#", b"//", b"--", b"*", b"/*", b"<!--", b";")
# An address of the net, with the name that it is given to; a host without a dot is one's own network.
_ADDRESS: Final = on_use(
    rb"(?:([a-z0-9_]{1,60})[\"'`\]]{0,2}\s{0,4}(?:=>|[:=])\s{0,4})?[\"'`]?https?://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})"
    rb"((?:/[a-z0-9/._-]{0,120})?)"
)
_BASE: Final = (b"url", b"base", b"host", b"endpoint", b"server", b"api")
_CALLED_BACK: Final = (b"hook", b"callback", b"redirect", b"return")


class NamesakesIn:
    """What a content says of those who are called like issuers; looked for once for each issuer."""

    def __init__(self, content: bytes) -> None:
        """Begin with nothing known of what a file says, in lower case."""
        self._content = content
        self._vetoed: dict[str, bool] = {}
        self._addressed: dict[str, bool] = {}

    def veto(self, issuer: Signals) -> bool:
        """Whether a word of a namesake stands there that holds the issuer's name."""
        if issuer.issuer not in self._vetoed:
            self._vetoed[issuer.issuer] = issuer.own_veto.first_in(self._content) is not None
        return self._vetoed[issuer.issuer]

    def have_address(self, issuer: Signals) -> bool:
        """Whether an address of something called like the issuer stands there."""
        if issuer.issuer not in self._addressed:
            self._addressed[issuer.issuer] = any(_of_namesakes(self._content, issuer.brand))
        return self._addressed[issuer.issuer]


NO_NAMESAKES: Final = NamesakesIn(b"")


def is_ruled_out(
    issuer: Signals, scopes: Sequence[Scope], namesakes: NamesakesIn, evidence: Iterable[Evidence]
) -> bool:
    """Whether a key is not an issuer's for all that is called like it.

    Args:
        issuer: the issuer.
        scopes: the surroundings of the key, then those of the uses of its variable.
        namesakes: what the file says of them.
        evidence: what speaks for issuers.
    """
    scope, *uses = scopes
    if issuer.veto.first_in(scope.line.lower()):
        return True
    if not issuer.namesakes:
        return False
    block = _block(scope)
    comments = (line for line in block.split(b"\n") if line.lstrip().startswith(_COMMENT))
    if (
        any(issuer.veto.first_in(line) for line in comments)
        or any(issuer.veto.first_in(use.line.lower() + b"\n" + _block(use)) for use in uses)
        or issuer.own_veto.first_in(block)
        or namesakes.veto(issuer)
    ):
        return True
    is_sure = any(each.issuer == issuer.issuer and each.kind in OWN_KINDS for each in evidence)
    return not is_sure and namesakes.have_address(issuer)


def _block(scope: Scope) -> bytes:
    return b"\n".join(text for reach, text in scope.texts if reach is Reach.BLOCK).lower()


def _of_namesakes(content: bytes, brand: bytes) -> Iterator[bytes]:
    """Addresses of something called like the issuer; where it calls back is no such."""
    for found in _ADDRESS.finditer(content) if brand in content else ():
        name, host, path = (found[1] or b""), found[2], found[3]
        is_base = not name or any(word in name for word in _BASE)
        is_back = any(word in part for word in _CALLED_BACK for part in (name, path))
        if is_base and not is_back and (brand in name or brand in host or brand in path):
            yield host
