"""Which files are manifests, and what each says. Lock files are none: they name what others depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.manifests import markup, structured, written
from keyleak.manifests.project import Dependencies, Manifest
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Far more than anybody writes; what a machine wrote is no word of the project's own.
LARGEST: Final = 1 << 20
_REQUIREMENTS: Final = on_use(r"requirements(?:[._-][\w.-]{1,60})?\.(?:txt|in)")
_FOR_DEVELOPMENT: Final = on_use(r"dev|test|doc|lint|\bci\b|example")
_BY_NAME: Final[Mapping[str, Callable[[str], Dependencies]]] = {
    "package.json": structured.package_json,
    "composer.json": structured.composer_json,
    "pyproject.toml": structured.pyproject,
    "pipfile": structured.pipfile,
    "cargo.toml": structured.cargo,
    "setup.cfg": written.setup_cfg,
    "setup.py": written.setup_py,
    "go.mod": written.go_mod,
    "gemfile": written.gemfile,
    "mix.exs": written.mix,
    "pubspec.yaml": written.pubspec,
    "build.gradle": written.gradle,
    "build.gradle.kts": written.gradle,
    "pom.xml": markup.pom,
    "packages.config": markup.nuget,
}
_BY_ENDING: Final[Mapping[str, Callable[[str], Dependencies]]] = {
    ".gemspec": written.gemfile,
    ".csproj": markup.nuget,
    ".fsproj": markup.nuget,
    ".vbproj": markup.nuget,
}


class ManifestError(Exception):
    """A manifest cannot be read; its text is the reason."""


def is_manifest(name: str) -> bool:
    """Whether a file of this name says what its project depends on."""
    return _reader_of(name.lower()) is not None


def read_manifest(name: str, content: bytes) -> Manifest:
    """What a manifest says.

    Args:
        name: what the file is called, without its folder.
        content: all of it.

    Raises:
        ManifestError: it is not written as manifests of this name are.
    """
    if len(content) > LARGEST:
        raise ManifestError("is too large for a manifest")
    reader = _reader_of(name.lower())
    if reader is None:
        raise ManifestError("is no manifest")
    try:
        return Manifest(shown_name(name), reader(content.decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        raise ManifestError("is broken") from error


def shown_name(name: str) -> str:
    """What a manifest is called in evidence: where only the ending tells, the rest could be anything."""
    ending = _ending(name.lower())
    return f"*{ending}" if ending in _BY_ENDING else name


def _ending(lower: str) -> str:
    return lower[lower.rfind(".") :]


def _reader_of(lower: str) -> Callable[[str], Dependencies] | None:
    if _REQUIREMENTS.fullmatch(lower):
        return written.requirements if not _FOR_DEVELOPMENT.search(lower) else _only_for_development
    return _BY_NAME.get(lower) or _BY_ENDING.get(_ending(lower))


def _only_for_development(text: str) -> Dependencies:
    return Dependencies(others=written.requirements(text).packages)
