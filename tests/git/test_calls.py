"""Every start of a program, by the place in the source that does it, with what makes it safe.

A new call of git fails here until it has a row, and a call without what its command needs fails whatever the
table says. `test_recorded_calls.py` looks at what really arrives at git.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from typing import Final, NamedTuple

import pytest

from program_starts import Start, starts


class Reach(Enum):
    """What a file's calls of git can touch."""

    LOCAL = (
        "reads a repository on this machine; no transport, no program, no file that only its settings name"
    )
    OWN = "also writes, to a clone that keyleak made"
    NETWORK = "reaches a server, in a folder of our own, whose settings are ours"


class Row(NamedTuple):
    """The calls of one file."""

    reach: Reach
    why: str
    calls: dict[str, str]
    """Functions, and the commands that each starts; what has no name in the source by how it is started."""


TABLE: Final = {
    "commands/ci_events.py": Row(
        Reach.LOCAL,
        "whether a commit of an event is here",
        {"_refuse_unreadable": "rev-parse", "_default_commit": "show-ref", "_commit": "rev-parse"},
    ),
    "commands/fix_document.py": Row(
        Reach.LOCAL,
        "what the instructions depend on",
        {
            "Case.states": "rev-parse",
            "Case.has_remote": "remote",
            "_amended": "ls-tree",
            "_head": "rev-parse",
        },
    ),
    "commands/fix_guard.py": Row(
        Reach.LOCAL, "whether a ref reaches a commit that was rewritten", {"_commits": "rev-list rev-list"}
    ),
    "commands/fix_undo.py": Row(Reach.OWN, "whether the restored clone is whole", {"_differences": "fsck"}),
    "commands/hook_doctor.py": Row(Reach.LOCAL, "how much a push would bring", {"_facts": "rev-list"}),
    "commands/in_time.py": Row(
        Reach.LOCAL, "a process of our own that answers an agent in time", {"in_time": "os.fork"}
    ),
    "commands/repository_reading.py": Row(
        Reach.LOCAL, "where a repository's top is", {"read_repository": "rev-parse", "_answer": "rev-parse"}
    ),
    "git/blobs.py": Row(Reach.LOCAL, "staged blobs", {"small_blobs": "cat-file"}),
    "git/clone.py": Row(
        Reach.NETWORK, "a URL that the user named, or the remote for --in-place-check", {"mirror": "clone"}
    ),
    "git/committed.py": Row(
        Reach.LOCAL,
        "which objects a commit has",
        {"CommittedFiles._entries": "ls-tree", "commits_outside": "rev-list", "objects_within": "rev-list"},
    ),
    "git/framework.py": Row(Reach.LOCAL, "the commit that is pushed", {"_commit": "rev-parse"}),
    "git/hook_folder.py": Row(Reach.LOCAL, "where hooks are", {"_configured": "config", "_answer": "run"}),
    "git/index.py": Row(
        Reach.LOCAL,
        "what is staged",
        {"changed_entries": "diff-index", "_listing": "ls-files"},
    ),
    "git/inherited.py": Row(
        Reach.LOCAL, "which repository a hook is started for", {"_repository": "rev-parse"}
    ),
    "git/mentions.py": Row(
        Reach.LOCAL, "where files name a variable", {"mentions": "grep rev-parse rev-parse"}
    ),
    "git/layout.py": Row(Reach.LOCAL, "where a repository has its files", {"find_layout": "rev-parse"}),
    "git/missing.py": Row(
        Reach.NETWORK,
        "what a partial clone lacks",
        {"fetch_missing": "fetch init rev-parse", "_pack_folder": "rev-parse"},
    ),
    "git/network.py": Row(
        Reach.NETWORK,
        "the one start of git that reaches a server, and whether the user has an ssh of their own",
        {"_spawn": "os.posix_spawn", "_own_ssh": "config"},
    ),
    "git/places.py": Row(
        Reach.LOCAL,
        "the git folder, staged paths",
        {"git_folder": "rev-parse", "staged_paths": "ls-files"},
    ),
    "git/plain.py": Row(
        Reach.LOCAL, "objects by id", {"listed_by_git": "cat-file", "_read_batch": "cat-file"}
    ),
    "git/process.py": Row(
        Reach.LOCAL,
        "the one start of git in a repository",
        {"run": "subprocess.run", "stream": "subprocess.Popen"},
    ),
    "git/provenance.py": Row(Reach.LOCAL, "what HEAD has", {"_content_of_head": "rev-parse rev-parse"}),
    "git/pushes.py": Row(
        Reach.LOCAL,
        "what a push brings",
        {"_commits": "cat-file", "_present": "cat-file", "in_quarantine": "rev-parse"},
    ),
    "git/reach.py": Row(
        Reach.LOCAL,
        "which refs reach an object",
        {"_stashes": "rev-list rev-parse", "_masks": "rev-list"},
    ),
    "git/refs.py": Row(
        Reach.LOCAL,
        "what refs there are and what they lead to",
        {"list_refs": "for-each-ref", "broken_refs": "cat-file", "tips_of": "cat-file"},
    ),
    "git/refspecs.py": Row(
        Reach.LOCAL,
        "where a fetch of a remote goes, and which refs it updates",
        {"remotes": "config", "fetch_url": "ls-remote", "tracking_refs": "for-each-ref"},
    ),
    "git/remotes.py": Row(
        Reach.LOCAL, "addresses of remotes", {"promisors": "config", "_settings": "config"}
    ),
    "git/rewriting.py": Row(
        Reach.OWN,
        "the clone that is rewritten",
        {
            "mirror_clone": "clone rev-parse",
            "bundle_clone": "clone",
            "write_bundle": "bundle bundle",
            "forget_old_objects": "gc reflog",
            "filter_repo": "subprocess.run",
        },
    ),
    "git/scope.py": Row(
        Reach.LOCAL,
        "what the names of a part of history lead to",
        {
            "_parsed": "rev-parse",
            "_check_known": "rev-parse",
            "_refs": "for-each-ref",
            "_head": "rev-parse",
            "kinds_of": "cat-file",
        },
    ),
    "git/signing.py": Row(
        Reach.LOCAL,
        "the user's signing key by the user's own configuration, and the program that signs with it",
        {"_setting": "config", "Signer._run": "subprocess.run"},
    ),
    "git/single_objects.py": Row(Reach.LOCAL, "objects by id", {"single_objects": "cat-file"}),
    "git/trace.py": Row(
        Reach.LOCAL,
        "which commits brought an object",
        {
            "trace_content": "log",
            "_is_wide": "log",
            "_trace_by_tree": "log",
            "_trace_roots": "log",
            "unreachable_commits": "cat-file rev-list",
        },
    ),
    "git/tracking.py": Row(Reach.LOCAL, "the folder that work trees share", {"_common_folder": "rev-parse"}),
    "git/tree_paths.py": Row(Reach.LOCAL, "what a commit holds", {"tree_objects": "rev-list"}),
    "git/views.py": Row(
        Reach.LOCAL,
        "why there may be less than a whole history",
        {
            "shallow_gap": "rev-parse",
            "missing_objects": "rev-list",
            "missing_ids": "rev-list",
            "tips_digest": "show-ref",
            "submodules": "rev-parse rev-parse",
            "_submodule_names": "config rev-parse",
        },
    ),
    "git/workers.py": Row(
        Reach.LOCAL, "processes of our own that read packs", {"_Pool.__init__": "multiprocessing.get_context"}
    ),
    "git/worktree.py": Row(
        Reach.LOCAL,
        "which files git ignores",
        {
            "ignored_among": "check-ignore",
            "not_checked_out": "ls-files",
            "ignored_below": "ls-files",
            "refuse_special_exclude": "rev-parse",
            "_user_s_rules": "config",
            "is_own_tree": "rev-parse",
        },
    ),
    "remediation/affected.py": Row(
        Reach.LOCAL,
        "what a rewrite changes",
        {
            "_holders_of_names": "rev-list",
            "_parents": "rev-list",
            "_chains": "for-each-ref",
            "_renamed": "for-each-ref",
            "_notes": "log",
            "notes_refs": "for-each-ref",
        },
    ),
    "remediation/fidelity.py": Row(
        Reach.LOCAL, "what a rewrite must leave as it is", {"_objects": "rev-list"}
    ),
    "remediation/filter_repo.py": Row(
        Reach.LOCAL, "what filter-repo can do", {"find_filter_repo": "filter_repo"}
    ),
    "remediation/instructions.py": Row(
        Reach.LOCAL,
        "where the result is pushed",
        {
            "_work_trees": "worktree",
            "_pushes": "remote",
            "_Pushes.__init__": "rev-parse",
            "_Pushes._url": "remote",
        },
    ),
    "remediation/notes.py": Row(
        Reach.OWN,
        "notes of the rewritten clone",
        {"rewrite_notes": "fast-import rev-list", "_Notes._files": "ls-tree"},
    ),
    "remediation/proof.py": Row(
        Reach.LOCAL, "both histories", {"_count": "rev-list", "refs_of": "for-each-ref"}
    ),
    "remediation/raw_rewrite.py": Row(
        Reach.OWN, "objects that filter-repo cannot write, into the clone", {"_Writing.flush": "index-pack"}
    ),
    "remediation/resigning.py": Row(
        Reach.OWN,
        "what is signed again in the rewritten clone",
        {"sign_again": "update-ref", "_Signing.refs": "rev-parse", "_Signing._written": "hash-object"},
    ),
    "remediation/rewrite_plan.py": Row(
        Reach.LOCAL,
        "tags and trees that hold a key",
        {"_Planner._tags": "for-each-ref", "_Planner._refs_of_trees": "for-each-ref ls-tree"},
    ),
    "remediation/rewriting.py": Row(
        Reach.OWN,
        "whether it can be rewritten, and the rewrite",
        {
            "check_rewritable": "rev-parse rev-parse",
            "check_space": "count-objects",
            "_attach_head": "symbolic-ref symbolic-ref",
            "_rewrite_commits": "filter_repo",
        },
    ),
    "remediation/survey.py": Row(
        Reach.LOCAL,
        "what a rewrite meets",
        {
            "survey": "rev-list rev-list",
            "_uses_lfs": "cat-file rev-parse",
            "_staged": "diff-index rev-parse rev-parse",
        },
    ),
    "remediation/tags.py": Row(
        Reach.OWN,
        "refs and tags of the rewritten clone",
        {
            "rewrite_refs": "rev-parse update-ref",
            "rename_refs": "rev-parse symbolic-ref symbolic-ref update-ref update-ref",
            "_write": "hash-object",
        },
    ),
    "sources/gap_places.py": Row(
        Reach.LOCAL, "the commit whose tree names what was not read", {"_at_head": "rev-parse"}
    ),
    "sources/processes.py": Row(
        Reach.LOCAL, "processes of our own that read files", {"_Pool.__init__": "multiprocessing.get_context"}
    ),
    "git/scoped_objects.py": Row(
        Reach.LOCAL,
        "what a part of history brought",
        {"objects_in": "rev-list", "_commits": "rev-list", "_oldest": "rev-parse"},
    ),
    "git/identity.py": Row(Reach.LOCAL, "which commit HEAD is", {"_head": "rev-parse"}),
    "sources/standing.py": Row(
        Reach.LOCAL, "whether its refs are those of a server", {"outside_of": "config rev-parse"}
    ),
}

