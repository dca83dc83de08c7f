"""Manifests in XML, read by their usual form: no entity is ever expanded and nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.manifests.project import Dependencies
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUP: Final = on_use(r"<groupId>\s{0,20}([\w.${}-]{1,120})\s{0,20}</groupId>")
_ARTIFACT: Final = on_use(r"<artifactId>\s{0,20}([\w.${}-]{1,120})\s{0,20}</artifactId>")
_OTHER_SCOPE: Final = on_use(r"<scope>\s{0,20}test\s{0,20}</scope>|<optional>\s{0,20}true\s{0,20}</optional>")
_NUGET: Final = on_use(
    r"<(?:PackageReference\s[^<>]{0,300}?Include|package\s[^<>]{0,300}?id)\s?=\s?[\"']([\w.-]{1,120})[\"']"
)


def pom(text: str) -> Dependencies:
    """Java: `pom.xml`; what is only managed is not depended on."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    body = _without(_without(text, "<!--", "-->"), "<dependencyManagement>", "</dependencyManagement>")
    for dependency in _inside(body, "<dependency>", "</dependency>"):
        group, artifact = _GROUP.search(dependency), _ARTIFACT.search(dependency)
        if group and artifact:
            found[_OTHER_SCOPE.search(dependency) is not None].add(f"{group[1]}:{artifact[1]}")
    return Dependencies(frozenset(found[False]), frozenset(found[True]))


def nuget(text: str) -> Dependencies:
    """.NET: a project file or `packages.config`."""
    return Dependencies(frozenset(_NUGET.findall(_without(text, "<!--", "-->"))))


def _inside(text: str, start: str, end: str) -> Iterator[str]:
    # Parts and not a pattern: each character is looked at once, however many are never closed.
    return (part.partition(end)[0] for part in text.split(start)[1:])


def _without(text: str, start: str, end: str) -> str:
    first, *rest = text.split(start)
    return first + "".join(part.partition(end)[2] for part in rest)
