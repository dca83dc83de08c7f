"""keyleak and other scanners on the labelled corpus: recall, precision, and whose key they say it is.

    python benchmarks/keyleak_eval.py [--seed 0] [--tools keyleak,gitleaks] [--errors]

The cases of `tests/corpus/` are written as files into a temporary folder, which every scanner on PATH
(keyleak, gitleaks, kingfisher, detect-secrets) reads as a whole program. Verification is off, and where the
system allows it each runs in a network namespace of its own, in which no packet can leave. Other scanners are
judged generously: a report counts as found where it overlaps the key or stands on its line, what they say of
a near relative (`pk_`, `whsec_`, …) is not counted, and of several reports about one key the best counts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from corpus.cases import NO_LEAK, Case, Planted, read_cases
from corpus.judging import Judgement, Reported, Tally, judged, same_value
from keyleak.rulebook.loader import load_rulebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

RELATIVES = "identifiers"


@dataclass(frozen=True)
class Seen:
    """What a scanner reported, before it is held against the labels."""

    path: str
    value: str
    """The text it calls a secret, or its SHA-1 where it shows no more."""
    rule: str
    line: int
    issuer: str | None = None
    verdict: str = ""


@dataclass(frozen=True)
class Scanner:
    """A program and how its report is read."""

    name: str
    version: tuple[str, ...]
    command: tuple[str, ...]
    read: Callable[[str], Iterator[Seen]]


def read_keyleak(output: str) -> Iterator[Seen]:
    """Findings of keyleak's JSON report."""
    for finding in json.loads(output)["findings"]:
        for place in finding["locations"]:
            yield Seen(
                place["path"], finding["secret"], finding["rule"], place["line"] or 0,
                finding["issuer"], finding["attribution"]["verdict"],
            )  # fmt: skip


def read_gitleaks(output: str) -> Iterator[Seen]:
    """Findings of gitleaks' JSON report."""
    for finding in json.loads(output or "[]") or []:
        yield Seen(finding["File"], finding["Secret"], finding["RuleID"], finding["StartLine"])


def read_kingfisher(output: str) -> Iterator[Seen]:
    """Findings of kingfisher's JSON report."""
    # A second document, about the run, follows the report.
    report, _ = json.JSONDecoder().raw_decode(output)
    for entry in report["findings"]:
        finding = entry["finding"]
        rule = f"{entry['rule']['id']} {entry['rule'].get('title', '')}"
        yield Seen(finding["path"], finding["snippet"], rule, finding["line"])


def read_detect_secrets(output: str) -> Iterator[Seen]:
    """Findings of a detect-secrets baseline."""
    for path, findings in json.loads(output)["results"].items():
        for finding in findings:
            yield Seen(path, finding["hashed_secret"], finding["type"], finding["line_number"])


SCANNERS = (
    Scanner(
        "keyleak",
        ("keyleak", "--version"),
        ("keyleak", "scan", "--format", "json", "--show-secrets", "--yes-show-secrets", "--exit-zero",
         "--allow-incomplete", "."),
        read_keyleak,
    ),
    Scanner(
        "gitleaks",
        ("gitleaks", "version"),
        ("gitleaks", "dir", ".", "--report-format", "json", "--report-path", "-",
         "--no-banner", "--exit-code", "0"),
        read_gitleaks,
    ),
    Scanner(
        "kingfisher",
        ("kingfisher", "--version"),
        ("kingfisher", "scan", ".", "--no-validate", "--no-update-check", "--no-dedup", "--confidence", "low",
         "--format", "json"),
        read_kingfisher,
    ),
    Scanner(
        "detect-secrets",
        ("detect-secrets", "--version"),
        ("detect-secrets", "scan", "--no-verify", "--all-files", "."),
        read_detect_secrets,
    ),
)  # fmt: skip