# Commands that run no filter, hook, driver or signature program as they are used here; those of WRITING
# change a clone of ours.
READING: Final = frozenset(
    {
        *(
            "cat-file",
            "check-ignore",
            "config",
            "count-objects",
            "diff-index",
            "for-each-ref",
            "grep",
        ),
        *(
            "log",
            "ls-remote",
            "ls-files",
            "ls-tree",
            "remote",
            "rev-list",
            "rev-parse",
            "show-ref",
            "worktree",
        ),
    }
)
WRITING: Final = frozenset(
    {
        "bundle",
        "clone",
        "fast-import",
        "fsck",
        "gc",
        "hash-object",
        "index-pack",
        "init",
        "reflog",
        "symbolic-ref",
        "update-ref",
    }
)

# What a command must be given, and what it must not.
NEEDED: Final = {
    "clone": {"--template="},
    "diff-index": {"--cached", "--no-ext-diff"},
    "fetch": {"--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--filter=blob:none"},
    "grep": {"--no-textconv"},
    "init": {"--template="},
    "ls-remote": {"--get-url"},  # asks the configuration, not the server
}
NEVER: Final = {
    "cat-file": {"--textconv", "--filters"},
    "config": {"--global", "--system", "--edit", "--unset"},
    "log": {"-p", "-u", "--patch", "--textconv", "--show-signature", "--ext-diff"},
    "remote": {"show", "update", "prune", "add"},
    "rev-list": {"--missing=allow-any", "--missing=allow-promisor", "--use-bitmap-index"},
}

