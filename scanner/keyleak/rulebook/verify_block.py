"""The `verify` block of a rule file: the request that tells whether a key lives, and what answers mean."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from keyleak.findings import VerificationVerdict
from keyleak.rulebook.model import Reach, VerdictRule, VerifyCall

if TYPE_CHECKING:
    from collections.abc import Collection

    from keyleak.strict_yaml import YamlValue

_REQUIRED: Final = ("method", "url", "auth", "keys", "verdicts", "limits")
_OPTIONAL: Final = ("headers", "request_id", "reach", "capabilities")
_STATUSES: Final = range(100, 600)
_AT_ONCE: Final = range(1, 17)
_HEADER: Final = re.compile(r"[a-z][a-z0-9-]{0,60}\Z")
_HEADER_VALUE: Final = re.compile(r"[ -~]{1,200}\Z")
# What a client or a proxy would act on, and where a key stands.
_NOT_FIXED: Final = frozenset(
    {"authorization", "connection", "content-length", "cookie", "host", "proxy-authorization", "te"}
    | {"trailer", "transfer-encoding", "upgrade"}
)
_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(?:\[\])?(?:\.[A-Za-z0-9_-]+(?:\[\])?)*\Z")
_UNIT: Final = re.compile(r"[a-z]{2,20}\Z")


def read_verify(value: YamlValue, keys: Collection[str]) -> VerifyCall:
    """The request that a block describes.

    Args:
        value: the block.
        keys: ids of the issuer's keys.

    Raises:
        RuleError: with file, line and reason.
    """
    fields = value.mapping(_REQUIRED, _OPTIONAL)
    method = fields["method"].text()
    if method != "GET":
        fields["method"].fail("only GET is allowed: verification never writes")
    limits = fields["limits"].mapping(("requests_per_second",), ("at_once",))
    return VerifyCall(
        method=method,
        url=_address(fields["url"]),
        auth=_auth(fields["auth"]),
        verdicts=tuple(_verdict(item) for item in fields["verdicts"].items()),
        requests_per_second=_rate(limits["requests_per_second"]),
        keys=_keys(fields["keys"], keys),
        at_once=limits["at_once"].whole_number(_AT_ONCE) if "at_once" in limits else 2,
        headers=_headers(fields["headers"]) if "headers" in fields else (),
        request_id=_header(fields["request_id"]) if "request_id" in fields else None,
        reach=_reach(fields["reach"]) if "reach" in fields else None,
        capabilities=fields["capabilities"].texts() if "capabilities" in fields else (),
    )


def _address(value: YamlValue) -> str:
    url = value.text()
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError as error:
        value.fail(f"{url!r} is no address: {error}")
    if parts.scheme != "https":
        value.fail("only https is allowed")
    if not host or user is not None:
        value.fail("an address names its host and no user")
    return url


def _rate(value: YamlValue) -> float:
    rate = value.number()
    if rate <= 0:
        value.fail("a rate is more than 0 a second")
    return rate


def _auth(value: YamlValue) -> str:
    auth = value.text()
    kind, colon, header = auth.partition(":")
    named = kind == "header" and bool(colon) and _HEADER.match(header) is not None
    if auth not in {"bearer", "basic-user"} and not named:
        value.fail("auth is 'bearer' or 'basic-user' (the key as user name, no password) or 'header:name'")
    return auth


def _keys(value: YamlValue, known: Collection[str]) -> tuple[str, ...]:
    keys = value.texts()
    for item, key in zip(value.items(), keys, strict=True):
        if key not in known:
            item.fail(f"{key!r} is no key of this file")
    if not keys:
        value.fail("name the keys that may be sent; where there is none, verify is null")
    return keys


def _header(value: YamlValue) -> str:
    name = value.text()
    if not _HEADER.match(name):
        value.fail(f"{name!r} is no header name in lower case")
    return name


def _headers(value: YamlValue) -> tuple[tuple[str, str], ...]:
    headers = value.entries()
    for name, content in headers.items():
        if not _HEADER.match(name) or name in _NOT_FIXED:
            content.fail(f"{name!r} is no header that a request may fix")
        if not _HEADER_VALUE.match(content.text()):
            content.fail("a header's value is printable ASCII")
    return tuple((name, content.text()) for name, content in headers.items())


def _verdict(value: YamlValue) -> VerdictRule:
    fields = value.mapping(("status", "verdict"), ("json",))
    verdict = fields["verdict"].choice(VerificationVerdict)
    if verdict in {VerificationVerdict.NOT_CHECKED, VerificationVerdict.REFUSED}:
        fields["verdict"].fail("an answer means live, live-restricted, not-accepted or unknown")
    body = {} if "json" not in fields else fields["json"].entries()
    for path, permitted in body.items():
        if not _PATH.match(path):
            permitted.fail(f"{path!r} is no path: names joined by '.', '[]' behind the name of a list")
    return VerdictRule(
        status=fields["status"].whole_number(_STATUSES),
        verdict=verdict.value,
        json=MappingProxyType({path: permitted.texts() for path, permitted in body.items()}),
    )


def _reach(value: YamlValue) -> Reach:
    fields = value.mapping(("list", "unit", "id"), ("role", "one_active_key"))
    unit = fields["unit"].text()
    if not _UNIT.match(unit):
        fields["unit"].fail("a unit is one lower-case word: workspace")
    return Reach(
        list=fields["list"].text(),
        unit=unit,
        id=fields["id"].text(),
        role=fields["role"].text() if "role" in fields else None,
        one_active_key="one_active_key" in fields and fields["one_active_key"].boolean(),
    )
