"""Whose the keys of one content are: what they share is looked at once, within the budget."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from keyleak.attribution.masked import masked
from keyleak.matching.statement import AROUND_AFTER, AROUND_BEFORE, Around
from keyleak.records import replace

if TYPE_CHECKING:
    from keyleak.attribution.attributor import Attributor, FileEvidence, Weighed
    from keyleak.attribution.packages import ProjectEvidence
    from keyleak.matching.budget import Budget
    from keyleak.matching.match import Match

# What going through the surroundings of a key, and the beginning of a content, costs for each byte.
_LOOKS: Final = 3
_FILE_LOOKS: Final = 4
_FILE_REACH: Final = 32 << 10
# Different surroundings that are remembered.
_MOST: Final = 4096


class ContentAttribution:
    """Weighs the keys of one content, in order."""

    def __init__(
        self,
        attributor: Attributor,
        content: bytes,
        project: ProjectEvidence,
        budget: Budget,
        *,
        keys: int,
        begins: bool,
    ) -> None:
        """Look at what all keys share.

        Args:
            attributor: knows the issuers.
            content: the content.
            project: what its project says.
            budget: what may be spent. Once nothing is left, a key's body alone says whose it is.
            keys: how many different keys were found in the content.
            begins: whether it begins where its file does: imports stand there.
        """
        self._attributor = attributor
        self._project = project
        self._budget = budget
        self._content = content
        self._masked = masked(content)
        self._known: dict[bytes, Weighed] = {}
        self._file: FileEvidence | None = None
        if begins and budget.spend(_FILE_LOOKS * min(_FILE_REACH, len(content))):
            self._file = attributor.file_evidence(self._masked, keys)

    def weigh(self, match: Match, *, is_plain: bool) -> Weighed:
        """The attribution of a key, with everything that was considered.

        Args:
            match: the key.
            is_plain: whether it stands in the content as it is, in one piece.
        """
        around = self._around(match, is_plain=is_plain)
        same = _digest(match, around)
        known = self._known.get(same)
        if known is not None:
            return known
        if not self._budget.spend(_LOOKS * (len(around.before) + len(around.after))):
            return self._attributor.weigh_body(match)
        weighed = self._attributor.weigh(
            replace(match, around=around), self._file, self._project, self._budget
        )
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[same] = weighed
        return weighed

    def _around(self, match: Match, *, is_plain: bool) -> Around:
        if not is_plain:
            return Around(masked(match.around.before), masked(match.around.after))
        return Around(
            self._masked[max(0, match.start - AROUND_BEFORE) : match.start],
            self._masked[match.end : match.end + AROUND_AFTER],
        )


def _digest(match: Match, around: Around) -> bytes:
    """Of all that an answer depends on within one content."""
    digest = hashlib.blake2b(around.before, digest_size=16)
    digest.update(b"\0key\0" + around.after)
    said = (
        *(rule.id for rule in match.shapes),
        "",
        *sorted(f"{each.issuer} {each.by}" for each in match.assigned_to),
    )
    digest.update("\0".join(said).encode())
    return digest.digest()
