"""Objects asked for one by one, each checked by git; for what needs a few of many."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from keyleak.errors import GitError
from keyleak.git.process import stream

if TYPE_CHECKING:
    from collections.abc import Iterator


class SingleObjects:
    """A `git cat-file --batch` that answers while it is asked."""

    def __init__(self, asked: IO[bytes], answers: IO[bytes]) -> None:
        self._asked = asked
        self._answers = answers

    def read(self, name: str) -> tuple[str, bytes]:
        """The kind and the content of an object.

        Raises:
            GitError: the repository lacks it.
        """
        self._asked.write(name.encode() + b"\n")
        self._asked.flush()
        header = self._answers.readline().split()
        if len(header) != 3:
            raise GitError(("cat-file", name), None, f"object {name} is not there")
        content = self._answers.read(int(header[2]))
        self._answers.read(1)
        return header[1].decode(), content


@contextmanager
def single_objects(repository: str) -> Iterator[SingleObjects]:
    """Opens a repository for questions.

    Raises:
        GitError: git does not read it.
    """
    with stream(["cat-file", "--batch"], repository) as git:
        yield SingleObjects(git.stdin, git.stdout)
