"""Manifests in JSON and TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyleak.bounded_toml import read_toml
from keyleak.manifests.project import Dependencies
from keyleak.manifests.written import requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A package from the project's own folders is what its author wrote, whatever it is called.
_LOCAL: Final = ("file:", "link:", "workspace:", "portal:", ".", "/", "~")


def _json(text: str) -> Any:
    import json  # noqa: PLC0415 - only beside a key in a project that has such a manifest

    return json.loads(text)


def package_json(text: str) -> Dependencies:
    """npm: `package.json`.

    Raises:
        ValueError: it is no JSON.
    """
    top = _table(_json(text))
    others = ("devDependencies", "peerDependencies", "optionalDependencies")
    return Dependencies(
        frozenset(_npm(top.get("dependencies"))),
        frozenset(name for section in others for name in _npm(top.get(section))),
    )


def composer_json(text: str) -> Dependencies:
    """PHP: `composer.json`.

    Raises:
        ValueError: it is no JSON.
    """
    top = _table(_json(text))
    return Dependencies(frozenset(_table(top.get("require"))), frozenset(_table(top.get("require-dev"))))


def pyproject(text: str) -> Dependencies:
    """Python: `pyproject.toml`, also as Poetry, PDM and uv write it.

    Raises:
        ValueError: it is no TOML.
    """
    top = read_toml(text)
    project, tool = _table(top.get("project")), _table(top.get("tool"))
    poetry = _table(tool.get("poetry"))
    groups = [_table(group).get("dependencies") for group in _table(poetry.get("group")).values()]
    lists = [
        *_table(project.get("optional-dependencies")).values(),
        *_table(top.get("dependency-groups")).values(),
        *_table(_table(tool.get("pdm")).get("dev-dependencies")).values(),
        _table(tool.get("uv")).get("dev-dependencies"),
    ]
    return Dependencies(
        frozenset((*_requirements(project.get("dependencies")), *_named(poetry.get("dependencies")))),
        frozenset(
            (
                *(name for each in lists for name in _requirements(each)),
                *(name for each in (*groups, poetry.get("dev-dependencies")) for name in _named(each)),
            )
        ),
    )


def pipfile(text: str) -> Dependencies:
    """Python: `Pipfile`.

    Raises:
        ValueError: it is no TOML.
    """
    top = read_toml(text)
    return Dependencies(frozenset(_named(top.get("packages"))), frozenset(_named(top.get("dev-packages"))))


def cargo(text: str) -> Dependencies:
    """Rust: `Cargo.toml`.

    Raises:
        ValueError: it is no TOML.
    """
    top = read_toml(text)
    tables = [top, *map(_table, _table(top.get("target")).values())]
    others = ("dev-dependencies", "build-dependencies")
    return Dependencies(
        frozenset(name for table in tables for name in _named(table.get("dependencies"))),
        frozenset(name for table in tables for each in others for name in _named(table.get(each))),
    )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _npm(section: object) -> Iterator[str]:
    for name, version in _table(section).items():
        if not isinstance(version, str) or version.startswith(_LOCAL):
            continue
        if version.startswith("npm:"):
            # An alias: what is installed under this name is another package.
            alias = version.removeprefix("npm:")
            name = alias[:1] + alias[1:].partition("@")[0]  # noqa: PLW2901
        yield name


def _requirements(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else ():
        name = requirement(each) if isinstance(each, str) else None
        if name:
            yield name


def _named(section: object) -> Iterable[str]:
    """Names in a table whose values are versions or tables; those of folders left out."""
    for name, value in _table(section).items():
        facts = _table(value)
        if "path" in facts or "file" in facts:
            continue
        package = facts.get("package")
        yield package if isinstance(package, str) else name
