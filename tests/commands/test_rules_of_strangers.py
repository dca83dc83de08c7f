"""A repository's own rule files add keys to look for, and decide nothing else; real TLS, no key leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand
from repositories import new_repository
from rulebook.test_issuer_file import RULE_FILE
from verification.server import Authority, answer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verification.server import Server

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
FLORA = expand("sk_live_${base62:42}", 77)
# What a repository may say of keys of its own.
OWN = RULE_FILE[: RULE_FILE.index("verify:")] + "verify: null\nrunbook: null\nsamples: []\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def attacker(authority: Authority) -> Iterator[Server]:
    with serving(answer(200, {"id": "x"}), authority.context_for("localhost")) as server:
        yield server


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A stranger's repository in the user's own folder, with a FLORA key and a rule folder."""
    folder = tmp_path / "clone"
    folder.mkdir()
    new_repository(folder)
    (folder / "r").mkdir()
    (folder / ".keyleak.yaml").write_text("rules: [r]\n")
    (folder / "a.env").write_text(f"FLORA_API_KEY={FLORA}\n")
    return folder


def keyleak(clone: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # Whatever is not for loopback meets a port on which nobody listens.
    environment = {**plain, "https_proxy": "http://127.0.0.1:9", **environ}
    return subprocess.run(
        [KEYLEAK, *arguments], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


def asking_rule(server: Server, pattern: str = "[A-Za-z0-9]{42}") -> str:
    """A rule file that claims FLORA's keys and has them sent to its author."""
    return (
        RULE_FILE.replace("[acme_live_, acme_test_]", "[sk_live_, sk_test_]")
        .replace("[A-Za-z0-9]{32}", pattern)
        .replace("strength: strong", "strength: decisive")
        .replace("acme_live_${base62:32}", "sk_live_${base62:42}")
        .replace("acme_live_${base62:31}", "sk_live_${base62:9}")
        .replace("https://api.acme.example/v1/me", f"https://localhost:{server.port}/")
        .replace("[ACME_KEY]", "[FLORA_API_KEY]")
    )


def test_a_repositorys_rules_name_no_host_that_keys_go_to(
    clone: Path, attacker: Server, authority: Authority
) -> None:
    (clone / "r" / "acme.yaml").write_text(asking_rule(attacker))
    trusting = {"SSL_CERT_FILE": str(authority.file)}
    for command in (["verify"], ["scan", "--verify"], ["history", "--verify"]):
        refused = keyleak(clone, *command, "--yes", **trusting)
        assert refused.returncode == ExitCode.INCOMPLETE
        assert "r/acme.yaml:24: verify says where keys are sent" in refused.stderr
    assert (attacker.connections, bytes(attacker.received)) == (0, b"")
    # The same file, where the user names it, is the user's word.
    (clone / ".keyleak.yaml").write_text("inline: true\n")
    asked = keyleak(clone, "verify", "--yes", "--rules", "r", "--format", "json", **trusting)
    assert [each["verification"]["verdict"] for each in json.loads(asked.stdout)["findings"]] == ["live"]
    assert len(attacker.requests) == 1


def test_the_same_in_pyproject(clone: Path, attacker: Server, authority: Authority) -> None:
    (clone / ".keyleak.yaml").unlink()
    (clone / "pyproject.toml").write_text('[tool.keyleak]\nrules = ["r"]\n')
    (clone / "r" / "acme.yaml").write_text(asking_rule(attacker))
    refused = keyleak(clone, "verify", "--yes", SSL_CERT_FILE=str(authority.file))
    assert refused.returncode == ExitCode.INCOMPLETE
    assert "r/acme.yaml:24: verify" in refused.stderr
    assert attacker.connections == 0


def test_a_configuration_that_is_named_still_brings_a_repositorys_rules(
    clone: Path, attacker: Server, authority: Authority
) -> None:
    (clone / "r" / "acme.yaml").write_text(asking_rule(attacker))
    refused = keyleak(
        clone, "verify", "--yes", "--config", ".keyleak.yaml", SSL_CERT_FILE=str(authority.file)
    )
    assert refused.returncode == ExitCode.INCOMPLETE
    assert attacker.connections == 0


def test_what_the_user_trusted_once_is_not_kept_for_the_repository(
    clone: Path, attacker: Server, authority: Authority, tmp_path: Path
) -> None:
    (clone / "r" / "acme.yaml").write_text(asking_rule(attacker))
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "SSL_CERT_FILE": str(authority.file)}
    listed = keyleak(clone, "rules", "show", "acme", "--rules", "r", **own)
    assert listed.returncode == ExitCode.CLEAN
    assert list((tmp_path / "cache" / "keyleak").iterdir())
    assert keyleak(clone, "verify", "--yes", **own).returncode == ExitCode.INCOMPLETE
    assert attacker.connections == 0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("veto: []", "veto: [flora]", "veto takes keys from their issuer"),
        ("samples: []", f"samples:\n  - sha256: {'0' * 64}\n    note: x\n    length: 1", "samples hide"),
        ("samples: []", "samples: []\nanonymous: true", "anonymous"),
        ("issuer: acme", "issuer: flora", "has a rule file already"),
        ("id: acme-key", "id: flora-api-key", "is used in rules/flora.yaml already"),
        ("name: Acme", "name: Flora", "is what 'flora' is called"),
        ("issuer: acme", "issuer: flo-ra", "is what 'flora' is called"),
        ("[acme_live_, acme_test_]", "[sk_live_]", "are the first characters of keys of"),
        ("[acme_live_, acme_test_]", "[sk_live_a]", "are the first characters of keys of"),
        ("[acme_live_, acme_test_]", "[sk_l]", "are the first characters of keys of"),
        ("names: [ACME_KEY]", "names: [flora-api-key]", "a word of 'flora'"),
        ("names: [ACME_KEY]", "names: [API_KEY]", "would be found in"),
        ("[api.acme.example]", "[app.flora.ai]", "a word of 'flora'"),
        ("weak: [acme]", "weak: [flora]", "a word of 'flora'"),
    ],
)  # fmt: skip
def test_a_repositorys_rules_may_not_touch_the_keys_of_others(
    clone: Path, old: str, new: str, reason: str
) -> None:
    text = OWN.replace(old, new)
    (clone / "r" / "acme.yaml").write_text(text)
    refused = keyleak(clone, "scan")
    assert refused.returncode == ExitCode.INCOMPLETE
    assert refused.stdout == ""
    assert "r/acme.yaml" in refused.stderr
    assert reason in refused.stderr
    if "has a rule file" not in reason:
        line = text[: text.index(new)].count("\n") + 1
        # A list begins on the line below its key, and what is added here may stand below what is there.
        assert any(f"r/acme.yaml:{line + more}: " in refused.stderr for more in (0, 1))
    checked = keyleak(clone, "config", "check")
    assert checked.returncode == ExitCode.INCOMPLETE
    assert reason in checked.stderr


