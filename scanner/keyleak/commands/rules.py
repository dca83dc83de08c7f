"""`keyleak rules list|show|check`: what keyleak looks for, and whether the rule files say so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from keyleak.attribution.attributor import Attributor
from keyleak.commands.console import print_error, print_line
from keyleak.errors import ExitCode, RuleError, UsageError
from keyleak.findings import Environment, Strength
from keyleak.matching.matcher import Matcher
from keyleak.records import dataclass
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.model import FoundBy
from keyleak.rulebook.template import TemplateError, expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.rulebook.model import Issuer, KeyRule, Rulebook
    from keyleak.rulebook.provenance import RuleFolder

# Enough seeds that an example which matches only by luck is noticed.
_SEEDS = 25


def list_rules(rule_folders: Sequence[RuleFolder], *, as_json: bool) -> ExitCode:
    """Print every key rule, one a line.

    Raises:
        RuleError: a rule file is wrong.
    """
    rulebook = load_rulebook(rule_folders)
    if as_json:
        click.echo(json.dumps([_as_dict(key, rulebook) for key in rulebook.keys], indent=2))
        return ExitCode.CLEAN
    widest = max(len(key.id) for key in rulebook.keys)
    for key in rulebook.keys:
        looks = ", ".join(key.prefixes) or "a value given to its names"
        print_line(f"{key.id:<{widest}}  {_issuer_of(key, rulebook).name:<15}  {looks}")
    return ExitCode.CLEAN


def show_rule(name: str, rule_folders: Sequence[RuleFolder]) -> ExitCode:
    """Print one issuer, or the issuer of one key rule.

    Raises:
        UsageError: nothing has that name.
        RuleError: a rule file is wrong.
    """
    rulebook = load_rulebook(rule_folders)
    issuer = rulebook.issuer(name) or next(
        (issuer for issuer in rulebook.issuers if any(key.id == name for key in issuer.keys)), None
    )
    if issuer is None:
        known = ", ".join(issuer.issuer for issuer in rulebook.issuers)
        raise UsageError(f"no issuer or rule is called {name!r}; issuers: {known}")
    for line in _described(issuer):
        print_line(line)
    return ExitCode.CLEAN


def check_rules(rule_folders: Sequence[RuleFolder]) -> ExitCode:
    """Run every example and counter-example of every rule.

    Raises:
        RuleError: a file breaks the schema, an example does not match or a counter-example does.
    """
    rulebook = load_rulebook(rule_folders, from_yaml=True)
    finder = _Finder(Matcher(rulebook), Attributor(rulebook))
    problems = [problem for key in rulebook.keys for problem in _problems(key, finder)]
    for problem in problems[1:]:
        print_error(str(problem))
    if problems:
        raise problems[0]
    examples = sum(len(key.examples) + len(key.counter_examples) for key in rulebook.keys)
    files, rules = len(rulebook.issuers), len(rulebook.keys)
    print_line(f"{files} rule files, {rules} rules, {examples} examples: all as they say")
    return ExitCode.CLEAN


@dataclass(frozen=True, slots=True)
class _Finder:
    """Says on which rules a text is reported, as a scan does."""

    matcher: Matcher
    attributor: Attributor

    def rules_of(self, text: bytes) -> set[str]:
        """Ids of the rules on which anything in a text is reported."""
        return {
            rule.id
            for match in self.matcher.match(text)
            for rule in self.attributor.weigh(match, self.attributor.file_evidence(text)).grounds
        }


def _problems(key: KeyRule, finder: _Finder) -> Iterator[RuleError]:
    for template in key.examples:
        if not _matches(key, template, finder, every=True):
            yield RuleError(key.file, key.line, f"{key.id}: example {template!r} does not match")
    for template in key.counter_examples:
        if _matches(key, template, finder, every=False):
            yield RuleError(key.file, key.line, f"{key.id}: counter-example {template!r} matches")


def _matches(key: KeyRule, template: str, finder: _Finder, *, every: bool) -> bool:
    try:
        texts = [expand(template, seed).encode() for seed in range(_SEEDS)]
    except TemplateError as error:
        raise RuleError(key.file, key.line, f"{key.id}: {error}") from error
    found = [key.id in finder.rules_of(text) for text in texts]
    return all(found) if every else any(found)


def _issuer_of(key: KeyRule, rulebook: Rulebook) -> Issuer:
    issuer = rulebook.issuer(key.issuer)
    assert issuer is not None
    return issuer


def _as_dict(key: KeyRule, rulebook: Rulebook) -> dict[str, object]:
    issuer = _issuer_of(key, rulebook)
    return {
        "id": key.id,
        "issuer": None if issuer.anonymous else issuer.issuer,
        "description": key.description,
        "found_by": key.found_by.value,
        "prefixes": list(key.prefixes),
        "pattern": key.pattern,
        "strength": key.strength.value,
        "severity": {environment.value: key.severity[environment].value for environment in Environment},
        "file": key.file,
    }


def _described(issuer: Issuer) -> Iterator[str]:
    yield f"{issuer.name} ({issuer.issuer})"
    yield f"  docs    {issuer.docs}"
    host = issuer.verify.url if issuer.verify else "no request is known that is safe to send"
    yield f"  verify  {host}"
    if issuer.runbook is not None:
        yield f"  revoke  {issuer.runbook.revoke_url}"
    for key in issuer.keys:
        yield ""
        yield f"{key.id}"
        yield f"  {key.description}"
        yield f"  found by {key.found_by.value}{_shape_of(key)}"
        yield f"  shape says {_says(key.strength)}"
        yield f"  examples {', '.join(key.examples)}"


def _shape_of(key: KeyRule) -> str:
    if key.found_by is FoundBy.ASSIGNMENT:
        return f": {key.pattern}"
    return f": {' or '.join(key.prefixes)} followed by {key.pattern}"


def _says(strength: Strength) -> str:
    return {
        Strength.DECISIVE: "whose key it is",
        Strength.STRONG: "much, but context decides",
        Strength.WEAK: "little: context decides",
    }[strength]
