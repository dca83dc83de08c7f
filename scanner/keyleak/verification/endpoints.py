"""Test servers in the place of an issuer's own host, as `--endpoint` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from keyleak.errors import UsageError
from keyleak.verification.transport import is_loopback

if TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import SplitResult

    from keyleak.rulebook.model import Rulebook


def read_endpoints(values: Sequence[str], rulebook: Rulebook) -> dict[str, str]:
    """Addresses by issuer, from values such as `flora=http://127.0.0.1:8000`.

    An address without a path, or with the beginning of the documented one (`/api/v1`), gets the documented
    path; any other is taken as it is.

    Raises:
        UsageError: an issuer that nobody can be asked for, an address that is none, or plain http to a host
            that is not this machine.
    """
    return dict(_endpoint(value, rulebook) for value in values)


def _endpoint(value: str, rulebook: Rulebook) -> tuple[str, str]:
    name, equals, url = value.partition("=")
    issuer = rulebook.issuer(name)
    call = issuer.trusted_verify if issuer else None
    if not equals or call is None:
        askable = ", ".join(each.issuer for each in rulebook.issuers if each.trusted_verify)
        raise UsageError(f"--endpoint takes ISSUER=URL with one of these issuers: {askable}")
    return name, _with_path(_checked(url), urlsplit(call.url))


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"--endpoint: {error}") from error
    if not parts.hostname or parts.scheme not in {"http", "https"} or "@" in parts.netloc or port == 0:
        raise UsageError("--endpoint: the address is http://HOST:PORT or https://HOST, without a user")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(
            f"--endpoint: plain http goes to this machine only, not to {parts.hostname}; use https"
        )
    # A name is a promise of somebody's resolver; keys in the clear need an address.
    at = parts.netloc.lower()
    if parts.scheme == "http" and parts.hostname == "localhost":
        return parts._replace(netloc=at.replace("localhost", "127.0.0.1"), fragment="")
    return parts._replace(fragment="")


def _with_path(given: SplitResult, documented: SplitResult) -> str:
    path = given.path.rstrip("/")
    if not given.query and (not path or documented.path.startswith(f"{path}/")):
        return urlunsplit(given._replace(path=documented.path, query=documented.query))
    return urlunsplit(given)
