"""What `keyleak fix --apply` rewrites in real histories, against the smallest rewrite there can be.

    python benchmarks/fix_rewrites.py FOLDER REPOSITORY...

Clones each repository into FOLDER, plants a key in each of eight ways, has it removed, and compares: commits
with a new id against those that hold the key and their descendants; ids of everything else; the time against
`git filter-repo --replace-text` over a clone of the same repository. Prints a row of a table for each.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = expand("sk_live_${base62:42}", 17)
LEAK = f"FLORA_API_KEY={KEY}\n".encode()
PROGRAMS = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": text
        for who in ("AUTHOR", "COMMITTER")
        for what, text in (("NAME", "A"), ("EMAIL", "a@example.com"), ("DATE", "1800000000 +0000"))
    },
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git with no configuration of this machine's."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, input=stdin, check=True, capture_output=True).stdout


def word(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What git prints, as text."""
    return git(folder, *arguments, stdin=stdin).decode().strip()


def child(folder: Path, parents: list[str], files: dict[str, bytes], message: str = "planted") -> str:
    """A commit upon the first parent's tree and these files."""
    index = {"GIT_INDEX_FILE": str(folder / "planting-index")}
    with contextlib.suppress(FileNotFoundError):
        (folder / "planting-index").unlink()
    environment = ENVIRONMENT | index

    def run(*arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment,
            input=stdin,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    run("read-tree", parents[0])
    for name, content in files.items():
        blob = run("hash-object", "-w", "--stdin", stdin=content)
        run("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    tree = run("write-tree")
    return run("commit-tree", tree, *(word for each in parents for word in ("-p", each)), "-m", message)


def move(folder: Path, tip: str) -> None:
    """Move the branch at HEAD."""
    git(folder, "update-ref", head(folder), tip)


def head(folder: Path) -> str:
    """The full name of the branch at HEAD."""
    return word(folder, "symbolic-ref", "HEAD")


def tip_only(folder: Path) -> None:
    """The newest commit."""
    move(folder, child(folder, [word(folder, "rev-parse", "HEAD")], {"k.env": LEAK}))


def old_commit(folder: Path) -> None:
    """A commit in the first fifth of the main line; what came after is written upon it, trees as before."""
    line = word(folder, "rev-list", "--first-parent", "--reverse", "HEAD").split()
    below = line[len(line) // 5]
    replaced = {below: child(folder, [below], {"k.env": LEAK})}
    for row in word(
        folder, "rev-list", "--topo-order", "--reverse", "--parents", f"{below}..HEAD"
    ).splitlines():
        commit, *parents = row.split()
        if not any(parent in replaced for parent in parents):
            continue
        content = git(folder, "cat-file", "commit", commit)
        head_part, blank, message = content.partition(b"\n\n")
        for parent in parents:
            new = replaced.get(parent, parent)
            head_part = head_part.replace(f"parent {parent}".encode(), f"parent {new}".encode())
        replaced[commit] = word(
            folder,
            "hash-object",
            "-t",
            "commit",
            "-w",
            "--stdin",
            "--literally",
            stdin=head_part + blank + message,
        )
    move(folder, replaced[line[-1]])


def tag_only(folder: Path) -> None:
    """A commit that only a tag reaches."""
    target = word(folder, "rev-parse", "HEAD~3")
    git(folder, "tag", "planted", child(folder, [target], {"k.env": LEAK}))


def merge_resolution(folder: Path) -> None:
    """A merge that brings what neither parent has."""
    first, second = word(folder, "rev-parse", "HEAD"), word(folder, "rev-parse", "HEAD~5")
    side = child(folder, [second], {"side": b"side\n"})
    merge = child(folder, [first, side], {"k.env": LEAK, "side": b"side\n"})
    move(folder, child(folder, [merge], {"after": b"after\n"}))


def renamed_since(folder: Path) -> None:
    """A file that a later commit renames."""
    first = child(folder, [word(folder, "rev-parse", "HEAD")], {"k.env": LEAK})
    base = child(folder, [word(folder, "rev-parse", "HEAD")], {"l.env": LEAK})
    tree = word(folder, "rev-parse", f"{base}^{{tree}}")
    move(folder, word(folder, "commit-tree", tree, "-p", first, "-m", "renamed"))


def utf16(folder: Path) -> None:
    """A file in UTF-16."""
    move(
        folder, child(folder, [word(folder, "rev-parse", "HEAD")], {"k.txt": LEAK.decode().encode("utf-16")})
    )


def message(folder: Path) -> None:
    """A message."""
    move(folder, child(folder, [word(folder, "rev-parse", "HEAD")], {}, f"use it\n\n{LEAK.decode()}"))


def five_branches(folder: Path) -> None:
    """The tips of five branches."""
    for number in range(5):
        below = word(folder, "rev-parse", f"HEAD~{number * 7}")
        git(folder, "branch", f"planted{number}", child(folder, [below], {f"k{number}.env": LEAK}))


PLANTS: dict[str, Callable[[Path], None]] = {
    "unpushed tip": tip_only,
    "one old commit": old_commit,
    "a tag only": tag_only,
    "a merge's resolution": merge_resolution,
    "a file renamed since": renamed_since,
    "UTF-16": utf16,
    "a commit message": message,
    "five branches": five_branches,
}


def commits(folder: Path) -> dict[str, list[str]]:
    """Every commit with its parents, parents first."""
    rows = word(folder, "rev-list", "--topo-order", "--reverse", "--parents", "--glob=refs/*").splitlines()
    return {row.split()[0]: row.split()[1:] for row in rows}


def smallest(folder: Path, before: set[str]) -> set[str]:
    """Planted commits that hold the key, and whatever builds upon them; nothing older holds it."""
    found: set[str] = set()
    for oid, parents in commits(folder).items():
        if found & set(parents) or (oid not in before and holds(folder, oid)):
            found.add(oid)
    return found


def holds(folder: Path, oid: str) -> bool:
    """Whether a commit's message or one of its planted files holds the key."""
    if KEY.encode() in git(folder, "cat-file", "commit", oid):
        return True
    rows = git(folder, "ls-tree", oid).splitlines()
    planted = [row.split()[2].decode() for row in rows if row.split(b"\t")[1].startswith((b"k", b"l.env"))]
    return any(
        KEY.encode() in content or KEY.encode("utf-16-le") in content
        for content in (git(folder, "cat-file", "blob", blob) for blob in planted if is_blob(folder, blob))
    )


def is_blob(folder: Path, oid: str) -> bool:
    """Whether an object is a blob."""
    return word(folder, "cat-file", "-t", oid) == "blob"


def filter_repo_alone(source: Path, folder: Path) -> str:
    """How long git filter-repo takes by itself with its clone, or that it fails."""
    target = folder / "by-filter-repo.git"
    expressions = folder / "expressions"
    expressions.write_text(f"{KEY}==>REMOVED-KEY\n")
    started = time.monotonic()
    git(folder, "clone", "-q", "--mirror", "--no-local", str(source), str(target))
    done = subprocess.run(
        [str(PROGRAMS / "git-filter-repo"), "--force", "--quiet", "--replace-text", str(expressions)],
        cwd=target,
        env=ENVIRONMENT,
        check=False,
        capture_output=True,
    )
    seconds = time.monotonic() - started
    shutil.rmtree(target)
    return "fails" if done.returncode else f"{seconds:.0f} s"


def rows(folder: Path, repository: Path) -> Iterator[str]:
    """One row for each way to plant a key."""
    name = repository.parent.name if repository.name == "repo" else repository.name
    for plant, planting in PLANTS.items():
        work = folder / "work.git"
        shutil.rmtree(work, ignore_errors=True)
        git(folder, "clone", "-q", "--mirror", str(repository), str(work))
        before = set(commits(work))
        planting(work)
        expected = smallest(work, before)
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        started = time.monotonic()
        done = subprocess.run(
            [str(PROGRAMS / "keyleak"), "fix", str(work), "--apply", "--yes", "-q", "--output", str(out)],
            env=ENVIRONMENT,
            check=False,
            capture_output=True,
        )
        seconds = time.monotonic() - started
        mirror = out / "rewritten.git"
        every = set(commits(work))
        gone = every - set(commits(mirror)) if mirror.is_dir() else set()
        verdict = "exact" if gone == expected else f"{len(gone ^ expected):,} differ"
        alone = filter_repo_alone(work, folder)
        yield (
            f"| {name} | {plant} | {len(every):,} | {len(expected):,} | {len(gone):,} | {verdict}"
            f" | {done.returncode} | {seconds:.0f} s | {alone} |"
        )


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(
        "| repository | key in | commits | hold it or descend | new ids | verdict | exit"
        " | keyleak | filter-repo |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for repository in sys.argv[2:]:
        for row in rows(folder, Path(repository)):
            print(row, flush=True)


if __name__ == "__main__":
    main()
