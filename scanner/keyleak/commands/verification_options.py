"""What `keyleak verify` and `--verify` can be asked for."""

from __future__ import annotations

from keyleak.records import dataclass


@dataclass(frozen=True, slots=True)
class VerificationOptions:
    """Whether and how issuers are asked."""

    yes: bool = False
    """Whether the question before the first request is answered already."""
    endpoints: tuple[str, ...] = ()
    """Test servers, `flora=http://127.0.0.1:8000`."""
    audit: str | None = None
    """The file that gets a line for each request."""
    rate: float | None = None
    """Requests a second to test servers, in place of the rule file's limit."""
    expect_revoked: bool = False
    """Whether the exit code says if every key is no longer accepted."""
    watch: float | None = None
    """Seconds between two rounds of asking, until every key is no longer accepted."""
