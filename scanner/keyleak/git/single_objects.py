"""Objects asked for one by one, each checked by git; for what needs a few of many."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.process import stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PIECE: Final = 1 << 20
_ASKED_AT_ONCE: Final = 512  # their ids fit into a pipe, so that neither side ever waits for the other


class SingleObjects:
    """A `git cat-file --batch` that answers while it is asked."""

    def __init__(self, asked: IO[bytes], answers: IO[bytes]) -> None:
        self._asked = asked
        self._answers = answers

    def read(self, name: str, most: int | None = None) -> tuple[str, bytes]:
        """The kind and the content of an object.

        Args:
            name: its id.
            most: bytes that are wanted at most; None takes any object whole.

        Raises:
            GitError: the repository lacks it, or it is larger.
        """
        self._asked.write(name.encode() + b"\n")
        self._asked.flush()
        return self._answer(name, most)

    def _answer(self, name: str, most: int | None) -> tuple[str, bytes]:
        header = self._answers.readline().split()
        if len(header) != 3:
            raise GitError(("cat-file", name), None, f"object {name} is not there")
        size = int(header[2])
        if most is not None and size > most:
            self._pass_over(size + 1)
            raise GitError(("cat-file", name), None, f"object {name} is too large")
        content = self._answers.read(size)
        self._answers.read(1)
        return header[1].decode(), content

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
        """The id, the kind and the content of many objects, in order.

        Raises:
            GitError: the repository lacks one.
        """
        waiting = iter(names)
        while batch := list(islice(waiting, _ASKED_AT_ONCE)):
            self._asked.write("".join(f"{name}\n" for name in batch).encode())
            self._asked.flush()
            for name in batch:
                yield name, *self._answer(name, None)

    def _pass_over(self, left: int) -> None:
        while left and (piece := self._answers.read(min(left, _PIECE))):
            left -= len(piece)


@contextmanager
def single_objects(repository: str, keep: Sequence[str] = ()) -> Iterator[SingleObjects]:
    """Opens a repository for questions.

    Args:
        repository: where the objects are.
        keep: `GIT_*` variables to trust (see `keyleak.git.process`).

    Raises:
        GitError: git does not read it.
    """
    with stream(["cat-file", "--batch"], repository, keep=keep) as git:
        yield SingleObjects(git.stdin, git.stdout)
