"""What a repository's configuration says of transports decides nothing: real TLS, real `git fetch`."""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_server import GitServer, serving_git
from keyleak.errors import GitError
from keyleak.git.clone import mirror
from keyleak.git.missing import fetch_missing
from keyleak.git.network import Origin, network_environment, protocols
from keyleak.git.views import missing_objects
from repositories import commit, git, new_repository
from verification.server import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "Basic " + base64.b64encode(b"someone:hidden").decode()


class Place:
    """A server, and a partial clone of what it serves."""

    def __init__(self, folder: Path, made: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.authority = Authority(folder)
        self.served = made
        self.origin = made / "o"
        self.partial = folder / "partial"
        shutil.copytree(made / "partial", self.partial)
        self.marker = folder / "ran"

    def config(self, *setting: str) -> None:
        git(self.partial, "config", *setting)

    def user(self, *setting: str) -> None:
        git(self.home, "config", "--file", os.fspath(self.home / ".gitconfig"), *setting)

    def missing(self) -> bytes:
        return missing_objects(os.fspath(self.partial))

    def fetch(self) -> list[str]:
        said: list[str] = []
        fetch_missing(os.fspath(self.partial), self.missing(), said.append)
        return said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An origin and a partial clone of it."""
    folder = tmp_path_factory.mktemp("made")
    origin = new_repository(folder / "o")
    commit(origin, {"big": b"x" * 5000, "deep/er": b"y" * 6000})
    commit(origin, {"big": b"clean"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(folder, "clone", "-q", "--bare", "--filter=blob:none", origin.as_uri(), "partial")
    return folder


@pytest.fixture
def place(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path, made)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", os.fspath(place.home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return place


@pytest.fixture
def server(place: Place) -> Iterator[GitServer]:
    """The origin over TLS, trusted by the user's configuration."""
    with serving_git(
        place.served, place.authority.context_for("localhost"), {"Set-Cookie": "a=b; Max-Age=9999"}
    ) as server:
        place.user("http.sslCAInfo", os.fspath(place.authority.file))
        place.config("remote.origin.url", f"{server.url}/o/.git")
        yield server


def test_missing_objects_come_over_tls(place: Place, server: GitServer) -> None:
    assert place.missing().count(b"\n") == 3
    assert place.fetch() == [f"asking {server.url}/o/.git for 3 missing objects"]
    assert place.missing() == b""
    assert git(place.partial, "fsck", "--full") == b""


def test_a_repository_s_cookie_file_is_neither_sent_nor_written(place: Place, server: GitServer) -> None:
    mine = place.home / "cookies"
    before = "# Netscape HTTP Cookie File\nlocalhost\tFALSE\t/\tFALSE\t0\tsession\tmine\n"
    mine.write_text(before)
    place.config("http.cookieFile", os.fspath(mine))
    place.config("http.saveCookies", "true")
    place.config(f"http.{server.url}.cookieFile", os.fspath(mine))
    place.config(f"http.{server.url}.saveCookies", "true")
    place.fetch()
    assert mine.read_text() == before
    assert all("cookie" not in seen for seen in server.seen)


def test_a_repository_s_headers_are_not_sent(place: Place, server: GitServer) -> None:
    for name in ("http.extraHeader", f"http.{server.url}.extraHeader"):
        place.config(name, "X-Evil: 1")
    place.config("http.userAgent", "evil")
    place.fetch()
    assert server.seen
    assert all("x-evil" not in seen and seen["user-agent"] != "evil" for seen in server.seen)


@pytest.mark.parametrize("name", ["http.sslVerify", "http.{url}.sslVerify"])
def test_a_repository_cannot_switch_off_the_check_of_certificates(place: Place, name: str) -> None:
    with serving_git(place.served, place.authority.context_for("localhost")) as server:
        place.config("remote.origin.url", f"{server.url}/o/.git")
        place.config(name.format(url=server.url), "false")
        place.config("http.sslCAInfo", os.fspath(place.authority.file))
        with pytest.raises(GitError, match=r"(?i)certificate"):
            place.fetch()
        assert server.seen == []


@pytest.mark.parametrize("name", ["http.proxy", "http.{url}.proxy", "remote.origin.proxy"])
def test_a_repository_cannot_name_a_proxy(place: Place, server: GitServer, name: str) -> None:
    with serving_git(place.served) as proxy:
        place.config(name.format(url=server.url), proxy.url)
        place.fetch()
        assert proxy.seen == []


@pytest.mark.parametrize("name", ["credential.helper", "credential.{url}.helper"])
def test_passwords_come_from_the_user_s_helpers_alone(place: Place, name: str) -> None:
    context = place.authority.context_for("localhost")
    with serving_git(place.served, context, password=PASSWORD) as server:
        place.user("http.sslCAInfo", os.fspath(place.authority.file))
        place.config("remote.origin.url", f"{server.url}/o/.git")
        place.config(name.format(url=server.url), f"!cat > {place.marker};")
        with pytest.raises(GitError):
            place.fetch()
        place.user("credential.helper", "!printf 'username=someone\\npassword=hidden\\n' #")
        place.fetch()
        assert place.missing() == b""
        assert not place.marker.exists()


def test_a_repository_cannot_send_elsewhere(place: Place, server: GitServer) -> None:
    with serving_git(place.served) as other:
        place.config(f"url.{other.url}/.insteadOf", f"{server.url}/")
        place.config(f"url.ext::touch {place.marker} #.insteadOf", "https:")
        included = place.folder / "included"
        included.write_text(f'[url "{other.url}/"]\n\tinsteadOf = https://\n[http]\n\tsslVerify = false\n')
        place.config("include.path", os.fspath(included))
        place.config("includeIf.gitdir:/.path", os.fspath(included))
        place.fetch()
        assert other.seen == []
    assert place.missing() == b""
    assert not place.marker.exists()


def test_an_answer_cannot_lead_to_another_protocol(place: Place, server: GitServer) -> None:
    with serving_git(place.served) as other:
        server.answers = {"Location": f"{other.url}/o/.git/info/refs?service=git-upload-pack"}
        server.password = "another"  # every answer is one that leads on
        with pytest.raises(GitError):
            place.fetch()
        assert other.seen == []


def test_no_program_of_the_repository_is_run(place: Place, server: GitServer) -> None:
    run = f"touch {place.marker}"
    names = ("core.sshCommand", "core.gitProxy", "core.askPass", "core.alternateRefsCommand", "gpg.program")
    for name in (*names, "core.fsmonitor", "remote.origin.uploadpack", "remote.origin.vcs"):
        place.config(name, run)
    hook = place.partial / "hooks" / "reference-transaction"
    hook.write_text(f"#!/bin/sh\n{run}\n")
    hook.chmod(0o755)
    server.password = PASSWORD
    with pytest.raises(GitError):
        place.fetch()
    server.password = None
    place.fetch()
    assert place.missing() == b""
    assert not place.marker.exists()


def test_ssh_of_the_user_runs_without_prompts(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = place.folder / "bin"
    programs.mkdir()
    said = place.folder / "said"
    ssh = programs / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$@" "$SSH_ASKPASS" >> {said}\nexec sh -c "git-upload-pack \'{place.origin}\'"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SSH_ASKPASS", "/bin/askpass")
    place.config("remote.origin.url", "ssh://host.invalid/o")
    place.config("core.sshCommand", f"touch {place.marker}")
    place.config("ssh.variant", "simple")
    place.fetch()
    assert place.missing() == b""
    assert not place.marker.exists()
    words = said.read_text().split()
    assert "-oBatchMode=yes" in words
    assert "/bin/askpass" not in words


def test_the_user_s_own_ssh_command_is_used(place: Place) -> None:
    mine = place.folder / "my-ssh"
    mine.write_text(f"#!/bin/sh\nexec sh -c \"git-upload-pack '{place.origin}'\"\n")
    mine.chmod(0o755)
    place.user("core.sshCommand", os.fspath(mine))
    place.config("remote.origin.url", "me@host.invalid:o")
    place.fetch()
    assert place.missing() == b""


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/r.git",
        "git://127.0.0.1/r.git",
        "ext::sh -c 'touch ran'",
        "fd::17/x",
        "ssh://-oProxyCommand=x/r",
        "-oProxyCommand=x:r",
        "https://-x/r",
        "https://h/r\nb",
        "../other.git",
        "--upload-pack=x",
        "file:///nowhere/at/all",
        "transport::https://h/r",
        "",
    ],
)
def test_a_repository_s_remote_is_reached_by_https_and_ssh_alone(place: Place, url: str) -> None:
    place.config("remote.origin.url", url)
    with pytest.raises(GitError, match=r"is refused|no remote promises"):
        place.fetch()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://h/r", "https:ssh"),
        ("http://h:80/r", "http:https:ssh"),
        ("git://h/r", "git:https:ssh"),
        ("ssh://u@h:22/r", "ssh:https"),
        ("git@h.example:o/r.git", "ssh:https"),
        ("https://u:p@[::1]:443/r", "https:ssh"),
        ("file:///x", "file:https:ssh"),
        ("/x y", "file:https:ssh"),
    ],
)
def test_what_the_user_typed_decides_the_protocol(url: str, allowed: str) -> None:
    assert protocols(url, Origin.USER) == allowed


