"""Evidence for issuers in a project: what its manifests depend on, and what its repository is called."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Kind, Reach
from keyleak.attribution.gathering import evidence_of, shown
from keyleak.on_use import on_use
from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyleak.attribution.evidence import Evidence
    from keyleak.attribution.signals import Signals
    from keyleak.manifests.project import Manifest, Project

# What registries allow; anything else is no package, whatever a manifest says.
_PACKAGE: Final = on_use(r"@?[a-z0-9][a-z0-9@/._:~+-]{0,99}")
_VERSION: Final = on_use(r"(?:/v[0-9]+|\.v[0-9]+)\Z")
_PARTS: Final = on_use(r"[/:]")
_ALIKE: Final = str.maketrans("_.", "--")


@dataclass(frozen=True, slots=True)
class ProjectEvidence:
    """What a project says of issuers. Made once for each content."""

    evidence: tuple[Evidence, ...] = ()
    unread: tuple[str, ...] = ()
    """Manifests that could not be read, with the reason: they may name anybody."""


class PackageOwners:
    """Knows whose packages are whose. Holds compiled words only."""

    def __init__(self, signals: Iterable[Signals]) -> None:
        self._signals = tuple(signals)
        owners: dict[str, list[Signals]] = defaultdict(list)
        for issuer in self._signals:
            for word in issuer.packages:
                owners[word].append(issuer)
                # Registries take `_` and `.` for `-`; where others are called alike, each character counts.
                if issuer.brands_names and word.translate(_ALIKE) not in issuer.packages:
                    owners[word.translate(_ALIKE)].append(issuer)
        self._owners: Mapping[str, list[Signals]] = owners

    def evidence(self, project: Project) -> ProjectEvidence:
        """What a project says of issuers."""
        found = [each for manifest in project.manifests for each in self._in_manifest(manifest)]
        return ProjectEvidence((*found, *self._in_name(project.name)), project.unread)

    def _in_manifest(self, manifest: Manifest) -> Iterator[Evidence]:
        depends_on = manifest.depends_on
        needed: set[str] = set()
        for issuer, package in self._of(depends_on.packages):
            needed.add(issuer.issuer)
            what = f"{manifest.name} depends on {package!r}"
            yield evidence_of(issuer, (Reach.MANIFEST, 0), Kind.PACKAGE, what)
        for issuer, package in self._of(depends_on.others):
            if issuer.issuer not in needed:
                what = f"{manifest.name} depends on {package!r} for development or optionally"
                yield evidence_of(issuer, (Reach.MANIFEST, 0), Kind.WORD, what)

    def _of(self, packages: Iterable[str]) -> Iterator[tuple[Signals, str]]:
        """Each issuer that packages are of, once, with the first of its packages."""
        seen: set[str] = set()
        for package in sorted(each.lower() for each in packages):
            for issuer in self._owners_of(package):
                if issuer.issuer not in seen:
                    seen.add(issuer.issuer)
                    yield issuer, package

    def _owners_of(self, package: str) -> Iterator[Signals]:
        if not _PACKAGE.fullmatch(package):
            return
        for form, is_whole in _forms(package):
            for issuer in self._owners.get(form, ()):
                if is_whole or issuer.brands_names:
                    yield issuer

    def _in_name(self, name: str) -> Iterator[Evidence]:
        words = set(re.findall(r"[a-z0-9]+", name))
        for issuer in self._signals:
            if issuer.brand.decode() in words:
                what = f"the repository's name holds {shown(issuer.brand)}"
                yield evidence_of(issuer, (Reach.REPOSITORY, 0), Kind.WORD, what)


def _forms(package: str) -> Iterator[tuple[str, bool]]:
    """What a package is called, each with whether that is the whole of it: a fork keeps the last part."""
    if package.startswith("@"):
        yield package, True
        yield package.partition("/")[0] + "/", True
        return
    plain = _VERSION.sub("", package)
    parts = _PARTS.split(plain)
    yield plain, True
    yield "/".join(parts[-2:]), True
    yield parts[-1], False
    yield parts[-1].translate(_ALIKE), False
