"""Every object of a repository, each visited once: packs by the fast path, the rest by the plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.git.memory import Remembered, store_name
from keyleak.git.object_store import open_store
from keyleak.git.plain import listed_by_git, read_by_id
from keyleak.git.visitor import ObjectsRead
from keyleak.records import replace

if TYPE_CHECKING:
    from _typeshed import StrOrBytesPath

    from keyleak.git.object_store import ObjectStore
    from keyleak.git.visitor import MakeVisitor, ReadOptions

R = TypeVar("R")

_FEW: Final = 20_000  # objects that are quicker asked of git one by one than found in packs


def read_objects(
    repository: StrOrBytesPath, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """Visits every object a repository holds, reachable or not, once.

    Args:
        repository: a bare repository, a work tree, or a folder in one.
        make_visitor: builds the visitor in each process; picklable where `options.jobs` is over 1.
        options: what to read and how.

    Raises:
        GitError: git does not take this for a repository, does not trust it, or cannot be started.
    """
    if options.only is not None:
        if len(options.only) <= _FEW:
            return read_by_id(repository, sorted(options.only), make_visitor(), options)
        return _read_store(repository, open_store(repository), make_visitor, options)
    store = open_store(repository)
    name = store_name(store) if options.memory and not store.gaps else ""
    known = options.memory.recall(name) if options.memory and name else None
    if known is not None:
        return _read_again(repository, known, make_visitor, options)
    read = _read_store(repository, store, make_visitor, options)
    if options.memory and name and not read.gaps and not options.stop():
        options.memory.keep(name, Remembered(read.counts, read.content_bytes, read.found))
    return read


def _read_again(
    repository: StrOrBytesPath, known: Remembered, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """Visits what had something to tell; the rest is counted as it was."""
    options.progress(known.counts, known.content_bytes)
    read: ObjectsRead[R] = ObjectsRead()
    if known.again:
        read = read_by_id(repository, known.again, make_visitor(), options)
    return replace(read, counts=known.counts, content_bytes=known.content_bytes)


def _read_store(
    repository: StrOrBytesPath, store: ObjectStore, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    # Where everything is remembered, none of what reads packs is needed.
    from keyleak.git.store_reading import read_store  # noqa: PLC0415

    return read_store(repository, store, make_visitor, options)


def read_objects_plainly(
    repository: StrOrBytesPath, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """As `read_objects`, but all of it by the plain path: slow, and what the fast path is held against.

    Raises:
        GitError: see `read_objects`.
    """
    return read_by_id(repository, sorted(listed_by_git(repository)), make_visitor(), options)
