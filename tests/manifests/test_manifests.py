"""What each kind of manifest says that a project depends on, and that a broken one only says so."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.manifests.project import Dependencies
from keyleak.manifests.reading import LARGEST, ManifestError, is_manifest, read_manifest
from work import growth

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
NAMES = [
    "package.json", "composer.json", "pyproject.toml", "Pipfile", "Cargo.toml", "setup.cfg", "setup.py",
    "go.mod", "Gemfile", "mix.exs", "pubspec.yaml", "build.gradle", "build.gradle.kts", "pom.xml",
    "packages.config", "requirements.txt", "requirements-dev.txt", "requirements.in",
    "shop.gemspec", "Shop.csproj",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_a_manifest_depends_on(case: dict[str, Any]) -> None:
    depends_on = read_manifest(case["name"], case["text"].encode()).depends_on
    assert depends_on == Dependencies(frozenset(case["needs"]), frozenset(case["others"]))


@pytest.mark.parametrize(
    "name",
    [
        "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "Pipfile.lock", "Gemfile.lock",
        "go.sum", "composer.lock", "Cargo.lock", "requirements", "my-package.json", "README.md",
        "package.json.bak", "",
    ],
)  # fmt: skip
def test_lock_files_and_others_say_nothing(name: str) -> None:
    assert not is_manifest(name)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=25)
@given(
    content=st.binary(max_size=300) | st.text(alphabet="{}[]()\"':,=<>\n a@/.-", max_size=200).map(str.encode)
)
def test_whatever_a_manifest_holds_it_is_read_or_refused(name: str, content: bytes) -> None:
    assert is_manifest(name)
    with contextlib.suppress(ManifestError):
        read_manifest(name, content)


UNITS = [
    "[",
    "{",
    "<dependency>",
    "<!--",
    "<PackageReference ",
    "a.",
    "{:a,",
    "require (",
    '"',
    "a @ ",
    "gem '",
    "  a:\n",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_made_to_be_slow_is_read_with_work_in_proportion_to_its_length(name: str) -> None:
    def read(size: int) -> None:
        for unit in UNITS:
            with contextlib.suppress(ManifestError):
                read_manifest(name, (unit * (size // len(unit))).encode())

    assert growth(read, LARGEST // 64) < 2.6


def test_a_manifest_that_is_too_large_is_refused() -> None:
    with pytest.raises(ManifestError, match="too large"):
        read_manifest("package.json", b" " * (LARGEST + 1))


def test_only_the_ending_of_a_project_file_is_shown() -> None:
    assert read_manifest("A\nB.csproj", b"").name == "*.csproj"
