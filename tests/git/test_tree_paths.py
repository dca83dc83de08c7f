"""Paths in a commit's tree: every one that is asked for, none of what a bomb could make of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from commands.hooked import Person, new_person
from keyleak.git.tree_paths import tree_objects, tree_paths

if TYPE_CHECKING:
    from pathlib import Path


def made_tree(person: Person, entries: list[tuple[str, str, bytes]]) -> str:
    """A tree of these modes, ids and names; git checks none of it."""
    listing = b"".join(
        f"{mode} {kind_of(mode)} {oid}\t".encode() + name + b"\0" for mode, oid, name in entries
    )
    done = subprocess.run(
        ["git", "mktree", "-z"], cwd=person.folder, input=listing, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def kind_of(mode: str) -> str:
    return "tree" if mode == "040000" else "blob"


def blob(person: Person, content: str) -> str:
    person.write("made", content)
    return person.git("hash-object", "-w", "made")


def test_every_path_of_an_object_in_the_order_of_the_tree(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    for name in ("b/x", "a/deep/x", "x"):
        person.stage(name, "the same\n")
    person.stage("b/y", "not the same\n")
    head = person.record("other", "another\n")
    oid, other = person.git("rev-parse", f"{head}:x"), person.git("rev-parse", f"{head}:other")
    root, folder = person.git("rev-parse", f"{head}^{{tree}}"), person.git("rev-parse", f"{head}:a/deep")
    found = tree_paths(str(person.folder), head, [oid, other, root, folder], 10)
    assert found == {
        oid: (("a/deep/x", "b/x", "x"), 0),
        other: (("other",), 0),
        root: (("",), 0),
        folder: (("a/deep",), 0),
    }
    assert tree_paths(str(person.folder), head, [oid], 2) == {oid: (("a/deep/x", "b/x"), 1)}
    assert tree_paths(str(person.folder), head, ["1" * 40], 2) == {"1" * 40: ((), 0)}
    listed = tree_objects(str(person.folder), head)
    assert {oid, other, root, folder} <= {each.hex() for each in listed.ids}
    assert bytes.fromhex(head) not in listed.ids


def test_a_name_is_what_its_bytes_are(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    oid = blob(person, "content\n")
    tree = made_tree(person, [("100644", oid, b"line\nbreak"), ("100644", oid, b"\xff")])
    head = person.git("commit-tree", "-m", "odd names", tree)
    assert tree_paths(str(person.folder), head, [oid], 5) == {oid: (("line\nbreak", "\udcff"), 0)}


def test_a_bomb_of_trees_costs_what_its_trees_do(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    oid, other = blob(person, "content\n"), blob(person, "elsewhere\n")
    node = made_tree(person, [("100644", oid, b"leaf")])
    for _ in range(12):
        node = made_tree(person, [("040000", node, b"%d" % number) for number in range(10)])
    top = made_tree(person, [("040000", node, b"a"), ("100644", other, b"z")])
    head = person.git("commit-tree", "-m", "a bomb", top)
    found = tree_paths(str(person.folder), head, [oid, other], 3)
    assert found[other] == (("z",), 0)
    assert found[oid].paths == tuple("a" + "/0" * 11 + f"/{last}/leaf" for last in range(3))
    assert found[oid].more == 10**12 - 3
    assert len(tree_objects(str(person.folder), head).ids) == 16


def test_a_missing_object_is_listed_as_such(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    head = person.record("file", "content\n")
    oid = person.git("rev-parse", f"{head}:file")
    (person.folder / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    listed = tree_objects(str(person.folder), head)
    assert listed.missing == {bytes.fromhex(oid)}
    assert bytes.fromhex(oid) not in listed.ids
