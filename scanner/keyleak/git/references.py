"""Which objects a pack's objects name, to find out which of them are not here.

A history has some twenty times as many names as objects: in a large pack those of trees are left to git,
which walks what refs reach in less time (`keyleak.git.views.missing_ids`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from keyleak.git.names import ids_named, ids_of_digits, ids_of_entries
from keyleak.git.pack_index import leading_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

_HELD: Final = 16_384  # trees looked at together
_HELD_BYTES: Final = 16 << 20
MOST_WITH_TREES: Final = 1 << 16
"""Objects of a pack in which the names in trees are looked at."""
# Bytes of a delta's instruction to copy, by its first: each bit but the highest says that one more follows.
_LENGTHS: Final = tuple(1 + (code & 127).bit_count() for code in range(256))


class References:
    """What some objects of a pack name and the pack does not have."""

    def __init__(self, words: npt.NDArray[np.uint64], id_bytes: int) -> None:
        """Know the pack.

        Args:
            words: the first 64 bits of the ids that it has, in order.
            id_bytes: 20 for SHA-1, 32 for SHA-256.
        """
        self._words = words
        self._id_bytes = id_bytes
        self._id_of_entry = re.compile(rb"\0(.{%d})" % self._id_bytes, re.DOTALL)
        self.takes_trees = len(words) <= MOST_WITH_TREES
        self._trees: list[tuple[bytes, bytes]] = []
        self._bytes = 0
        self._named: set[bytes] = set()
        self._absent: set[bytes] = set()

    def trees(self, contents: Sequence[bytes], deltas: Sequence[bytes]) -> None:
        """Notes trees.

        Args:
            contents: of the trees.
            deltas: what each was built with; nothing for one that is no delta.
        """
        self._trees.extend(zip(contents, deltas, strict=True))
        self._bytes += sum(map(len, contents))
        if len(self._trees) >= _HELD or self._bytes >= _HELD_BYTES:
            self._look()

    def headed(self, contents: Iterable[bytes]) -> None:
        """Notes commits and tags."""
        digits, named = 2 * self._id_bytes, self._named
        tree, parent = slice(5, 5 + digits), 6 + digits
        for content in contents:
            if not content.startswith(b"tree "):
                named.update(oid.hex().encode() for oid in ids_named(content, self._id_bytes))
                continue
            named.add(content[tree])
            place = parent
            while content.startswith(b"parent ", place):
                named.add(content[place + 7 : place + 7 + digits])
                place += 8 + digits

    def absent(self) -> frozenset[bytes]:
        """Ids of objects that are named and that the pack does not have."""
        self._look()
        self._absent |= self._unknown(ids_of_digits(self._named, self._id_bytes))
        self._named.clear()
        return frozenset(self._absent)

    def _look(self) -> None:
        trees, self._trees, self._bytes = self._trees, [], 0
        brought: list[bytes] = []
        for content, delta in trees:
            inserted = _inserted(delta, self._id_bytes) if delta else None
            brought += self._id_of_entry.findall(content) if inserted is None else inserted
        unknown = self._unknown(b"".join(brought))
        if not unknown:
            return
        # Few histories come here, but those with submodules: now each entry as it is.
        for content, _ in trees:
            self._absent |= unknown.intersection(ids_of_entries(content, self._id_bytes))

    def _unknown(self, joined: bytes) -> set[bytes]:
        ids = np.frombuffer(joined, np.uint8).reshape(-1, self._id_bytes)
        words = np.unique(leading_words(ids))
        own = self._words
        rows = np.minimum(np.searchsorted(own, words), max(len(own) - 1, 0))
        lacking = words[own[rows] != words] if len(own) else words
        if not lacking.size:
            return set()
        return {row.tobytes() for row in ids[np.isin(leading_words(ids), lacking)]}


def _inserted(delta: bytes, id_bytes: int) -> list[bytes] | None:
    """What a tree's delta inserts, where these are ids and nothing else; None where it is not as simple."""
    inserted: list[bytes] = []
    place = 0
    for _ in range(2):  # the sizes of the base and of what is built
        while delta[place] & 128:
            place += 1
        place += 1
    end = len(delta)
    while place < end:
        code = delta[place]
        if code & 128:
            place += _LENGTHS[code]
        elif code == id_bytes:
            inserted.append(delta[place + 1 : place + 1 + id_bytes])
            place += 1 + id_bytes
        else:
            return None
    return inserted
