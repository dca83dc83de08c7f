"""`keyleak fix --in-place-check`: whether a remote still holds a key, seen in a fresh clone of it."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from typing import TYPE_CHECKING

from keyleak.commands.options import checked_rulebook
from keyleak.commands.repository_reading import (
    chosen_ids,
    leaks_of,
    masked_document,
    read_repository,
    repository_root,
    write_out,
)
from keyleak.coverage import Coverage
from keyleak.errors import ExitCode, UsageError
from keyleak.git.clone import is_url, mirror
from keyleak.git.network import Origin, without_user
from keyleak.git.remotes import remote_urls
from keyleak.remediation.document import FixDocument, Section
from keyleak.remediation.survey import SERVER_REFS
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.commands.console import Console
    from keyleak.commands.fix import FixOptions
    from keyleak.findings import Finding, Location


def check_in_place(options: FixOptions, console: Console) -> ExitCode:
    """Clone the remote, read it, name what still holds the keys.

    Raises:
        KeyleakError: there is no remote, or it cannot be cloned or read.
    """
    rulebook = checked_rulebook(options.report)
    url, origin = _address(options)
    ids = chosen_ids(options)
    with tempfile.TemporaryDirectory(prefix="keyleak-") as folder:
        clone = os.path.join(folder, "remote.git")
        with console.progress("cloning") as progress:
            mirror(url, clone, progress.tell, origin)
        history, _ = read_repository(clone, Inspector(rulebook), options.report, console)
    reading = Reading(history.sightings, Coverage() + history.coverage)
    found = [each for each in leaks_of(reading, options, console) if not ids or each.id in ids]
    shown = without_user(url)
    lines = [line for finding in found for line in _held(finding)]
    none = history.coverage.without(f"{shown} holds none of the keys")
    title = f"{shown} still holds {len(found):,} keys" if found else none
    document = FixDocument(shown, (), (Section("remote", title, tuple(lines)),))
    write_out(masked_document(document, options.form, (each.secret for each in history.sightings)))
    accepted = options.report.allow_incomplete
    if not history.coverage.complete and not accepted:
        console.error("not everything of the remote was read; --allow-incomplete accepts it")
    return history.coverage.exit_code(findings=bool(found), allow_incomplete=accepted)


def _address(options: FixOptions) -> tuple[str, Origin]:
    """The URL to clone, and who named it."""
    if options.remote is not None:
        return _from(".", options.remote), Origin.USER
    if is_url(options.repository) and not os.path.isdir(options.repository):
        return options.repository, Origin.USER
    root = repository_root(options.repository)
    urls = remote_urls(root)
    if not urls:
        raise UsageError(f"{options.repository} has no remote; name one with --remote URL")
    url = urls.get("origin") or next(iter(urls.values()))
    return _from(root, url), Origin.REPOSITORY


def _from(folder: str, url: str) -> str:
    """A URL as it is; a path as an absolute one."""
    has_host = is_url(url) or ":" in url.partition("/")[0]
    return url if has_host else os.path.abspath(os.path.join(folder, url))


def _held(finding: Finding) -> Iterator[str]:
    """What holds a key, by ref, and what can be done about it."""
    yield f"{finding.secret.redacted()} (id {finding.id})"
    by_ref: dict[str, set[str]] = defaultdict(set)
    for place in finding.locations:
        for ref in place.refs or ("no ref",):
            by_ref[ref].add(_shown(place))
    for ref, places in sorted(by_ref.items()):
        yield f"{ref}: {', '.join(_first(sorted(places)))}. {_what_to_do(ref)}"


def _first(places: list[str], most: int = 5) -> Iterable[str]:
    more = len(places) - most
    return [*places[:most], *([f"and {more:,} more"] if more > 0 else [])]


def _shown(place: Location) -> str:
    inside = f" in {place.kind.value}" if place.path and place.kind.value != "blob" else ""
    return f"{place.path or place.kind.value}{inside}"


def _what_to_do(ref: str) -> str:
    if SERVER_REFS.match(ref):
        return "Only the host can change this ref: ask its support, or close and delete the request."
    if ref.startswith("refs/heads/"):
        return "This branch was not pushed over, or somebody pushed an old clone again."
    if ref.startswith("refs/tags/"):
        return "Tags are pushed one by one: push this one with --force, or delete it."
    return "Push this ref with --force, or delete it."