# The only places that start a program without the seam.
STARTS: Final = {
    ("commands/in_time.py:in_time", "os.fork"),
    ("git/process.py:run", "subprocess.run"),
    ("git/process.py:stream", "subprocess.Popen"),
    ("git/network.py:_spawn", "os.posix_spawn"),
    ("git/network.py:_own_ssh", "subprocess.run"),
    ("git/rewriting.py:filter_repo", "subprocess.run"),
    ("git/signing.py:Signer._run", "subprocess.run"),
    ("git/signing.py:_setting", "subprocess.run"),
    ("git/workers.py:_Pool.__init__", "multiprocessing.get_context"),
    ("sources/processes.py:_Pool.__init__", "multiprocessing.get_context"),
}
SEAM: Final = frozenset({"run", "stream", "connect", "filter_repo"})
EVERY: Final = tuple(starts())


def commands(start: Start) -> str:
    return start.how if start.first == "?" else start.first


def test_every_start_of_a_program_is_in_the_table() -> None:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for start in EVERY:
        file, _, function = start.place.partition(":")
        found[file][function].append(commands(start))
    listed = {
        file: {name: " ".join(sorted(words)) for name, words in calls.items()}
        for file, calls in found.items()
    }
    assert listed == {file: row.calls for file, row in TABLE.items()}