def main() -> None:
    """Expand, scan, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other keys")
    parser.add_argument("--tools", default=",".join(scanner.name for scanner in SCANNERS))
    parser.add_argument("--errors", action="store_true", help="say what keyleak got wrong, case by case")
    arguments = parser.parse_args()
    wanted = arguments.tools.split(",")
    cases = read_cases(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="keyleak-eval-") as folder:
        write_cases(cases, Path(folder))
        results = {
            f"{scanner.name} {version_of(scanner)}": judgement_of(scanner, cases, folder)
            for scanner in SCANNERS
            if scanner.name in wanted and is_installed(scanner)
        }
    leaks = sum(planted.is_leak for case in cases for planted in case.planted)
    print(f"{len(cases)} files, {leaks} leaks, seed {arguments.seed}\n")
    print_table("scanner", {name: judgement.total for name, judgement in results.items()})
    for name, judgement in results.items():
        if name.startswith("keyleak "):
            print_table("context", judgement.by_context)
            print_table("issuer", judgement.by_issuer)
            if arguments.errors:
                print("\n".join(judgement.errors))


def is_installed(scanner: Scanner) -> bool:
    """Whether a scanner is on PATH; says so where it is not."""
    installed = shutil.which(scanner.command[0]) is not None
    if not installed:
        print(f"{scanner.name}: not on PATH, left out", file=sys.stderr)
    return installed


def version_of(scanner: Scanner) -> str:
    """The last word of what a scanner says of its version."""
    result = subprocess.run(scanner.version, capture_output=True, text=True, check=False)
    words = result.stdout.split()
    return words[-1] if words and words[-1][0].isdigit() else "(version not built in)"


def write_cases(cases: Iterable[Case], folder: Path) -> None:
    """Each case as a file in a folder of its own name."""
    for case in cases:
        path = folder / case.name / case.path
        path.parent.mkdir(parents=True)
        path.write_bytes(case.content)


def judgement_of(scanner: Scanner, cases: list[Case], folder: str) -> Judgement:
    """Run a scanner on the folder and judge what it reports."""
    result = subprocess.run(
        [*without_network(), *scanner.command], cwd=folder, capture_output=True, text=True, check=False
    )
    try:
        seen = list(scanner.read(result.stdout))
    except ValueError as error:
        sys.exit(f"{scanner.name} gave no report ({error}):\n{result.stderr[-2000:]}")
    if scanner.name == "keyleak":
        return judged(cases, by_case(cases, seen, lambda _: None), same_value)
    others = by_case(cases, seen, issuer_finder())
    return judged(cases, others, lambda planted, reported: means(planted, reported.value))


def without_network() -> list[str]:
    """What runs a command in a network namespace of its own, where that is allowed."""
    prefix = ["unshare", "-n"]
    if (
        shutil.which("unshare")
        and subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
    ):
        return prefix
    return []


def by_case(
    cases: Iterable[Case], seen: Iterable[Seen], issuer_of: Callable[[str], str | None]
) -> Mapping[str, list[Reported]]:
    """Reports by case; of other scanners those about one key once, the one that names its issuer first."""
    files: dict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        files[each.path.removeprefix("./").partition("/")[0]].append(each)
    return {case.name: list(_reports(case, files.get(case.name, []), issuer_of)) for case in cases}


def _reports(case: Case, seen: list[Seen], issuer_of: Callable[[str], str | None]) -> Iterator[Reported]:
    if any(each.verdict for each in seen):
        for value, issuer, verdict in {(each.value, each.issuer, each.verdict): None for each in seen}:
            yield Reported(value, issuer, verdict)
        return
    grouped: dict[str, list[str | None]] = defaultdict(list)
    for each in seen:
        planted = next((planted for planted in case.planted if overlaps(planted, each)), None)
        if planted is not None and NO_LEAK in planted.labels and case.context == RELATIVES:
            continue
        grouped[planted.value if planted else f"{each.line}"].append(issuer_of(each.rule))
    for value, issuers in grouped.items():
        expected = {label for planted in case.planted if planted.value == value for label in planted.labels}
        named = [issuer for issuer in issuers if issuer is not None]
        right = next((issuer for issuer in named if issuer in expected), None)
        yield Reported(value, right or next(iter(named), None), "unknown")


def overlaps(planted: Planted, seen: Seen) -> bool:
    """Whether a report of another scanner means a planted key."""
    return (
        seen.value in planted.value
        or planted.value in seen.value
        or seen.value == hashlib.sha1(planted.value.encode()).hexdigest()
        or seen.line == planted.line
    )


def means(planted: Planted, value: str) -> bool:
    """Whether a report that was put down to a key is about this one."""
    return planted.value == value


def issuer_finder() -> Callable[[str], str | None]:
    """What finds the issuer that another scanner's rule names."""
    names = [issuer.issuer for issuer in load_rulebook().issuers if not issuer.anonymous]

    def issuer_of(rule: str) -> str | None:
        words = rule.lower().replace(".", " ").replace("_", " ").replace("-", " ").split()
        return next((name for name in names if name in words), None)

    return issuer_of


def print_table(title: str, rows: Mapping[str, Any]) -> None:
    """A Markdown table of tallies."""
    print(
        f"| {title} | recall | precision | issuer right | found | missed | false | undecided "
        "| **wrong issuer** |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, tally in rows.items():
        print(f"| {name} | {figures(tally)} |")
    print()


def figures(tally: Tally) -> str:
    """The cells of a row."""
    shares = (f"{share:.3f}" for share in (tally.recall, tally.precision, tally.attribution))
    counts = (tally.found, tally.missed, tally.false, tally.undecided, tally.wrong)
    return " | ".join([*shares, *map(str, counts)])


if __name__ == "__main__":
    main()