def test_a_refusal_holds_no_password() -> None:
    with pytest.raises(GitError, match="is refused") as caught:
        protocols("http://someone:hidden@127.0.0.1/r", Origin.REPOSITORY)
    assert "hidden" not in str(caught.value)


def test_a_folder_of_another_user_is_no_remote(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(GitError, match="belongs to another user"):
        protocols(os.fspath(place.origin), Origin.REPOSITORY)


def test_objects_are_not_written_through_a_link(place: Place, server: GitServer) -> None:
    elsewhere = place.folder / "elsewhere"
    packs = place.partial / "objects" / "pack"
    packs.rename(elsewhere)
    packs.symlink_to(elsewhere)
    held = sorted(os.listdir(elsewhere))
    with pytest.raises(GitError, match="is a link"):
        place.fetch()
    assert sorted(os.listdir(elsewhere)) == held
    assert server.seen == []


def test_a_url_is_cloned_outside_of_any_repository(
    place: Place, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the folder that keyleak runs in nor git's variables of a hook have a say."""
    hostile = new_repository(place.folder / "hostile")
    git(hostile, "config", "http.proxy", "http://127.0.0.1:9")
    git(hostile, "config", f"url.ext::touch {place.marker} #.insteadOf", "https:")
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("GIT_DIR", os.fspath(hostile / ".git"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", os.fspath(hostile))
    (place.folder / "new").mkdir()
    said: list[str] = []
    mirror(f"{server.url}/o/.git", os.fspath(place.folder / "new" / "m.git"), said.append)
    assert git(place.folder / "new" / "m.git", "rev-list", "--all", "--count").strip() == b"2"
    assert any("100%" in line for line in said)
    assert not place.marker.exists()


def test_what_a_server_says_holds_no_escape_sequence(place: Place, server: GitServer) -> None:
    (place.folder / "new").mkdir()
    with pytest.raises(GitError) as caught:
        mirror(f"{server.url}/\x1b[31m", os.fspath(place.folder / "new" / "m.git"), print)
    assert "\x1b" not in str(caught.value)


def test_the_environment_of_a_transfer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": os.fspath(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": "/x",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.proxy",
        "GIT_CONFIG_VALUE_0": "http://h",
        "GIT_TRACE_CURL": "/tmp/trace",
        "GIT_SSL_CAINFO": "/ca",
        "GIT_SSH_COMMAND": "ssh -i mine",
    }
    made = network_environment(environ, os.fspath(tmp_path / "own"), "https:ssh")
    assert {name for name in made if name.startswith("GIT_")} == {
        "GIT_ALLOW_PROTOCOL",
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_GRAFT_FILE",
        "GIT_NO_LAZY_FETCH",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
        "GIT_TERMINAL_PROMPT",
    }
    assert made["GIT_SSH_COMMAND"] == "ssh -i mine"
    assert made["GIT_CEILING_DIRECTORIES"] == os.fspath(tmp_path)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_clone_ends_git_and_leaves_nothing(tmp_path: Path, sent: signal.Signals) -> None:
    """The server takes the request and never answers it."""
    (tmp_path / "tmp").mkdir()
    listener = socket.create_server(("127.0.0.1", 0))
    environment = {**os.environ, "TMPDIR": os.fspath(tmp_path / "tmp"), "HOME": os.fspath(tmp_path)}
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/r.git"
    command = [sys.executable, "-m", "keyleak", "history", url]
    with (
        subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE) as program,
        listener,
        listener.accept()[0] as connection,
    ):
        assert connection.recv(4)
        program.send_signal(sent)
        assert program.wait(60) == 128 + sent
        # Git and what it started have closed their end.
        while connection.recv(1 << 16):
            pass
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_trouble(place: Place, server: GitServer, closed: str) -> None:
    (place.folder / "new").mkdir()
    code = (
        "from keyleak.git.clone import mirror;"
        f"mirror({f'{server.url}/o/.git'!r}, {os.fspath(place.folder / 'new' / 'm.git')!r}, len)"
    )
    command = f"{shlex.join([sys.executable, '-c', code])} {closed}"
    assert subprocess.run(["/bin/sh", "-c", command], timeout=100, check=False).returncode == 0
    assert git(place.folder / "new" / "m.git", "rev-list", "--all", "--count").strip() == b"2"