def test_nothing_is_started_but_by_the_seam() -> None:
    assert {(start.place, start.how) for start in EVERY if start.how not in SEAM} == STARTS


def test_only_files_of_the_network_row_reach_one() -> None:
    using = {start.place.partition(":")[0] for start in EVERY if start.how == "connect"}
    assert using <= {file for file, row in TABLE.items() if row.reach is Reach.NETWORK}


@pytest.mark.parametrize("start", [s for s in EVERY if s.how in SEAM], ids=lambda s: f"{s.place} {s.first}")
def test_a_command_has_what_makes_it_safe(start: Start) -> None:
    reach = TABLE[start.place.partition(":")[0]].reach
    allowed = READING | WRITING if reach is Reach.OWN else READING
    if reach is Reach.NETWORK:
        allowed = READING | {"init", "clone", "fetch"}
    if start.first != "?":
        assert start.first in allowed, f"{start.first} is no command that is known to run nothing"
    assert start.words >= NEEDED.get(start.first, set())
    assert not start.words & NEVER.get(start.first, set())
    if start.first == "log" and start.words & {"--raw", "--stat", "--name-only", "--name-status"}:
        assert start.words >= {"--no-ext-diff", "--no-textconv"}
    formats = " ".join(start.words)
    assert "%G" not in formats, "asks a signature program"
    assert "%(signature" not in formats, "asks a signature program"
