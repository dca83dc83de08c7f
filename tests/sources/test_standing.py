"""How far a key got is what the refs say: real repositories, through the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keyleak.reports.json import schema
from keyleak.rulebook.template import expand
from repositories import commit, git, new_repository

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))


def key(seed: int = 1) -> bytes:
    return f"FLORA_API_KEY={expand('sk_live_${base62:42}', seed)}\n".encode()


def report(repository: Path | str, *options: str, cwd: Path | None = None) -> dict[str, Any]:
    command = [KEYLEAK, "history", "--no-cache", "--format", "json", *options, os.fspath(repository)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, json.loads(schema()))
    return found


def exposure(repository: Path | str, *options: str) -> list[str]:
    """What the refs say of the one key."""
    (finding,) = report(repository, *options)["findings"]
    words = {"pushed", "unpushed", "stash-only", "staged-only", "unreachable"}
    return [word for word in finding["exposure"] if word in words]


def text(repository: Path) -> str:
    command = [KEYLEAK, "history", "--no-cache", os.fspath(repository)]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=False).stdout.split())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A work tree that was pushed to a server."""
    repository = new_repository(tmp_path / "r")
    commit(repository, {"a": b"clean"})
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(repository, "remote", "add", "origin", os.fspath(tmp_path / "server.git"))
    git(repository, "push", "-q", "origin", "main")
    return repository


def test_staged(repository: Path) -> None:
    (repository / "k.env").write_bytes(key())
    git(repository, "add", "k.env")
    assert exposure(repository) == ["staged-only"]
    assert "it is staged" in text(repository)
    git(repository, "reset", "-q")
    (repository / "k.env").unlink()
    assert exposure(repository) == ["unreachable"]
    said = text(repository)
    assert "this repository's object store does" in said
    assert "everyone with a clone" not in said
    assert "no commit here has" in said
    assert "Revoke" not in said


def test_stashed(repository: Path) -> None:
    (repository / "a").write_bytes(key())
    git(repository, "stash", "-q")
    assert exposure(repository) == ["stash-only"]
    (repository / "a").write_bytes(b"more")
    git(repository, "stash", "-q")  # now it is an older stash, which only the list names
    assert exposure(repository) == ["stash-only"]
    assert "git stash drop" in text(repository)
    assert "everyone with a clone" not in text(repository)


def test_committed_then_pushed_then_taken_out(repository: Path) -> None:
    commit(repository, {"k.env": key()})
    assert exposure(repository) == ["unpushed"]
    assert "no remote-tracking ref does" in text(repository)
    assert "before you push them" in text(repository)
    git(repository, "push", "-q", "origin", "main")
    assert exposure(repository) == ["pushed"]
    (repository / "k.env").unlink()
    commit(repository, {})
    assert exposure(repository) == ["pushed"]
    assert "everyone with a clone still does" in text(repository)


def test_a_part_of_history_says_the_same(repository: Path) -> None:
    commit(repository, {"k.env": key()})
    assert exposure(repository, "--range", "HEAD~1..HEAD") == ["unpushed"]


def test_the_farthest_place_counts(repository: Path) -> None:
    commit(repository, {"k.env": key()})
    git(repository, "push", "-q", "origin", "main:other")
    commit(repository, {"again.env": b"x\n" + key()})
    (repository / "third.env").write_bytes(b"y\n" + key())
    git(repository, "add", "third.env")
    assert exposure(repository) == ["pushed"]


def test_an_amended_commit_may_have_been_pushed(repository: Path) -> None:
    commit(repository, {"k.env": key()})
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    assert exposure(repository) == ["unreachable"]
    assert "Revoke the leaked key at once" in text(repository)


def test_an_amended_commit_is_reached_by_no_ref(repository: Path) -> None:
    commit(repository, {"k.env": key()})
    git(repository, "rm", "-q", "k.env")
    git(repository, "commit", "-q", "--amend", "--allow-empty", "-m", "without")
    assert exposure(repository) == ["unreachable"]


