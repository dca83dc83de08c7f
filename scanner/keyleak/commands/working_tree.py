"""The files of a work tree that a patch is suggested for."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.findings import LocationKind
from keyleak.git.worktree import ignored_among
from keyleak.remediation.patch import patch_file
from keyleak.remediation.runbook import variables_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Finding
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret


@dataclass(frozen=True, slots=True)
class TreePatch:
    """A suggested change."""

    text: bytes
    """For `git apply`; empty where there is none. Holds the keys it takes away."""
    changed: tuple[str, ...]
    """Paths that it changes."""
    by_hand: tuple[str, ...]
    """Paths that hold a key and have to be edited by hand, with the reason."""


def suggest_patch(root: str, findings: Sequence[Finding], rulebook: Rulebook) -> TreePatch:
    """A change that makes files read their keys from the environment.

    Args:
        root: the top of a work tree, as an absolute path.
        findings: keys, with the files that hold them by absolute path.
        rulebook: the names that issuers' keys are read by.

    Raises:
        GitError: git cannot say which files it ignores.
    """
    keys: dict[str, dict[Secret, str]] = defaultdict(dict)
    for finding in findings:
        names = variables_of(rulebook.issuer(finding.issuer or "")) or ("API_KEY",)
        for place in finding.locations:
            path = os.path.relpath(place.path, root) if place.path and os.path.isabs(place.path) else None
            if path is not None and place.kind is LocationKind.FILE and not path.startswith(".."):
                keys[path][finding.secret] = names[0]
    # The right place for a key is a file that git ignores.
    ignored = ignored_among(root, sorted(keys)) if keys else frozenset()
    texts, changed, by_hand = [], [], []
    for path in sorted(keys.keys() - ignored):
        try:
            with open(os.path.join(root, path), "rb") as file:
                patch = patch_file(path.replace(os.sep, "/"), file.read(), keys[path])
        except OSError as error:
            by_hand.append(f"{path}: {error.strerror}")
            continue
        if patch is None:
            by_hand.append(f"{path}: no patch for this kind of file, or the key is no literal of its own")
        else:
            texts.append(patch.text)
            changed.append(path)
    return TreePatch(b"".join(texts), tuple(changed), tuple(by_hand))
