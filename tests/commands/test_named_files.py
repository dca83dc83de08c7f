"""Files that hook managers name: whatever they are called, and as they are in the work tree too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commands.hooked import KEY, LEAK, Person, new_person
from keyleak.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "--", "-", "--exit-zero", "--format", "--format=json", "--min-severity=critical", "-q", "--help",
    "--no-progress", "--config", "--no-config",
)  # fmt: skip


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = new_person(tmp_path / "work")
    person.record("base.txt")
    return person


def run(person: Person, *arguments: str, **variables: str) -> int:
    done = person.run("keyleak", "hook", "run", *arguments, **variables)
    assert KEY not in done.stdout + done.stderr
    return done.returncode


@pytest.mark.parametrize("separator", [[], ["--"]], ids=["plain", "separated"])
@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_file_is_taken_for_an_option(person: Person, name: str, separator: list[str]) -> None:
    if name == "--" and not separator:
        pytest.skip("`--` alone is the separator")
    person.stage(name)
    person.stage("leak.env", LEAK)
    assert run(person, "pre-commit", *separator, name, "leak.env") == ExitCode.FINDINGS
    assert run(person, "pre-commit", *separator, "leak.env", name) == ExitCode.FINDINGS
    person.stage("leak.env")
    assert run(person, "pre-commit", *separator, name, "leak.env") == ExitCode.CLEAN
    # A key in that very file, recorded before, so that only its name leads to it.
    person.record(name, LEAK)
    assert run(person, "pre-commit", *separator, name) == ExitCode.FINDINGS
    (person.folder / name).unlink()
    assert run(person, "pre-commit", *separator, name) == ExitCode.FINDINGS, "it is in the index only"


def test_options_go_before_the_stage_and_a_file_cannot_take_away_a_stricter_one(person: Person) -> None:
    person.stage("leak.env", f"# keyleak:allow made up\n{LEAK}")
    assert run(person, "pre-commit", "leak.env") == ExitCode.CLEAN
    person.stage("--no-inline")
    assert run(person, "--no-inline", "pre-commit", "leak.env") == ExitCode.FINDINGS
    assert run(person, "pre-commit", "--no-inline", "leak.env") == ExitCode.FINDINGS
    assert run(person, "--exit-zero", "pre-commit", "--", "leak.env") == ExitCode.CLEAN


def test_options_behind_the_stage_still_are_some_where_no_file_has_that_name(person: Person) -> None:
    person.stage("leak.env", LEAK)
    assert run(person, "pre-commit", "--exit-zero", "leak.env") == ExitCode.CLEAN


def test_a_file_that_differs_from_its_staged_version_is_read_as_well_under_pre_commit(person: Person) -> None:
    person.write("base.txt", LEAK)
    done = person.run("keyleak", "hook", "run", "pre-commit", "--", "base.txt", PRE_COMMIT="1")
    assert done.returncode == ExitCode.FINDINGS
    assert "base.txt: both were read" in done.stderr
    # Without the framework the staged version alone is what a commit records.
    done = person.run("keyleak", "hook", "run", "pre-commit", "--", "base.txt")
    assert done.returncode == ExitCode.CLEAN
    assert "only that version was read" in done.stderr
    # The key is staged, and the file has none any more.
    person.git("add", "base.txt")
    person.write("base.txt")
    assert run(person, "pre-commit", "base.txt", PRE_COMMIT="1") == ExitCode.FINDINGS


@pytest.mark.parametrize("bit", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_to_overlook_is_read(person: Person, bit: str) -> None:
    person.git("update-index", bit, "base.txt")
    person.write("base.txt", LEAK)
    assert run(person, "pre-commit", "base.txt", PRE_COMMIT="1") == ExitCode.FINDINGS


def test_what_differs_is_found_from_a_folder_below_and_as_a_link(person: Person) -> None:
    person.record("below/a.txt")
    person.write("below/a.txt", LEAK)
    below = Person(person.folder / "below")
    assert run(below, "pre-commit", "a.txt", PRE_COMMIT="1") == ExitCode.FINDINGS
    (person.folder / "below" / "a.txt").unlink()
    assert run(below, "pre-commit", "a.txt", PRE_COMMIT="1") == ExitCode.CLEAN
    (person.folder / "below" / "a.txt").symlink_to(KEY)
    assert run(below, "pre-commit", "a.txt", PRE_COMMIT="1") == ExitCode.FINDINGS


def test_an_unchanged_file_is_read_once(person: Person) -> None:
    person.record("leak.env", LEAK)
    done = person.run("keyleak", "hook", "run", "pre-commit", "leak.env", PRE_COMMIT="1")
    assert done.returncode == ExitCode.FINDINGS
    assert "Read 1 file" in done.stdout
    assert "differs" not in done.stderr


@pytest.mark.parametrize("sparse_index", ["--sparse-index", "--no-sparse-index"])
def test_a_sparse_checkout_hides_nothing_that_is_staged(person: Person, sparse_index: str) -> None:
    person.record("in/a.txt")
    person.record("out/deep/b.txt", LEAK)
    person.git("sparse-checkout", "set", "--cone", sparse_index, "in")
    assert not (person.folder / "out").exists()
    assert person.run("keyleak", "staged").returncode == ExitCode.CLEAN, "nothing is staged"
    assert person.run("keyleak", "staged", "out/deep/b.txt").returncode == ExitCode.FINDINGS
    assert person.run("keyleak", "staged", "out").returncode == ExitCode.FINDINGS
    oid = person.git("hash-object", "-w", "--stdin", stdin=LEAK + "new\n")
    person.git("update-index", "--add", "--cacheinfo", f"100644,{oid},out/deep/c.txt")
    done = person.run("keyleak", "staged")
    assert done.returncode == ExitCode.FINDINGS
    assert "out/deep/c.txt" in done.stdout


def test_no_filter_of_the_repository_runs_while_files_are_compared(person: Person) -> None:
    trap = person.folder.parent / "started"
    person.record("a.txt", "one\n")
    person.record(".gitattributes", "* filter=trap\n")
    person.git("config", "filter.trap.clean", f"touch {trap}; cat")
    person.write("a.txt", "two\n")  # as long as before, so that only its content tells
    assert run(person, "pre-commit", "a.txt", PRE_COMMIT="1") == ExitCode.CLEAN
    assert not trap.exists()