def test_where_the_refs_do_not_say_nothing_is_said(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"k.env": key()})
    git(repository, "tag", "v1")  # a tag is pushed by itself
    assert exposure(repository) == []
    git(repository, "tag", "-d", "v1")
    git(repository, "remote", "remove", "origin")
    assert exposure(repository) == []  # somebody may have cloned it from here
    git(repository, "checkout", "-q", "--orphan", "other")
    git(repository, "rm", "-rfq", ".")
    commit(repository, {"b": b"clean"})
    assert "HEAD has it no more, but history does" in text(repository)
    git(tmp_path, "clone", "-q", "--bare", os.fspath(repository), "bare.git")
    git(tmp_path / "bare.git", "remote", "remove", "origin")
    assert exposure(tmp_path / "bare.git") == []  # others may push to it and fetch from it


def test_what_a_server_gives_is_there(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"k.env": key()})
    git(repository, "push", "-q", "origin", "main")
    assert exposure((tmp_path / "server.git").as_uri()) == ["pushed"]
    git(tmp_path, "clone", "-q", "--mirror", (tmp_path / "server.git").as_uri(), "mirror.git")
    assert exposure(tmp_path / "mirror.git") == ["pushed"]


def test_the_report_says_which_repository_and_who_wrote_it(repository: Path) -> None:
    first = commit(repository, {"dir/a b#.env": b"\n" + key()})
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repository, "remote", "set-url", "origin", "https://someone:hidden@github.com/Owner/name.git?token=x")
    found = report(repository)
    assert found["scan"]["repository"] == {
        "name": "Owner/name",
        "url": "https://github.com/Owner/name.git",
        "head": first,
    }
    (finding,) = found["findings"]
    assert finding["first_seen"]["author"] == "A U Thor"
    assert finding["locations"][0]["url"] == (
        f"https://github.com/Owner/name/blob/{first}/dir/a%20b%23.env#L2"
    )
    whole = json.dumps(found)
    assert "hidden" not in whole
    assert "author@example.com" not in whole


@pytest.mark.parametrize(
    ("author", "name"),
    [
        (b"A U Thor <a@example.com>", "A U Thor"),
        (b"a@example.com <a@example.com>", None),
        (b" <a@example.com>", None),
        (b"J\xf6rg <a@example.com>", "J�rg"),
        ("Jörg <a@example.com>".encode(), "Jörg"),
    ],
)
def test_an_author_is_a_name_or_nobody(repository: Path, author: bytes, name: str | None) -> None:
    (repository / "k.env").write_bytes(key())
    git(repository, "add", "k.env")
    tree = git(repository, "write-tree").strip()
    written = b"tree %s\nauthor %s 1700000000 +0000\ncommitter C <c@e.org> 1700000000 +0000\n\nm\n" % (
        tree,
        author,
    )
    made = git(
        repository, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=written
    ).strip()
    git(repository, "update-ref", "refs/heads/main", made.decode())
    (finding,) = report(repository)["findings"]
    assert finding["first_seen"]["author"] == name


def test_a_saved_report_is_rendered_with_the_same_facts(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"k.env": key()})
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repository, "remote", "set-url", "origin", "git@gitlab.com:o/n.git")
    found = report(repository)
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(found))
    rendered = {}
    for form in ("json", "html", "markdown", "sarif", "csv", "text"):
        command = [KEYLEAK, "report", os.fspath(saved), "--format", form]
        rendered[form] = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    url = found["findings"][0]["locations"][0]["url"]
    assert url.startswith("https://gitlab.com/o/n/-/blob/")
    assert json.loads(rendered["json"]) == found
    for form in ("html", "markdown", "sarif", "csv"):
        assert url in rendered[form], form
    assert "A U Thor" in " ".join(rendered["text"].split())
    assert "A U Thor" in rendered["csv"]
    for form in ("html", "markdown", "sarif"):  # passed on to others
        assert "A U Thor" not in rendered[form]
