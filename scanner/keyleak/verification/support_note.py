"""A note to an issuer's support, ready to send: which requests were ours, and about which keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.rulebook.model import Issuer
    from keyleak.verification.verifier import Learnt


def support_note(issuer: Issuer, learnt: Iterable[Learnt]) -> Iterator[str]:
    """The lines of a note, or none where there is nothing that support could look up.

    Args:
        issuer: whose support; only one whose answers carry a request id can look requests up.
        learnt: what asking brought; keys of other issuers are left out.
    """
    own = [each for each in learnt if each.request.issuer == issuer.issuer and each.verification.request_id]
    if not own or issuer.verify is None or issuer.verify.request_id is None:
        return
    yield f"To: {issuer.runbook.support}" if issuer.runbook else f"To: {issuer.name} support"
    yield f"Subject: leaked {issuer.name} API keys: {len(own):,} checked, please audit their use"
    yield ""
    yield f"These {issuer.name} API keys were found where they should not be. Each was checked once with"
    yield f"GET {own[0].request.url}; leave these requests out when you audit what was done with the keys."
    yield ""
    yield f"{'time':<26}{issuer.verify.request_id:<34}{'keyleak fingerprint':<34}answer"
    for each in sorted(own, key=lambda one: one.verification.checked_at or ""):
        said = each.verification
        yield f"{said.checked_at:<26}{said.request_id:<34}{each.request.id:<34}{said.verdict.value}"
    yield ""
    yield "Please tell us what was done with the keys that are live, and from where, since they leaked."
