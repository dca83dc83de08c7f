"""Every object of a repository, each visited once: packs by the fast path, the rest by the plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.git.loose import read_loose
from keyleak.git.memory import Digests, store_name
from keyleak.git.object_store import open_store
from keyleak.git.plain import listed_by_git, read_by_id
from keyleak.git.visitor import distinct
from keyleak.records import replace

if TYPE_CHECKING:
    from _typeshed import StrOrBytesPath

    from keyleak.git.layout import Layout
    from keyleak.git.memory import Remembered
    from keyleak.git.object_store import ObjectStore
    from keyleak.git.visitor import MakeVisitor, ObjectsRead, ReadOptions

R = TypeVar("R")

_FEW: Final = 20_000  # objects that are quicker asked of git one by one than found in packs


def read_objects(
    repository: StrOrBytesPath,
    make_visitor: MakeVisitor[R],
    options: ReadOptions,
    layout: Layout | None = None,
) -> ObjectsRead[R]:
    """Visits every object a repository holds, reachable or not, once.

    Args:
        repository: a bare repository, a work tree, or a folder in one.
        make_visitor: builds the visitor in each process; picklable where `options.jobs` is over 1.
        options: what to read and how.
        layout: where the repository has its files, if that is known already.

    Raises:
        GitError: git does not take this for a repository, does not trust it, or cannot be started.
    """
    if options.only is not None:
        if len(options.only) <= _FEW:
            return read_by_id(repository, sorted(options.only), make_visitor(), options)
        return _read_store(repository, open_store(repository, layout), make_visitor, options, Digests())
    store, digests = open_store(repository, layout), Digests()
    if options.memory and not store.gaps and (name := store_name(store, digests)):
        known = options.memory.recall(name)
        if known is not None:
            read = _read_again(repository, store, known, make_visitor, options)
            if not read.gaps:
                return replace(read, absent=known.absent, name=name)
    return _read_store(repository, store, make_visitor, options, digests)


def _read_again(
    repository: StrOrBytesPath,
    store: ObjectStore,
    known: Remembered,
    make_visitor: MakeVisitor[R],
    options: ReadOptions,
) -> ObjectsRead[R]:
    """Visits loose objects, and what had something to tell; the rest is counted as it was."""
    visitor = make_visitor()
    read, damaged = read_loose(store.loose, frozenset(), visitor, options)
    again = [*known.again, *damaged]
    if again:
        read += read_by_id(repository, again, visitor, options)
    options.progress(known.counts, known.content_bytes)
    return replace(distinct(read), counts=known.counts, content_bytes=known.content_bytes)


def _read_store(
    repository: StrOrBytesPath,
    store: ObjectStore,
    make_visitor: MakeVisitor[R],
    options: ReadOptions,
    digests: Digests,
) -> ObjectsRead[R]:
    # Where everything is remembered, none of what reads packs is needed.
    from keyleak.git.store_reading import read_store  # noqa: PLC0415

    return read_store(repository, store, make_visitor, options, digests)


def read_objects_plainly(
    repository: StrOrBytesPath, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """As `read_objects`, but all of it by the plain path: slow, and what the fast path is held against.

    Raises:
        GitError: see `read_objects`.
    """
    return read_by_id(repository, sorted(listed_by_git(repository)), make_visitor(), options)