def test_a_repositorys_rules_find_keys_of_its_own_and_leave_floras_as_they_are(clone: Path) -> None:
    plain = json.loads(keyleak(clone, "scan", "--no-config", "--format", "json").stdout)["findings"]
    own = OWN + "namesakes: false\n"
    own = own.replace("live: critical", "live: note").replace("unknown: high", "unknown: note")
    (clone / "r" / "acme.yaml").write_text(own)
    (clone / "b.env").write_text(f"ACME_KEY={expand('acme_live_${base62:32}', 3)}\n")
    # A name of its own before a key of FLORA's form: the family's rule and severity stay.
    (clone / "c.env").write_text(f"ACME_KEY={expand('sk_live_${base62:42}', 5)}\n")
    found = json.loads(keyleak(clone, "scan", "--format", "json").stdout)["findings"]
    by_file = {each["locations"][0]["path"]: each for each in found}
    assert by_file["a.env"] == plain[0]
    assert (by_file["b.env"]["rule"], by_file["b.env"]["issuer"]) == ("acme-key", "acme")
    assert by_file["c.env"]["severity"] != "note"
    assert by_file["c.env"]["issuer"] is None
    verified = keyleak(clone, "verify", "--yes", "--issuer", "acme", "--format", "json")
    (checked,) = json.loads(verified.stdout)["findings"]
    assert "names no host for keys" in checked["verification"]["detail"]


