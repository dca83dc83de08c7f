"""What really arrives at git: a recorder of that name, first on PATH, writes every start down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from git_server import serving_git
from keyleak.rulebook.template import expand
from repositories import commit, git, new_repository
from verification.server import Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEYLEAK: Final = str(Path(sys.executable).with_name("keyleak"))

# In every call that reads or rewrites a repository.
ALWAYS: Final = frozenset(
    {
        "color.ui=false",
        "core.alternateRefsCommand=true",
        "core.askPass=",
        "core.attributesFile=/dev/null",
        "core.commitGraph=false",
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        "core.pager=cat",
        "core.sshCommand=false",
        "core.untrackedCache=false",
        "core.useReplaceRefs=false",
        "credential.helper=",
        "diff.orderFile=/dev/null",
        "diff.relative=false",
        "log.diffMerges=separate",
        "log.mailmap=false",
        "log.showSignature=false",
        "protocol.allow=never",
        "submodule.recurse=false",
    }
)
TRANSFER: Final = frozenset(
    {
        "core.alternateRefsCommand=true",
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        "fetch.uriProtocols=",
        "gc.auto=0",
        "maintenance.auto=false",
        "submodule.recurse=false",
        "transfer.bundleURI=false",
    }
)
# Variables that a call may have as well: git's own in a hook, and a bound on memory.
ALSO: Final = ("GIT_ALLOC_LIMIT", "GIT_DIR", "GIT_INDEX_FILE", "GIT_QUARANTINE_PATH")
# What the git that clones gives to the one that reads the source.
OF_A_CLONE: Final = ("GIT_EXEC_PATH", "GIT_PAGER", "GIT_PROTOCOL")


@dataclass(frozen=True)
class Call:
    """One start of git."""

    folder: str
    arguments: tuple[str, ...]
    environment: dict[str, str]

    @property
    def settings(self) -> frozenset[str]:
        """What `-c` sets."""
        return frozenset(b for a, b in zip(self.arguments, self.arguments[1:], strict=False) if a == "-c")

    @property
    def place(self) -> str:
        """Where git works."""
        words = self.arguments
        return words[words.index("-C") + 1] if "-C" in words else self.folder

    @property
    def command(self) -> str:
        """What git does."""
        words = iter(self.arguments)
        for word in words:
            if word in {"-c", "-C"}:
                next(words)
            elif not word.startswith("-"):
                return word
        return ""


class Recorder:
    """The recorder, and runs of keyleak that it is in force for."""

    def __init__(self, folder: Path) -> None:
        self._records = folder / "records"
        self._records.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "git"
        real = shutil.which("git")
        program.write_text(
            "#!/bin/sh\n"
            f"record=$(mktemp '{self._records}/XXXXXXXX')\n"
            "{ printf '%s\\0' \"$PWD\" \"$@\"; printf '\\036\\0'; env -0; } > $record\n"
            f'exec {real} "$@"\n'
        )
        program.chmod(0o755)
        self.home = folder / "home"
        self.home.mkdir()
        self.environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": os.fspath(self.home),
            "XDG_CACHE_HOME": os.fspath(folder / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TRACE2_EVENT": os.fspath(folder / "trace"),
            "GIT_EXTERNAL_DIFF": "false",
            "GIT_SSH_COMMAND": "false",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": "false # evil",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "/somewhere",
        }

    def keyleak(self, folder: Path, *arguments: str | os.PathLike[str], stdin: bytes = b"") -> int:
        done = subprocess.run(
            [KEYLEAK, *arguments],
            cwd=folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert b"Traceback" not in done.stderr, done.stderr
        return done.returncode

    def calls(self) -> list[Call]:
        """All so far, in no order."""
        return [_call(path.read_bytes()) for path in self._records.iterdir()]


def _call(record: bytes) -> Call:
    command, _, environment = record.partition(b"\x1e\0")
    folder, *arguments = os.fsdecode(command).removesuffix("\0").split("\0")
    pairs = (line.partition("=") for line in os.fsdecode(environment).split("\0") if line)
    return Call(folder, tuple(arguments), {name: value for name, _, value in pairs})


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"a.env": f"FLORA_API_KEY={expand('sk_live_${base62:42}', 1)}\n".encode()})
    commit(repository, {"a.env": b"clean\n", "b.py": b"import os\n"})
    git(repository, "tag", "-a", "-m", "one", "v1")
    git(repository, "clone", "-q", "--bare", ".", os.fspath(tmp_path / "server.git"))
    git(repository, "remote", "add", "origin", os.fspath(tmp_path / "server.git"))
    git(repository, "fetch", "-q", "origin")
    (repository / "c.env").write_text(f"FLORA_API_KEY={expand('sk_live_${base62:42}', 2)}\n")
    git(repository, "add", "c.env")
    return repository


def _push(recorder: Recorder, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD").strip()
    line = b"refs/heads/main %s refs/heads/main %s\n" % (head, b"0" * 40)
    recorder.keyleak(repository, "hook", "run", "pre-push", "origin", "../server.git", stdin=line)
    recorder.keyleak(
        repository / ".git", "hook", "run", "pre-receive", stdin=b"%s %s refs/heads/x\n" % (b"0" * 40, head)
    )


def _commands(*commands: Sequence[str]) -> Callable[[Recorder, Path], None]:
    def run(recorder: Recorder, repository: Path) -> None:
        for command in commands:
            recorder.keyleak(repository, *command)

    return run


LOCAL_RUNS: Final = {
    "history": _commands(
        ["history"],
        ["history", "--range", "HEAD~1..HEAD"],
        ["history", "--since", "2001-01-01", "--submodules"],
        ["history", "--refs", "refs/tags/*", "--no-cache"],
    ),
    "scan": _commands(["scan"], ["scan", "--no-ignored"], ["baseline", "create"]),
    "hooks": _commands(
        ["staged"],
        ["hook", "run", "pre-commit"],
        ["hook", "doctor"],
        ["hook", "install"],
        ["hook", "uninstall"],
    ),
    "pushes": _push,
    "fix": _commands(["fix"], ["fix", "--output", "../kit"]),
}


@pytest.mark.parametrize("name", LOCAL_RUNS)
def test_a_call_in_a_repository_reaches_nothing_and_runs_nothing(
    recorder: Recorder, leaking: Path, name: str
) -> None:
    LOCAL_RUNS[name](recorder, leaking)
    calls = recorder.calls()
    assert calls
    for call in calls:
        _check_local(call)


def _check_local(call: Call) -> None:
    assert call.settings >= ALWAYS, call.arguments
    assert "safe.directory=/somewhere" in call.settings
    assert "core.fsmonitor=false # evil" not in call.settings
    of_git = {variable: value for variable, value in call.environment.items() if variable.startswith("GIT_")}
    assert of_git.pop("GIT_ALLOW_PROTOCOL") in {"none", "file"}
    for variable in (*ALSO, *(OF_A_CLONE if call.command == "upload-pack" else ())):
        of_git.pop(variable, None)
    assert of_git == {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": "/dev/null",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    assert call.environment["LC_ALL"] == "C"


@pytest.mark.slow
def test_a_rewrite_reaches_nothing_and_runs_nothing(recorder: Recorder, leaking: Path) -> None:
    assert recorder.keyleak(leaking, "fix", "--apply", "--yes", "--output", "../out") == 0
    calls = recorder.calls()
    # Those that git filter-repo starts have their settings from the environment.
    started_by_filter_repo = [call for call in calls if "GIT_CONFIG_COUNT" in call.environment]
    assert started_by_filter_repo
    for call in started_by_filter_repo:
        count = int(call.environment["GIT_CONFIG_COUNT"])
        settings = {
            call.environment[f"GIT_CONFIG_KEY_{number}"]: call.environment[f"GIT_CONFIG_VALUE_{number}"]
            for number in range(count)
        }
        assert settings["core.hooksPath"] == "/dev/null"
        assert settings["core.fsmonitor"] == "false"
        assert call.environment["GIT_ALLOW_PROTOCOL"] == "none"
        assert call.environment["GIT_TERMINAL_PROMPT"] == "0"
        assert call.folder.startswith(os.fspath(leaking.parent / "out")) or call.command in {"", "version"}
    for call in calls:
        if call not in started_by_filter_repo:
            _check_local(call)


def test_a_transfer_runs_outside_of_any_repository(recorder: Recorder, leaking: Path, tmp_path: Path) -> None:
    del recorder.environment["GIT_SSH_COMMAND"]
    authority = Authority(tmp_path)
    git(tmp_path / "server.git", "config", "uploadpack.allowFilter", "true")
    git(tmp_path / "server.git", "config", "uploadpack.allowAnySHA1InWant", "true")
    uri = (tmp_path / "server.git").as_uri()
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", uri, "partial")
    with serving_git(tmp_path, authority.context_for("localhost")) as server:
        (recorder.home / ".gitconfig").write_text(f"[http]\n\tsslCAInfo = {authority.file}\n")
        url = f"{server.url}/server.git"
        git(tmp_path / "partial", "config", "remote.origin.url", url)
        git(leaking, "remote", "set-url", "origin", url)
        assert recorder.keyleak(tmp_path / "partial", "history", "--fetch-missing") == 1
        assert recorder.keyleak(leaking, "history", url) == 1
        assert recorder.keyleak(leaking, "fix", "--in-place-check") == 1
    calls = recorder.calls()
    transfers = [call for call in calls if call.environment["GIT_ALLOW_PROTOCOL"] not in {"none", "file"}]
    assert sorted(call.command for call in transfers if call.command != "config") == [
        "clone",
        "clone",
        "fetch",
    ]
    for call in transfers:
        assert not call.place.startswith((os.fspath(leaking), os.fspath(tmp_path / "partial")))
        of_git = {name for name in call.environment if name.startswith("GIT_")}
        assert of_git <= {
            "GIT_ALLOW_PROTOCOL",
            "GIT_CEILING_DIRECTORIES",
            "GIT_CONFIG_NOSYSTEM",
            "GIT_GRAFT_FILE",
            "GIT_NO_LAZY_FETCH",
            "GIT_NO_REPLACE_OBJECTS",
            "GIT_SSH_COMMAND",
            "GIT_TERMINAL_PROMPT",
        }
        assert call.environment["GIT_ALLOW_PROTOCOL"] == "https:ssh"
        assert call.environment["GIT_TERMINAL_PROMPT"] == "0"
        if call.command != "config":
            assert call.settings >= TRANSFER
            assert call.environment["GIT_SSH_COMMAND"] == "ssh -oBatchMode=yes"
    for call in calls:
        if call not in transfers:
            _check_local(call)
