"""What an answer means, as an issuer's rule file says. Pure and total: every answer has one meaning.

A key counts as live only where the documented answer came, as JSON, whole. Whatever the table does not name
(a proxy's page, a captcha, a redirect, an overload) says nothing about the key and is `unknown`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.findings import VerificationVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.rulebook.model import VerdictRule, VerifyCall

_JSON: Final = re.compile(r"application/(?:json|[a-z0-9.-]+\+json)\s*(?:;|\Z)", re.IGNORECASE)
_PRESENT: Final = "*"
_EVERY: Final = "[]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over the wire."""

    status: int
    content_type: str = field(repr=False)
    body: bytes = field(repr=False)
    """Never printed, like all that a server chooses: it may send the key back."""
    retry_after: str | None = field(default=None, repr=False)
    request_id: str | None = field(default=None, repr=False)
    too_long: bool = False
    """Whether the body went on beyond what is read of one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing came back."""

    reason: str
    """Without anything that was sent."""
    is_connection: bool = False
    """Whether asking again may help: the connection failed, not what was said on it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer means."""

    verdict: VerificationVerdict
    reason: str
    document: object = field(default=None, repr=False)
    """The parsed answer, where a row of the table fits it."""


def judge(call: VerifyCall, answer: Answer | Failure) -> Judgement:
    """The meaning of an answer by the first row of the issuer's table that it fits."""
    if isinstance(answer, Failure):
        return _unknown(answer.reason)
    rows = [row for row in call.verdicts if row.status == answer.status]
    document = _document(answer)
    if not rows or document is None:
        return _unknown(_what_came(answer, documented=bool(rows)))
    for row in rows:
        if _fits(row, document):
            return Judgement(VerificationVerdict(row.verdict), f"status {answer.status}", document)
    return _unknown(f"status {answer.status}, but not the answer that is documented for it")


def _unknown(reason: str) -> Judgement:
    return Judgement(VerificationVerdict.UNKNOWN, reason)


def _document(answer: Answer) -> dict[str, object] | None:
    """The JSON object of an answer, or None where it holds none."""
    if answer.too_long or not _JSON.match(answer.content_type):
        return None
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _what_came(answer: Answer, *, documented: bool) -> str:
    status = f"status {answer.status}"
    if documented:
        return f"{status}, {_what_body(answer)}"
    if 300 <= answer.status < 400:
        return f"{status}: a redirect, which is not followed"
    if answer.status == 429:
        return f"{status}: too many requests"
    if answer.status >= 500:
        return f"{status}: a failure of the server"
    return f"{status}, of which the issuer's documents say nothing here"


def _what_body(answer: Answer) -> str:
    if answer.too_long:
        return "with a body longer than the documented one can be"
    if not _JSON.match(answer.content_type):
        return "with something else than JSON"
    return "with JSON that is damaged or no object"


def _fits(row: VerdictRule, document: dict[str, object]) -> bool:
    return all(_holds(document, path.split("."), permitted) for path, permitted in row.json.items())


def _holds(document: object, path: Sequence[str], permitted: Sequence[str]) -> bool:
    """Whether a place in a document is there and holds a permitted value, in every element of its lists."""
    if not path:
        return any(_is(document, value) for value in permitted)
    name = path[0].removesuffix(_EVERY)
    if not isinstance(document, dict) or name not in document:
        return False
    inner = document[name]
    if not path[0].endswith(_EVERY):
        return _holds(inner, path[1:], permitted)
    return isinstance(inner, list) and all(_holds(element, path[1:], permitted) for element in inner)


def _is(value: object, permitted: str) -> bool:
    if permitted == _PRESENT:
        return True
    if permitted.endswith(_PRESENT):
        return isinstance(value, str) and value.startswith(permitted[:-1])
    return permitted in _texts(value)


def _texts(value: object) -> Iterator[str]:
    """A plain value as a rule file writes it."""
    if isinstance(value, str):
        yield value
    elif value is None or isinstance(value, bool | int | float):
        yield json.dumps(value)
