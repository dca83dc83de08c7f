"""Projects in git: manifests that were staged or committed with a key, whatever the work tree says now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyleak.findings import AttributionVerdict
from keyleak.git.index import list_staged
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.index import read_index
from keyleak.sources.inspector import Inspector
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from keyleak.findings import Sighting

INSPECTOR = Inspector(load_rulebook())
KEY = expand("k = 'sk_live_${hex:40}'\n", 3).encode()


def npm(*packages: str) -> bytes:
    return json.dumps({"dependencies": dict.fromkeys(packages, "1")}).encode()


def history(repository: Path) -> Sighting:
    (sighting,) = read_history(HistoryRequest(str(repository)), INSPECTOR).sightings
    return sighting


def candidates(sighting: Sighting) -> list[str]:
    return [each.issuer for each in sighting.attribution.candidates]


def test_history_goes_by_the_manifests_of_the_commit_that_brought_the_key(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "shop")
    commit(repository, {"a/package.json": npm("react"), "package.json": npm("@clerk/backend")})
    commit(repository, {"app/src/k.js": KEY, "app/package.json": npm("paystack-node"), "app/go.sum": b"x"})
    commit(repository, {"app/package.json": npm("stripe"), "app/src/k.js": b""})
    found = history(repository)
    assert found.attribution.issuer == "paystack"
    assert found.attribution.by_project
    assert "package.json depends on 'paystack-node' (Paystack)" in found.attribution.evidence


def test_history_of_several_processes_and_of_a_bare_repository_says_the_same(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "shop")
    commit(repository, {"src/k.js": KEY, "package.json": npm("paystack-node")})
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(tmp_path / "clerk.git"))
    (found,) = read_history(HistoryRequest(str(tmp_path / "clerk.git"), jobs=2), INSPECTOR).sightings
    # The bare clone's origin names the repository: `shop`.
    assert found.attribution.issuer == "paystack"


def test_a_manifest_in_history_that_is_a_link_or_broken_decides_nothing(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "shop")
    (repository / "package.json").symlink_to("elsewhere.json")
    commit(
        repository, {"elsewhere.json": npm("paystack-node"), "k.js": KEY, "requirements.txt": b"paystackapi"}
    )
    found = history(repository)
    assert (found.attribution.verdict, candidates(found)) == (AttributionVerdict.AMBIGUOUS, ["paystack"])


def test_what_is_staged_goes_by_the_manifests_that_are_staged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "shop")
    commit(repository, {"package.json": npm("paystack-node"), "b/package.json": npm("@clerk/backend")})
    (repository / "src").mkdir()
    (repository / "src" / "k.js").write_bytes(KEY)
    git(repository, "add", ".")
    (repository / "package.json").write_bytes(npm("stripe"))
    monkeypatch.chdir(repository)
    listed = list_staged((), {})
    (found,) = read_index(listed.repository, listed.staged, INSPECTOR).sightings
    assert found.attribution.issuer == "paystack"


def test_a_file_that_is_staged_in_two_projects_is_in_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "shop")
    for name, package in (("a", "paystack-node"), ("b", "@clerk/backend")):
        (repository / name).mkdir()
        (repository / name / "k.js").write_bytes(KEY)
        (repository / name / "package.json").write_bytes(npm(package))
    git(repository, "add", ".")
    monkeypatch.chdir(repository)
    listed = list_staged((), {})
    sightings = read_index(listed.repository, listed.staged, INSPECTOR).sightings
    assert [each.attribution.issuer for each in sightings] == [None, None]
