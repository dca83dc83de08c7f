"""The MCP servers of a configuration file, and how each signs in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from keyleak.bounded_toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTS: Final = ("mcpServers", "mcp_servers", "servers", "context_servers")
_REFERENCE: Final = re.compile(r"\$\{[^}]+\}|\$[A-Z_]+|\{\{[^}]+\}\}|")
_SECRET_NAME: Final = re.compile(r"key|token|secret|authorization|password|credential", re.IGNORECASE)
_DEEPEST: Final = 6
# Comments and trailing commas, which editors allow in their settings.
_COMMENT: Final = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING: Final = re.compile(r",(?=\s*[}\]])")


class SignIn(Enum):
    """How a server is signed in to."""

    URL_ONLY = "by its URL alone: the agent signs in by OAuth, and no key stands here"
    REFERENCE = "with a value that is read from elsewhere; no key stands here"
    VALUE = "with a value that stands here"
    PROGRAM = "a program that is given no credential here"


@dataclass(frozen=True, slots=True)
class Server:
    """One configured server."""

    name: str
    sign_in: SignIn


def servers(content: bytes, path: str) -> list[Server]:
    """The servers of a configuration file; none where it is of another form.

    Args:
        content: the file's.
        path: its name, which tells TOML from JSON.
    """
    text = content.decode("utf-8", "replace")
    try:
        parsed = read_toml(text) if path.endswith(".toml") else json.loads(_plain_json(text))
    except (ValueError, RecursionError):
        # The file is scanned all the same; what it configures is only a remark.
        return []
    return list(_servers(parsed, _DEEPEST))


def _plain_json(text: str) -> str:
    return _TRAILING.sub("", _COMMENT.sub(lambda found: found[1] or "", text))


def _servers(value: Any, depth: int) -> Iterator[Server]:
    if not isinstance(value, dict) or not depth:
        return
    for name, inner in value.items():
        if name in _LISTS and isinstance(inner, dict):
            yield from (Server(each, _sign_in(how)) for each, how in inner.items() if isinstance(how, dict))
        else:
            yield from _servers(inner, depth - 1)


def _sign_in(how: dict[str, Any]) -> SignIn:
    values = [*_credentials(how.get("env")), *_credentials(how.get("headers"))]
    values += _credentials(how.get("http_headers"))
    arguments = how.get("args")
    if isinstance(arguments, list):
        values += [str(each) for before, each in pairwise(arguments) if _names(before)]
    if any(not _REFERENCE.fullmatch(value.removeprefix("Bearer ")) for value in values):
        return SignIn.VALUE
    if values or how.get("bearer_token_env_var"):
        return SignIn.REFERENCE
    return SignIn.URL_ONLY if how.get("url") or how.get("serverUrl") else SignIn.PROGRAM


def _credentials(named: Any) -> list[str]:
    if not isinstance(named, dict):
        return []
    return [str(value) for name, value in named.items() if _SECRET_NAME.search(str(name))]


def _names(argument: Any) -> bool:
    return isinstance(argument, str) and argument.startswith("-") and bool(_SECRET_NAME.search(argument))
