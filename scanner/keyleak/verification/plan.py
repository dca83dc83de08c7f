"""What would be asked, of whom, before anything is sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyleak.verification.eligibility import Eligibility, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyleak.findings import Finding
    from keyleak.rulebook.model import Issuer, Rulebook, VerifyCall
    from keyleak.secret import Secret


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """One key and the one issuer that may be asked about it."""

    id: str
    """The id of its finding."""
    secret: Secret
    issuer: str
    name: str
    """The issuer's, for people."""
    call: VerifyCall
    url: str
    """The call's own address, or that of a test server."""

    @property
    def host(self) -> str:
        """Host of the address, with its port where that is not the usual one."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would be asked, and what would not."""

    requests: tuple[KeyRequest, ...]
    """Each key once."""
    refused: Mapping[str, str]
    """Ids of findings to the reason why their key is not sent."""

    def in_words(self) -> Iterator[str]:
        """What would be sent where, for the one who is asked."""
        groups = Counter((request.name, request.host, request.url) for request in self.requests)
        for (name, host, url), count in sorted(groups.items()):
            keys = f"{count:,} {name} {'key' if count == 1 else 'keys'}"
            yield f"{host}: {keys}, each in one GET {url}"


def make_plan(findings: Iterable[Finding], rulebook: Rulebook, endpoints: Mapping[str, str]) -> Plan:
    """What to ask about these findings.

    Args:
        findings: one for each secret.
        rulebook: who can be asked, and how.
        endpoints: addresses of test servers by issuer.
    """
    eligibility = Eligibility(rulebook)
    requests: dict[Secret, KeyRequest] = {}
    refused = {}
    for finding in findings:
        answer = eligibility.issuer_to_ask(finding)
        if isinstance(answer, Refusal):
            refused[finding.id] = answer.reason
        elif finding.secret not in requests:
            requests[finding.secret] = _request(finding, answer, endpoints)
    return Plan(tuple(requests.values()), refused)


def _request(finding: Finding, issuer: Issuer, endpoints: Mapping[str, str]) -> KeyRequest:
    call = issuer.trusted_verify
    assert call is not None
    url = endpoints.get(issuer.issuer, call.url)
    return KeyRequest(finding.id, finding.secret, issuer.issuer, issuer.name, call, url)
