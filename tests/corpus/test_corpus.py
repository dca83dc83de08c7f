"""The labelled corpus: recall, precision and whose key, over all contexts and issuers."""

from __future__ import annotations

from functools import cache

from corpus.cases import Case, read_cases
from corpus.judging import Judgement, Reported, judged
from keyleak.findings import LocationKind
from keyleak.grouping import group_by_secret
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.inspector import Inspector, Place

ISSUERS_WITHOUT_A_CASE = {"sk-family"}


@cache
def cases() -> list[Case]:
    return read_cases()


@cache
def judgement() -> Judgement:
    inspector = Inspector(load_rulebook())
    return judged(cases(), {case.name: reported(inspector, case) for case in cases()})


def reported(inspector: Inspector, case: Case) -> list[Reported]:
    findings = group_by_secret(inspector.inspect(case.content, Place(LocationKind.FILE, case.path)).sightings)
    return [
        Reported(finding.secret.reveal().decode(), finding.issuer, finding.attribution.verdict.value)
        for finding in findings
    ]


def test_the_corpus_covers_every_issuer_and_context() -> None:
    assert len(cases()) >= 600
    assert len({case.context for case in cases()}) >= 22
    labels = {label for case in cases() for planted in case.planted for label in planted.labels}
    assert {issuer.issuer for issuer in load_rulebook().issuers} - ISSUERS_WITHOUT_A_CASE <= labels


def test_nothing_is_given_to_the_wrong_issuer() -> None:
    assert judgement().total.wrong == 0, "\n".join(judgement().errors)


def test_leaks_are_found_and_what_is_no_leak_is_not() -> None:
    total = judgement().total
    assert total.recall >= 0.99, "\n".join(judgement().errors)
    assert total.precision >= 0.97, "\n".join(judgement().errors)


def test_most_keys_are_given_to_their_issuer() -> None:
    assert judgement().total.attribution >= 0.97, "\n".join(judgement().errors)
