"""A whole object database: packs by the fast path, the rest by the plain one, nothing twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.delta_walk import EMPTY_PART
from keyleak.git.inventory import Inventory
from keyleak.git.memory import Remembered, loose_name
from keyleak.git.plain import listed_by_git, read_by_id
from keyleak.git.visitor import ObjectsRead
from keyleak.git.workers import Refused, read_tasks
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import StrOrBytesPath

    from keyleak.git.delta_walk import PartRead
    from keyleak.git.object_store import ObjectStore
    from keyleak.git.visitor import MakeVisitor, ReadOptions

R = TypeVar("R")

_WORTH_WORKERS: Final = 4 << 20  # bytes of packs below which starting processes takes longer than reading


def read_store(
    repository: StrOrBytesPath, store: ObjectStore, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """Visits every object of an object database once.

    Args:
        repository: where it is.
        store: its packs and loose objects.
        make_visitor: builds the visitor in each process.
        options: what to read and how.

    Raises:
        GitError: git cannot be started.
    """
    inventory = Inventory(store, options.only)
    read, left = _read_packs(inventory, make_visitor, options)
    ids = inventory.not_packed(left)
    damage: tuple[Gap, ...] = ()
    if inventory.unusual:
        try:
            ids |= listed_by_git(repository) - inventory.taken()
        except GitError as error:
            # A pack can be too damaged even for git to list; what is readable was read all the same.
            damage = (
                Gap("list of all objects", f"git cannot make it, so objects may be missing here: {error}"),
            )
    if options.only is not None:
        # Whatever no pack brought is asked of git, which says what it lacks.
        ids = (ids & options.only) | (options.only - inventory.taken())
    if not options.stop():
        read += _read_rest(repository, store, ids, make_visitor, options)
    if known := [oid for remembered in inventory.known for oid in remembered.again]:
        again = read_by_id(repository, known, make_visitor(), options)
        read = replace(read, results=read.results + again.results, gaps=read.gaps + again.gaps)
        read = replace(read, found=read.found + again.found)
    return replace(read, gaps=store.gaps + inventory.gaps + damage + read.gaps)


def _read_packs(
    inventory: Inventory, make_visitor: MakeVisitor[R], options: ReadOptions
) -> tuple[ObjectsRead[R], list[bytes]]:
    remembered = (
        sum(inventory.recall(options.memory).values(), Remembered()) if options.memory else Remembered()
    )
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
    read: ObjectsRead[R] = ObjectsRead(counts=remembered.counts, content_bytes=remembered.content_bytes)
    left = list(remembered.left)
    for path, of_pack in parts.items():
        whole = sum(of_pack, EMPTY_PART)
        if options.memory and not whole.gaps and inventory.is_read(path, len(of_pack)):
            kept = Remembered(whole.counts, whole.content_bytes, whole.found, whole.left)
            inventory.keep(options.memory, path, kept)
        read += ObjectsRead(whole.results, whole.found, whole.counts, whole.content_bytes, whole.gaps)
        left += whole.left
    return read, left


def _read_rest(
    repository: StrOrBytesPath,
    store: ObjectStore,
    ids: set[bytes],
    make_visitor: MakeVisitor[R],
    options: ReadOptions,
) -> ObjectsRead[R]:
    """Loose objects, and what packs left; loose ones that are remembered are only counted."""
    memory = options.memory
    name = loose_name(store.folders)
    loose = ids.intersection(store.loose)
    known = (memory.recall(name) if memory else None) or Remembered()
    if not loose.issuperset(known.ids):
        known = Remembered()  # some were packed or removed, so its counts say nothing any more
    new = sorted(loose.difference(known.ids))
    fresh = _by_id(repository, new, make_visitor, options)
    if memory and new and not fresh.gaps and not options.stop():
        memory.keep(name, known + Remembered(fresh.counts, fresh.content_bytes, fresh.found, ids=tuple(new)))
    rest = _by_id(repository, sorted(ids - loose), make_visitor, options)
    again = _by_id(repository, known.again, make_visitor, replace(options, progress=lambda *_: None))
    counted = replace(again, counts=known.counts, content_bytes=known.content_bytes)
    return fresh + rest + counted


def _by_id(
    repository: StrOrBytesPath, ids: Iterable[bytes], make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    asked = list(ids)
    if not asked:
        return ObjectsRead()
    read = read_by_id(repository, asked, make_visitor(), options)
    options.progress(read.counts, read.content_bytes)
    return read
