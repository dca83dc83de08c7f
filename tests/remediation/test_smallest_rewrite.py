"""`keyleak fix --apply` changes the commits that hold a key and their descendants, and nothing else."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand
from remediation.histories import PERSON, SIGNATURE, Made, descendants, graph, holders, write
from remediation.leaky import KEY, assigned, zipped
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from collections.abc import Callable

LEAK = assigned().encode()
NEEDLES = (KEY.encode(), KEY.encode("utf-16-le"))


def fix(repository: Path, output: Path, *more: str) -> int:
    return main(["fix", str(repository), "--apply", "--yes", "--quiet", "--output", str(output), *more])


def renamed(output: Path) -> dict[str, str]:
    with (output / "commit-map.csv").open() as file:
        return {row["old"]: row["new"] for row in csv.DictReader(file) if row["old"] != row["new"]}


def old_and_new(repository: Path, output: Path) -> tuple[set[str], set[str]]:
    """Commits that a rewrite may change, and those that it did."""
    parents = graph(repository)
    affected = descendants(parents, holders(repository, list(parents), *NEEDLES))
    return affected, set(parents) - set(graph(output / "rewritten.git"))


def with_server(tmp_path: Path) -> Path:
    """A clone whose server has five signed commits."""
    work = new_repository(tmp_path / "work")
    tip = ""
    for number in range(5):
        made = Made({"a": b"%d\n" % number}, [tip] if tip else [], headers=SIGNATURE)
        tip = write(work, made)
    git(work, "update-ref", "refs/heads/main", tip)
    git(work, "reset", "-q", "--hard")
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--mirror", str(work), str(server))
    git(work, "remote", "add", "origin", str(server))
    git(work, "fetch", "-q", "origin")
    return work


def test_unpushed_commit_leaves_signed_ones_and_the_server_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = with_server(tmp_path)
    commit(work, {"k.env": LEAK}, "key")
    commit(work, {"b": b"b"}, "more")
    old = git(work, "rev-parse", "origin/main")
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    assert "in commits that were never pushed: main" in said
    assert "New ids: 2 commits" in said
    assert "the other 5 commits" in said
    assert " push " not in said, "no server holds the key"
    assert "Revoke" not in said.partition("Nothing here shows that the key was pushed")[0]
    assert not (tmp_path / "out" / "push.sh").exists()
    assert not (tmp_path / "out" / "message.md").exists()
    mirror = tmp_path / "out" / "rewritten.git"
    assert git(mirror, "rev-parse", "main~2") == old
    assert len(renamed(tmp_path / "out")) == 2


def test_newest_commit_is_amended_and_what_is_staged_unstaged(tmp_path: Path) -> None:
    work = with_server(tmp_path)
    commit(work, {"app.py": f'flora = Flora(api_key="{KEY}")\n'.encode()}, "key")
    other = expand("sk_live_${base62:42}", 77)
    (work / "staged.env").write_text(f"FLORA_API_KEY={other}\n")
    git(work, "add", "staged.env")
    found = document(work, tmp_path / "out")
    assert [line.partition("'")[0] for line in found["unstage"]] == [
        f"git -C {work} restore --staged -- staged.env"
    ]
    for section in ("unstage", "patch", "amend", "forget"):
        subprocess.run(["bash", "-e", "-c", "\n".join(found[section])], check=True, env=environment(work))
    assert git(work, "rev-parse", "HEAD~1") == git(work, "rev-parse", "origin/main")
    (work / ".git" / "ORIG_HEAD").unlink(missing_ok=True)
    objects = git(work, "cat-file", "--batch", "--batch-all-objects")
    assert KEY.encode() not in objects
    assert other.encode() not in objects


def test_key_in_a_package_may_be_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = with_server(tmp_path)
    commit(work, {"dist/a-1.0.whl": zipped(assigned())}, "package")
    assert main(["fix", str(work)]) == ExitCode.FINDINGS
    said = " ".join(capsys.readouterr().out.split())
    assert "in packages, which a registry may have: a-1.0.whl;" in said
    assert "1. Revoke" in said


@pytest.mark.parametrize("what", ["two commits", "a message", "another file"])
def test_what_the_patch_does_not_take_away_is_not_amended(tmp_path: Path, what: str) -> None:
    work = with_server(tmp_path)
    message = f"key {assigned()}" if what == "a message" else "key"
    files = {"app.py": f'flora = Flora(api_key="{KEY}")\n'.encode()}
    commit(work, files | ({"k.bin": LEAK + b"\0\1"} if what == "another file" else {}), message)
    if what == "two commits":
        commit(work, {"b": b"b"}, "more")
    assert "amend" not in document(work, tmp_path / "out")


def document(work: Path, out: Path) -> dict[str, list[str]]:
    printed = subprocess.run(
        [sys.executable, "-m", "keyleak", "fix", str(work), "--output", str(out), "--format", "json", "-q"],
        env=environment(work),
        capture_output=True,
        check=False,
    )
    assert printed.returncode == ExitCode.FINDINGS, printed.stderr
    found: dict[str, list[str]] = json.loads(printed.stdout)
    return found


def environment(home: Path) -> dict[str, str]:
    who = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**os.environ, **who, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


LEAKS: dict[str, Callable[[Path], None]] = {
    "tip": lambda work: _committed(work, {"k.env": LEAK}),
    "old": lambda work: (_committed(work, {"k.env": LEAK}), _committed(work, {"k.env": b"clean"}))[-1],
    "message": lambda work: _committed(work, {"x": b"x"}, f"use it\n\n{assigned()}"),
    "utf-16": lambda work: _committed(work, {"wide.txt": assigned().encode("utf-16")}),
    "renamed since": lambda work: (_committed(work, {"k.env": LEAK}), _moved(work, "k.env", "l.env"))[-1],
    "name": lambda work: _committed(work, {f"dir/{KEY}.txt": b"b"}),
    "merge": lambda work: _merged(work, {"k.env": LEAK}),
    "five branches": lambda work: _on_branches(work, 5),
}


def _committed(work: Path, files: dict[str, bytes], message: str = "change") -> None:
    commit(work, files, message)


def _moved(work: Path, old: str, new: str) -> None:
    git(work, "mv", old, new)
    commit(work, {}, "move")


def _merged(work: Path, files: dict[str, bytes]) -> None:
    """A merge whose resolution brings files that neither parent has."""
    git(work, "checkout", "-q", "-b", "topic", "HEAD~1")
    commit(work, {"t": b"t"}, "topic")
    git(work, "checkout", "-q", "main")
    git(work, "merge", "-q", "--no-commit", "--no-ff", "topic")
    commit(work, files, "merge")


def _on_branches(work: Path, count: int) -> None:
    for number in range(count):
        git(work, "checkout", "-q", "-b", f"b{number}", f"main~{number}")
        commit(work, {f"k{number}.env": LEAK}, "key")
    git(work, "checkout", "-q", "main")


@pytest.mark.parametrize("leak", LEAKS)
def test_exactly_what_holds_the_key_and_its_descendants_get_new_ids(tmp_path: Path, leak: str) -> None:
    work = new_repository(tmp_path / "work")
    for number in range(6):
        commit(work, {"a": b"%d" % number}, f"change {number}")
    git(work, "branch", "untouched")
    git(work, "tag", "-a", "-m", "a tag", "v1")
    LEAKS[leak](work)
    git(work, "tag", "-a", "-m", "another tag", "v2")
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    affected, gone = old_and_new(work, tmp_path / "out")
    assert gone == affected
    assert affected
    mirror = tmp_path / "out" / "rewritten.git"
    for ref in ("untouched", "v1"):
        assert git(mirror, "rev-parse", ref) == git(work, "rev-parse", ref)


def test_tag_whose_message_holds_the_key_is_all_that_changes(tmp_path: Path) -> None:
    work = new_repository(tmp_path / "work")
    commit(work, {"a": b"a"}, "one")
    git(work, "tag", "-a", "-m", f"release\n\n{assigned()}", "v1")
    git(work, "tag", "-a", "-m", "of a tag", "nested", "v1")
    git(work, "tag", "blob", git(work, "hash-object", "-w", "--stdin", stdin=LEAK).decode().strip())
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    mirror = tmp_path / "out" / "rewritten.git"
    assert git(mirror, "rev-parse", "main") == git(work, "rev-parse", "main")
    assert b"REMOVED-KEY" in git(mirror, "cat-file", "tag", "v1")
    assert git(mirror, "rev-parse", "nested^{commit}") == git(work, "rev-parse", "main")
    assert git(mirror, "cat-file", "blob", "blob") == b"FLORA_API_KEY=REMOVED-KEY\n"


def test_notes_that_nothing_changes_keep_their_ids(tmp_path: Path) -> None:
    work = new_repository(tmp_path / "work")
    commit(work, {"a": b"a"}, "one")
    git(work, "notes", "--ref=review", "add", "-m", "fine", "HEAD")
    git(work, "notes", "add", "-m", "fine", "HEAD")
    commit(work, {"k.env": LEAK}, "two")
    git(work, "notes", "add", "-m", "also fine", "HEAD")
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    mirror = tmp_path / "out" / "rewritten.git"
    assert git(mirror, "rev-parse", "refs/notes/review") == git(work, "rev-parse", "refs/notes/review")
    assert git(mirror, "rev-parse", "refs/notes/commits~1") == git(work, "rev-parse", "refs/notes/commits~1")
    assert git(mirror, "log", "-1", "--notes", "--format=%N", "main").strip() == b"also fine"


ODD = {
    "a zone of many hours": Made({}, author=b"A <a@example.com> 1313584730 +051800"),
    "a date before 1970": Made({}, author=b"A <a@example.com> -5000 +0000"),
    "a date far ahead": Made({}, author=b"A <a@example.com> 4294967296000 +0000"),
    "no name": Made({}, author=b" <a@example.com> 1700000000 +0000"),
    "Latin-1 in a header": Made({}, author=b"J\xf6rg <a@example.com> 1700000000 +0000"),
    "an encoding": Made({}, headers=b"encoding ISO-8859-1\n", message=b"caf\xe9\n"),
    "no line end": Made({}, message=b"no line end"),
    "no message": Made({}, message=b""),
    "headers of others": Made({}, headers=b"HG:extra branch:stable\n"),
    "a zero byte": Made({}, message=b"before\0after\n"),
    "a signature": Made({}, headers=SIGNATURE),
    "a mode with zeros": Made({}, modes={"k.env": "0100644"}),
    "a mode of a group": Made({}, modes={"k.env": "100664"}),
}
LOST = {
    "headers of others": "Lost in the rewrite: commits lose headers",
    "a zero byte": "Lost in the rewrite: messages end at their first zero byte",
    "a signature": "Lost in the rewrite: signed commits",
    "a mode with zeros": "Lost in the rewrite: trees spell a mode",
    "a mode of a group": "Lost in the rewrite: trees spell a mode",
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_commits_pass_or_what_they_lose_is_named_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], odd: str
) -> None:
    work = new_repository(tmp_path / "work")
    made = ODD[odd]
    first = write(work, Made({"a": b"a"}, modes={"a": "0100644"}, headers=SIGNATURE))
    parts = (made.author, made.headers, made.message, made.modes)
    second = write(work, Made({"a": b"a", "k.env": LEAK}, [first], *parts))
    git(work, "update-ref", "refs/heads/main", second)
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    before, proven, _ = said.partition("Proven clean")
    assert proven
    assert (LOST[odd] in before) if odd in LOST else ("Lost in the rewrite" not in before)
    mirror = tmp_path / "out" / "rewritten.git"
    assert git(mirror, "rev-parse", "main~1").decode().strip() == first
    if odd not in LOST:
        old, new = (git(each, "cat-file", "commit", "main").split(b"\n", 1)[1] for each in (work, mirror))
        assert old == new


@pytest.mark.parametrize(
    "author",
    [
        b"A a@example.com 1700000000 +0000",
        b"A <a@example.com> 1700000000",
        b"<a@example.com> 1 +0000",
        b"A <a@example.com>> 1 +0000",
    ],
)
def test_commits_that_git_cannot_import_are_written_byte_for_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], author: bytes
) -> None:
    work = new_repository(tmp_path / "work")
    first = write(work, Made({"a": b"a"}))
    extra = b"HG:extra branch:stable\n" + SIGNATURE
    second = write(
        work, Made({"k.env": LEAK, "z": b"z"}, [first], author, extra, b"before\0after", {"z": "0100664"})
    )
    third = write(work, Made({"z": b"z"}, [second], message=f"Revert {second[:10]}\n".encode()))
    git(work, "update-ref", "refs/heads/main", third)
    git(work, "tag", "-a", "-m", "a tag", "v1", second)
    git(work, "tag", "light", second)
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    assert f"refuses 1 of these commits ({second[:12]})" in said
    mirror = tmp_path / "out" / "rewritten.git"
    new = renamed(tmp_path / "out")
    assert set(new) == {second, third}
    raw = git(mirror, "cat-file", "commit", new[second])
    expected = git(work, "cat-file", "commit", second).replace(SIGNATURE, b"")
    assert raw.split(b"\n", 1)[1] == expected.split(b"\n", 1)[1]
    assert b"0100664 z\0" in git(mirror, "cat-file", "tree", f"{new[second]}^{{tree}}")
    assert git(mirror, "log", "-1", "--format=%s", "main") == f"Revert {new[second][:10]}\n".encode()
    for tag in ("v1", "light"):
        assert git(mirror, "rev-parse", f"{tag}^{{commit}}").decode().strip() == new[second]
    assert git(mirror, "show", "light:k.env") == b"FLORA_API_KEY=REMOVED-KEY\n"


STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),  # how many parents, of those before
        st.integers(0, 1 << 30),  # which
        st.sampled_from(["", "key", "clean", "message", "name"]),
        st.sampled_from([b"", SIGNATURE, b"encoding ISO-8859-1\n"]),
        st.sampled_from([PERSON, b"J\xf6rg <a@example.com> 1313584730 +051800", b"A <a@example.com> 17"]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_random_histories_change_where_they_must(
    steps: list[tuple[int, int, str, bytes, bytes]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = _random_history(Path(folder) / "work", steps)
        expected = ExitCode.CLEAN if holders(work, list(graph(work)), *NEEDLES) else None
        code = fix(work, Path(folder) / "out")
        if expected is None:
            assert not (Path(folder) / "out").exists()
            return
        assert code == expected
        affected, gone = old_and_new(work, Path(folder) / "out")
        assert gone == affected
        mirror = Path(folder) / "out" / "rewritten.git"
        names = renamed(Path(folder) / "out")
        for oid in affected:
            assert _planned(git(work, "cat-file", "commit", oid), names) == _without_tree(
                git(mirror, "cat-file", "commit", names[oid])
            )


def _random_history(folder: Path, steps: list[tuple[int, int, str, bytes, bytes]]) -> Path:
    work = new_repository(folder)
    commits: list[str] = []
    files: dict[str, dict[str, bytes]] = {}
    for number, (width, seed, what, headers, author) in enumerate(steps):
        parents = list(
            dict.fromkeys(commits[(seed + each) % len(commits)] for each in range(width) if commits)
        )
        content = {name: data for parent in parents for name, data in files[parent].items()}
        content["n"] = b"%d" % number
        if what == "key":
            content["k.env"] = LEAK
        elif what == "clean":
            content.pop("k.env", None)
        elif what == "name":
            content[f"{KEY}.txt"] = b"x"
        message = f"{number}\n\n{assigned() if what == 'message' else ''}".encode()
        oid = write(work, Made(content, parents, author, headers, message))
        files[oid] = content
        commits.append(oid)
        git(work, "update-ref", f"refs/heads/b{number}", oid)
    git(work, "symbolic-ref", "HEAD", "refs/heads/b0")
    return work


def _planned(commit_text: bytes, names: dict[str, str]) -> bytes:
    """A commit as it should be after the rewrite, but for its tree."""
    text = commit_text.replace(SIGNATURE, b"").replace(KEY.encode(), b"REMOVED-KEY")
    for old, new in names.items():
        text = text.replace(old.encode(), new.encode())
    return _without_tree(text)


def _without_tree(commit_text: bytes) -> bytes:
    return commit_text.split(b"\n", 1)[1]
