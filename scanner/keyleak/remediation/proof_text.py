"""What a proof found, in words: the reasons first where the result is not clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.remediation.document import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.coverage import Coverage
    from keyleak.findings import Finding
    from keyleak.remediation.proof import Proof


def proof_section(proof: Proof, remaining: Sequence[Finding], coverage: Coverage, seconds: float) -> Section:
    """The result of a rewrite.

    Args:
        proof: the comparison with the old history.
        remaining: keys that the new history still holds.
        coverage: what was read of the new history.
        seconds: how long it took.
    """
    reasons = [
        *(f"DIFFERS: {difference}" for difference in proof.differences),
        *(
            f"STILL THERE: {finding.secret.redacted()} at {place.path or place.kind.value}"
            f" ({', '.join(place.refs[:3]) or 'no ref'})"
            for finding in remaining
            for place in finding.locations
        ),
        *(f"NOT READ: {gap.what}: {gap.reason}" for gap in coverage.gaps),
    ]
    facts = [
        f"{proof.refs:,} refs, all there; {proof.changed_refs:,} of them changed.",
        f"{proof.commits:,} commits before and after, {proof.rewritten_commits:,} with a new id.",
        f"{len(proof.edited_blobs):,} blobs edited as planned, {len(proof.dropped_blobs):,} dropped.",
        f"{proof.signatures:,} signatures are gone; {proof.updated_hashes:,} messages name new ids.",
        f"Done in {seconds:.1f} s.",
    ]
    if not proof.differences:
        facts.insert(3, "Every other object is the same.")
    title = "NOT clean" if reasons else "Proven clean"
    return Section("proof", f"{title}: the rewritten history against the old one", (*reasons, *facts))
