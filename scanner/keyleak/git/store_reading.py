"""A whole object database: packs by the fast path, the rest by the plain one, nothing twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from keyleak.coverage import Gap, ObjectCounts
from keyleak.errors import GitError
from keyleak.git.inventory import Inventory
from keyleak.git.loose import read_loose
from keyleak.git.memory import Remembered, store_name
from keyleak.git.parts import EMPTY_PART
from keyleak.git.plain import listed_by_git, read_by_id
from keyleak.git.visitor import Failures, ObjectsRead, distinct
from keyleak.git.workers import Refused, read_tasks
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import StrOrBytesPath

    from keyleak.git.memory import Digests
    from keyleak.git.object_store import ObjectStore
    from keyleak.git.parts import PartRead
    from keyleak.git.visitor import MakeVisitor, ReadOptions

R = TypeVar("R")

_KEPT_ABSENT: Final = 1000  # ids of absent objects that are remembered
_WORTH_WORKERS: Final = 4 << 20  # bytes of packs below which starting processes takes longer than reading


def read_store(
    repository: StrOrBytesPath,
    store: ObjectStore,
    make_visitor: MakeVisitor[R],
    options: ReadOptions,
    digests: Digests,
) -> ObjectsRead[R]:
    """Visits every object of an object database: its own content, in each copy that there is of it.

    Args:
        repository: where it is.
        store: its packs and loose objects.
        make_visitor: builds the visitor in each process.
        options: what to read and how.
        digests: of its packs, as far as they are known.

    Raises:
        GitError: git cannot be started.
    """
    inventory = Inventory(store, digests, options.only)
    again = _found_before(repository, inventory, make_visitor, options)
    read, left = _read_packs(inventory, make_visitor, options)
    of_packs = read
    loose, damaged = read_loose(
        [file for file in store.loose if options.only is None or file.oid in options.only],
        inventory.packed_too(),
        make_visitor(),
        options,
    )
    options.progress(loose.counts, loose.content_bytes)
    ids = set(left.ids).union(oid for oid in damaged if oid not in inventory.packed_too())
    elsewhere = {file.oid for file in store.loose}
    listed, damage = _listed(repository) if inventory.unusual else (set[bytes](), ())
    ids |= listed - inventory.taken() - elsewhere
    if options.only is not None:
        # Whatever no pack brought is asked of git, which says what it lacks.
        ids = (ids & options.only) | (options.only - inventory.taken() - elsewhere)
    rest = _by_id(repository, store, sorted(ids), make_visitor, options)
    copies = _by_id(repository, store, left.copies, make_visitor, options)
    read = distinct(read + again + loose + rest + replace(copies, counts=ObjectCounts(), content_bytes=0))
    absent = tuple(sorted(inventory.lacks(set(read.absent))))
    name = store_name(store, digests) if options.memory else ""
    read = replace(read, gaps=store.gaps + inventory.gaps + damage + read.gaps, absent=absent, name=name)
    if options.memory and name and not read.gaps and not options.stop():
        kept = [*again.found, *of_packs.found, *rest.found]
        remembered = Remembered(read.counts, read.content_bytes, tuple(kept), absent=absent[:_KEPT_ABSENT])
        options.memory.keep(name, remembered)
    return read


def _listed(repository: StrOrBytesPath) -> tuple[set[bytes], tuple[Gap, ...]]:
    """The ids that git lists; where a pack is too damaged for that, a gap, and what is readable is read."""
    try:
        return listed_by_git(repository), ()
    except GitError as error:
        reason = f"git cannot make it, so objects may be missing here: {error}"
        return set(), (Gap("list of all objects", reason),)


class _Left(NamedTuple):
    """Ids for the plain path."""

    ids: list[bytes]
    copies: list[bytes]
    """Of objects of which another copy was read, and counted."""


def _found_before(
    repository: StrOrBytesPath, inventory: Inventory, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """What is remembered to have something to tell, visited again; it is counted already."""
    if not options.memory:
        return ObjectsRead()
    ids = [oid for remembered in inventory.recall(options.memory).values() for oid in remembered.again]
    if not ids:
        return ObjectsRead()
    read = read_by_id(repository, ids, make_visitor(), replace(options, memory=None))
    if read.gaps:
        # Git has another content for one of them by now, or none: then nothing is known of these packs.
        inventory.forget()
        return ObjectsRead()
    return replace(read, counts=ObjectCounts(), content_bytes=0)


def _read_packs(
    inventory: Inventory, make_visitor: MakeVisitor[R], options: ReadOptions
) -> tuple[ObjectsRead[R], _Left]:
    remembered = sum(inventory.known, Remembered())
    options.progress(remembered.counts, remembered.content_bytes)
    parts: dict[str, list[PartRead[R]]] = defaultdict(list)
    jobs = options.jobs if inventory.bytes_to_read >= _WORTH_WORKERS else 1
    for task, part in read_tasks(inventory.tasks(options.kinds), make_visitor, options.limits, jobs):
        if isinstance(part, Refused):
            inventory.refuse(part)
            continue
        parts[task.path].append(part)
        options.progress(part.counts, part.content_bytes)
        if options.stop():
            break
    read: ObjectsRead[R] = ObjectsRead(
        counts=remembered.counts, content_bytes=remembered.content_bytes, absent=remembered.absent
    )
    left = _Left(list(remembered.left), [])
    for path, of_pack in parts.items():
        whole = sum(of_pack, EMPTY_PART)
        is_whole = not whole.gaps and not whole.left_copies and inventory.is_read(path, len(of_pack))
        if options.memory and is_whole:
            absent = tuple(sorted(whole.absent))[:_KEPT_ABSENT]
            kept = Remembered(whole.counts, whole.content_bytes, whole.found, whole.left, absent)
            inventory.keep(options.memory, path, kept)
        read += ObjectsRead(
            whole.results,
            whole.found,
            whole.counts,
            whole.content_bytes,
            whole.gaps,
            tuple(whole.absent),
        )
        left.ids.extend(whole.left)
        left.copies.extend(whole.left_copies)
    return read, left


def _by_id(
    repository: StrOrBytesPath,
    store: ObjectStore,
    ids: Sequence[bytes],
    make_visitor: MakeVisitor[R],
    options: ReadOptions,
) -> ObjectsRead[R]:
    """What is left to git, where git can be asked; what it does not read is a gap."""
    if not ids or options.stop():
        return ObjectsRead()
    if not store.asks_git:
        failures = Failures()
        for oid in ids:
            failures.note(oid, "only git could read it, which does not read this repository")
        return ObjectsRead(gaps=tuple(failures.gaps()))
    read = read_by_id(repository, ids, make_visitor(), options)
    options.progress(read.counts, read.content_bytes)
    return read