def test_a_repositorys_prefix_does_not_take_a_value_that_is_given_to_flora(clone: Path) -> None:
    value = "fk" + expand("${base62:40}", 9)
    (clone / "a.env").write_text(f"FLORA_API_KEY={value}\n")
    hostile = OWN.replace("[acme_live_, acme_test_]", "[fk]").replace("[A-Za-z0-9]{32}", "[A-Za-z0-9]{16,60}")
    hostile = hostile.replace("acme_live_${base62:32}", "fk${base62:32}").replace(
        "live: critical", "live: note"
    )
    (clone / "r" / "acme.yaml").write_text(hostile.replace("unknown: high", "unknown: note"))
    (found,) = json.loads(keyleak(clone, "scan", "--format", "json").stdout)["findings"]
    assert (found["rule"], found["issuer"], found["severity"]) == ("flora-assigned-key", "flora", "high")


def test_a_commit_is_read_with_the_repositorys_rules_though_words_of_others_are_kept(clone: Path) -> None:
    (clone / ".keyleak.yaml").unlink()
    (clone / "b.txt").write_text("nothing\n")
    subprocess.run(["git", "add", "b.txt"], cwd=clone, check=True)
    for _ in range(2):
        assert keyleak(clone, "hook", "run", "pre-commit").returncode == ExitCode.CLEAN
    (clone / ".keyleak.yaml").write_text("rules: [r]\n")
    (clone / "r" / "acme.yaml").write_text(OWN)
    (clone / "b.txt").write_text(f"key {expand('acme_live_${base62:32}', 3)}\n")
    subprocess.run(["git", "add", "b.txt"], cwd=clone, check=True)
    assert keyleak(clone, "hook", "run", "pre-commit").returncode == ExitCode.FINDINGS


def test_a_repositorys_rule_folder_lies_inside_it(clone: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "acme.yaml").write_text(OWN)
    for path in ("../outside", str(outside), "link"):
        if path == "link":
            (clone / "link").symlink_to(outside)
        (clone / ".keyleak.yaml").write_text(f"rules: [{path}]\n")
        refused = keyleak(clone, "scan")
        assert refused.returncode == ExitCode.INCOMPLETE
        assert "leads out of" in refused.stderr
    (clone / ".keyleak.yaml").write_text("rules: [r]\n")
    (clone / "r" / "acme.yaml").symlink_to(outside / "acme.yaml")
    assert "leads out of" in keyleak(clone, "scan").stderr


def test_rules_in_the_users_own_configuration_are_the_users(
    clone: Path, attacker: Server, authority: Authority, tmp_path: Path
) -> None:
    (clone / ".keyleak.yaml").unlink()
    own = tmp_path / "home" / "keyleak" / "rules"
    own.mkdir(parents=True, mode=0o700)
    (own / "acme.yaml").write_text(asking_rule(attacker))
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "home"), "SSL_CERT_FILE": str(authority.file)}
    for folder in (own, own.parent):
        folder.chmod(0o755)
    (own / "acme.yaml").chmod(0o644)
    asked = keyleak(clone, "verify", "--yes", "--format", "json", **environ)
    assert [each["verification"]["verdict"] for each in json.loads(asked.stdout)["findings"]] == ["live"]
    for what, mode in ((own / "acme.yaml", 0o666), (own, 0o777), (own.parent, 0o777)):
        before = what.stat().st_mode & 0o777
        what.chmod(mode)
        refused = keyleak(clone, "verify", "--yes", **environ)
        assert refused.returncode == ExitCode.INCOMPLETE
        assert "others may write to it" in refused.stderr
        what.chmod(before)
    assert len(attacker.requests) == 1


def test_fix_prints_no_command_that_would_trust_the_repositorys_rules(clone: Path, tmp_path: Path) -> None:
    (clone / "r" / "acme.yaml").write_text(OWN)
    subprocess.run(["git", "add", "."], cwd=clone, check=True)
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *identity, "commit", "-qm", "x"], cwd=clone, check=True)
    printed = keyleak(clone, "fix", "--output", str(tmp_path / "out")).stdout
    assert "filter-repo" in printed
    assert "--rules" not in printed
