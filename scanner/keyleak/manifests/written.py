"""Manifests that are programs or lines of text: read by their usual form, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.manifests.project import Dependencies
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REQUIREMENT: Final = on_use(r"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,80})\s*(?=[\[=<>!~;,@(#\s]|\Z)([^#]*)")
_LOCAL_REFERENCE: Final = on_use(r"@\s*(?:file:|\.)")
_INSTALL_REQUIRES: Final = on_use(r"\binstall_requires\s{0,4}=\s{0,4}\[")
_STRING_OR_END: Final = on_use(r"\"([^\"\n]{0,200})\"|'([^'\n]{0,200})'|\]")
_GO_DIRECTIVE: Final = on_use(r"\s*([a-z]+)\s*\(")
_GO_REQUIRE: Final = on_use(r"\s*(?:require\s+)?([A-Za-z0-9][\w.~-]*(?:/[\w.~-]+)+)\s+v[0-9]")
_GEM: Final = on_use(r"\s*(?:\w+\.)?(gem|add(?:_[a-z]+)?_dependency)[\s(]{1,4}[\"']([\w./-]{1,80})[\"'](.*)")
_GEM_GROUP: Final = on_use(r"\s*group\b(.*)\bdo\b")
_GEM_BLOCK: Final = on_use(r"\s*(?:[a-z_]+\b[^#]*\bdo\b|if\b|unless\b)")
_GEM_LOCAL: Final = on_use(r"\bpath(?::|\s*=>)")
_GEM_GROUPS: Final = on_use(r"\bgroups?(?::|\s*=>)(.*)")
_MAIN_GROUP: Final = on_use(r":(?:production|default)\b")
_MIX: Final = on_use(r"\{\s{0,8}:([a-z0-9_]{1,80})\s{0,8},([^{}]{0,400})")
_MIX_OTHER: Final = on_use(r"\bonly:(?![^\]]{0,80}:prod\b)|\boptional:\s*true|\bruntime:\s*false")
_MIX_LOCAL: Final = on_use(r"\b(?:path|in_umbrella):")
_GRADLE: Final = on_use(
    r"\s*([a-zA-Z]{2,40})[\s(]{1,4}(?:(?:platform|enforcedPlatform)\s?\(\s?)?(?:"
    r"[\"']([\w.-]{1,80}):([\w.-]{1,80})"
    r"|group\s?[:=]\s?[\"']([\w.-]{1,80})[\"']\s?,\s?name\s?[:=]\s?[\"']([\w.-]{1,80}))"
)
_GRADLE_MAIN: Final = frozenset({"implementation", "api", "compile", "runtimeOnly", "compileOnly", "runtime"})
_YAML_KEY: Final = on_use(r"( *)([A-Za-z0-9_]{1,80}):(.*)")
_COMMENTS: Final = ("#", "//", "--", "*")


def requirement(text: str) -> str | None:
    """The package that a requirement of Python's kind names; None where it names a file or an address."""
    found = _REQUIREMENT.match(text)
    return None if found is None or _LOCAL_REFERENCE.search(found[2]) else found[1]


def requirements(text: str) -> Dependencies:
    """Python: `requirements.txt`."""
    return Dependencies(frozenset(filter(None, map(requirement, text.splitlines()))))


def setup_cfg(text: str) -> Dependencies:
    """Python: `setup.cfg`.

    Raises:
        ValueError: it is not written like one.
    """
    import configparser  # noqa: PLC0415 - only beside a key in a project that has such a manifest

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(type(error))) from error
    own = parser.get("options", "install_requires", fallback="")
    extras = parser.items("options.extras_require") if parser.has_section("options.extras_require") else ()
    return Dependencies(
        requirements(own).packages,
        frozenset(name for _, lines in extras for name in requirements(lines).packages),
    )


def setup_py(text: str) -> Dependencies:
    """Python: `setup.py`, where its list stands in it."""
    found = _INSTALL_REQUIRES.search(text)
    return Dependencies(frozenset(_strings(text, found.end())) if found else frozenset())


def _strings(text: str, start: int) -> Iterator[str]:
    """The requirements in the list that is open at `start`."""
    for token in _STRING_OR_END.finditer(text, start):
        if token[0] == "]":
            return
        name = requirement(token[1] or token[2] or "")
        if name:
            yield name


def go_mod(text: str) -> Dependencies:
    """Go: `go.mod`, without what only others need."""
    directive, packages = "require", set()
    for line in text.splitlines():
        code, _, comment = line.partition("//")
        if opened := _GO_DIRECTIVE.match(code):
            directive = opened[1]
        elif code.strip() == ")":
            directive = "require"
        elif directive == "require" and "indirect" not in comment and (found := _GO_REQUIRE.match(code)):
            packages.add(found[1])
    return Dependencies(frozenset(packages))


def gemfile(text: str) -> Dependencies:
    """Ruby: a `Gemfile` or a gem's specification."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    blocks: list[bool] = []
    for line in _code(text):
        gem = _GEM.match(line)
        if gem is None:
            group = _GEM_GROUP.match(line)
            if group or _GEM_BLOCK.match(line):
                blocks.append(group is not None and not _MAIN_GROUP.search(group[1]))
            elif line.strip() == "end" and blocks:
                blocks.pop()
        elif not _GEM_LOCAL.search(gem[3]):
            groups = _GEM_GROUPS.search(gem[3])
            is_other = any(blocks) or "development" in gem[1]
            is_other = is_other or (groups is not None and not _MAIN_GROUP.search(groups[1]))
            found[is_other].add(gem[2])
    return Dependencies(frozenset(found[False]), frozenset(found[True]))


def mix(text: str) -> Dependencies:
    """Elixir: `mix.exs`."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for dependency in _MIX.finditer("\n".join(_code(text))):
        if not _MIX_LOCAL.search(dependency[2]):
            found[_MIX_OTHER.search(dependency[2]) is not None].add(dependency[1])
    return Dependencies(frozenset(found[False]), frozenset(found[True]))


def gradle(text: str) -> Dependencies:
    """Java and Kotlin: `build.gradle`, by group and name; a version catalogue's names are not known."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for line in _code(text):
        if dependency := _GRADLE.match(line):
            name = f"{dependency[2] or dependency[4]}:{dependency[3] or dependency[5]}"
            found[dependency[1] not in _GRADLE_MAIN].add(name)
    return Dependencies(frozenset(found[False]), frozenset(found[True]))


def pubspec(text: str) -> Dependencies:
    """Dart: `pubspec.yaml`."""
    found: dict[str, set[str]] = {"dependencies": set(), "dev_dependencies": set()}
    section = last = ""
    depth = 0
    for line in _code(text):
        key = _YAML_KEY.match(line)
        if key is None:
            continue
        indent = len(key[1])
        if indent == 0:
            section, depth = key[2], 0
        elif section in found and indent <= (depth or indent):
            depth, last = indent, key[2]
            found[section].add(last)
        elif section in found and key[2] == "path":
            found[section].discard(last)
    return Dependencies(frozenset(found["dependencies"]), frozenset(found["dev_dependencies"]))


def _code(text: str) -> Iterable[str]:
    """The lines that are no comments."""
    return (line for line in text.splitlines() if not line.lstrip().startswith(_COMMENTS))
