"""One rule file: its strict schema, from YAML to an `Issuer`."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.errors import RuleError
from keyleak.findings import Environment, Severity, Strength
from keyleak.rulebook.model import (
    Context,
    EnvironmentRule,
    FoundBy,
    Issuer,
    KeyRule,
    Runbook,
    Sample,
)
from keyleak.rulebook.pattern import PatternError, check_pattern
from keyleak.rulebook.provenance import Provenance
from keyleak.rulebook.verify_block import read_verify
from keyleak.strict_yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyleak.strict_yaml import YamlValue

_T = TypeVar("_T")
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{2,24}\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")

_ISSUER_REQUIRED: Final = (
    "issuer",
    "name",
    "homepage",
    "docs",
    "keys",
    "context",
    "verify",
    "runbook",
    "samples",
)
_KEY_REQUIRED: Final = (
    "id", "description", "found_by", "prefixes", "pattern", "environment", "strength", "min_entropy",
    "severity", "examples", "counter_examples",
)  # fmt: skip
_LENGTHS: Final = range(1, 513)
_STRONG: Final = ("names", "headers", "hosts", "packages", "calls", "ids")


def read_issuer(text: str, file: str, provenance: Provenance = Provenance.USER) -> Issuer:
    """The issuer that a rule file describes.

    Args:
        text: content of the file.
        file: its name, for messages.
        provenance: who chose it; one that came with a repository may say less.

    Raises:
        RuleError: with file, line and reason.
    """
    fields = read_yaml(text, file, RuleError).mapping(
        _ISSUER_REQUIRED, ("anonymous", "namesakes", "common_word")
    )
    if not provenance.is_trusted:
        _refuse_overreach(fields)
    issuer = _identifier(fields["issuer"])
    keys = tuple(_key(item, issuer, provenance) for item in fields["keys"].items())
    return Issuer(
        issuer=issuer,
        name=fields["name"].text(),
        homepage=fields["homepage"].text(),
        docs=fields["docs"].text(),
        keys=keys,
        context=_context(fields["context"]),
        verify=_unless_null(fields["verify"], lambda block: read_verify(block, {key.id for key in keys})),
        runbook=_unless_null(fields["runbook"], _runbook),
        samples=tuple(_sample(item) for item in fields["samples"].items()),
        anonymous=_flag(fields, "anonymous"),
        namesakes=_flag(fields, "namesakes"),
        common_word=_flag(fields, "common_word"),
        provenance=provenance,
    )


def _refuse_overreach(fields: Mapping[str, YamlValue]) -> None:
    """Refuse what a file that came with a repository may not say, whatever it is about."""
    why = (
        "this rule file came with a repository, which may add keys to look for and nothing else; "
        "name its folder with --rules, or copy it to your own rules, if you trust it"
    )
    if not fields["verify"].is_null():
        fields["verify"].fail(f"verify says where keys are sent: {why}")
    if fields["samples"].items():
        fields["samples"].fail(f"samples hide keys: {why}")
    veto = fields["context"].mapping(("strong", "weak", "veto"))["veto"]
    if veto.items():
        veto.fail(f"veto takes keys from their issuer: {why}")
    if _flag(fields, "anonymous"):
        fields["anonymous"].fail(f"anonymous keys are the built-in family's: {why}")


def _flag(fields: Mapping[str, YamlValue], name: str) -> bool:
    return name in fields and fields[name].boolean()


def _unless_null(value: YamlValue, read: Callable[[YamlValue], _T]) -> _T | None:
    return None if value.is_null() else read(value)


def _identifier(value: YamlValue) -> str:
    text = value.text()
    if not _ID.match(text):
        value.fail(f"{text!r} is no id: lower-case words joined by '-'")
    return text


def _key(value: YamlValue, issuer: str, provenance: Provenance) -> KeyRule:
    fields = value.mapping(_KEY_REQUIRED, ("decodes_to", "names"))
    found_by = fields["found_by"].choice(FoundBy)
    return KeyRule(
        id=_identifier(fields["id"]),
        issuer=issuer,
        description=fields["description"].text(),
        found_by=found_by,
        prefixes=_prefixes(fields["prefixes"], found_by),
        pattern=_pattern(fields["pattern"]),
        environment=fields["environment"].choice(EnvironmentRule),
        strength=fields["strength"].choice(Strength),
        min_entropy=_entropy(fields["min_entropy"]),
        severity=_severity(fields["severity"]),
        examples=_examples(fields["examples"]),
        counter_examples=fields["counter_examples"].texts(),
        decodes_to=_pattern(fields["decodes_to"]) if "decodes_to" in fields else None,
        names=_names(fields["names"], found_by) if "names" in fields else (),
        file=value.file,
        line=value.line,
        provenance=provenance,
    )


def _prefixes(value: YamlValue, found_by: FoundBy) -> tuple[str, ...]:
    prefixes = value.texts()
    for item, prefix in zip(value.items(), prefixes, strict=True):
        if not _PREFIX.match(prefix):
            item.fail(f"{prefix!r} is no prefix word: 2 to 24 letters, digits, '_' or '-'")
    if bool(prefixes) == (found_by is FoundBy.ASSIGNMENT):
        value.fail("a key found by assignment has no prefixes, every other kind has at least one")
    return prefixes


def _names(value: YamlValue, found_by: FoundBy) -> tuple[str, ...]:
    names = value.texts()
    if found_by is FoundBy.PREFIX or not names:
        value.fail("`names` are those to which a key found by assignment or context is given")
    return names


def _pattern(value: YamlValue) -> str:
    pattern = value.text()
    try:
        check_pattern(pattern)
    except PatternError as error:
        value.fail(f"pattern {pattern!r}: {error}")
    return pattern


def _entropy(value: YamlValue) -> float:
    number = value.number()
    if not 0 <= number <= 6:
        value.fail("entropy is between 0 and 6 bits per character")
    return number


def _severity(value: YamlValue) -> Mapping[Environment, Severity]:
    names = [environment.value for environment in Environment]
    fields = value.mapping(names)
    return MappingProxyType({Environment(name): fields[name].choice(Severity) for name in names})


def _examples(value: YamlValue) -> tuple[str, ...]:
    examples = value.texts()
    if not examples:
        value.fail("at least one example is needed")
    return examples


def _context(value: YamlValue) -> Context:
    fields = value.mapping(("strong", "weak", "veto"))
    strong = fields["strong"].mapping((), _STRONG)
    return Context(
        **{name: strong[name].texts() for name in strong},
        weak=fields["weak"].texts(),
        veto=fields["veto"].texts(),
    )


def _runbook(value: YamlValue) -> Runbook:
    fields = value.mapping(("rotate", "revoke_url", "support", "notes"), ("agents",))
    return Runbook(
        rotate=fields["rotate"].texts(),
        revoke_url=fields["revoke_url"].text(),
        support=fields["support"].text(),
        notes=fields["notes"].texts(),
        agents=fields["agents"].text() if "agents" in fields else None,
    )


def _sample(value: YamlValue) -> Sample:
    fields = value.mapping(("sha256", "note"), ("length",))
    digest = fields["sha256"].text()
    if not _SHA256.match(digest):
        fields["sha256"].fail("64 lower-case hexadecimal digits are expected")
    return Sample(
        sha256=digest,
        note=fields["note"].text(),
        length=fields["length"].whole_number(_LENGTHS) if "length" in fields else None,
    )
