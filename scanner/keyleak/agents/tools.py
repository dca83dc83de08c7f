"""The tools of coding agents: some read a file, some edit one, and all others send what they are given."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names in small letters, as Claude Code, Codex, Cursor and Copilot (command line, cloud, VS Code) have them.
_EDITS: Final = frozenset(
    {
        *("edit", "multiedit", "notebookedit", "strreplace", "str_replace", "search_replace", "edit_file"),
        *("str_replace_editor", "str_replace_based_edit_tool", "insert_edit_into_file"),
        *("replace_string_in_file", "multi_replace_string_in_file"),
    }
)
# Their text is a patch: lines that begin with a minus leave the file.
_PATCHES: Final = frozenset({"apply_patch", "applypatch"})
_READS: Final = frozenset({"read", "view", "read_file", "readfile", "notebookread"})
_WRITES: Final = frozenset({"write", "write_file", "create", "create_file", "createfile"})
_PATHS: Final = ("file_path", "filePath", "path", "notebook_path", "target_file")
# Codex also has patches applied by a command that is nothing but this one.
_SHELLS: Final = frozenset({"bash", "shell", "exec_command"})
_PATCH_COMMAND: Final = re.compile(
    r"\s*apply_patch\s*<<\s*(['\"])(?P<end>\w+)\1\n"
    r"(?P<patch>\*\*\* Begin Patch\n(?:(?!(?P=end)\n)[^\n]*\n)*?\*\*\* End Patch\n)(?P=end)\s*\Z"
)
# What an edit takes away: a key in it is on its way out of the file. Of any other tool these are mere names.
_TAKEN_AWAY: Final = frozenset({"old_string", "oldString", "old_str", "oldText", "old_text"})


def is_edit(tool: str) -> bool:
    """Whether a tool replaces text of a file."""
    return tool.lower() in _EDITS | _PATCHES


def files_read(tool: str, given: Any) -> list[str]:
    """The files whose content a tool sends to the model; none where it is no such tool.

    Args:
        tool: its name.
        given: its arguments.
    """
    if not isinstance(given, dict):
        return []
    views = is_edit(tool) and given.get("command") == "view"
    return _named(given) if views or tool.lower() in _READS else []


def files_replaced(tool: str, given: Any) -> list[str]:
    """The files whose whole content a tool replaces: a key that one holds already is not added to it.

    Args:
        tool: its name.
        given: its arguments.
    """
    return _named(given) if isinstance(given, dict) and tool.lower() in _WRITES else []


def _named(given: Mapping[str, Any]) -> list[str]:
    return [given[name] for name in _PATHS if isinstance(given.get(name), str)]


def parsed(given: Any) -> Any:
    """A tool's arguments, which Copilot and Cursor send as JSON in a text."""
    if isinstance(given, str):
        try:
            value = json.loads(given)
        except ValueError:
            return given
        return value if isinstance(value, dict) else given
    return given


def split_edit(tool: str, given: Any) -> tuple[Any, list[str]]:
    """The arguments of an edit in two parts; those of any other tool are one.

    Args:
        tool: its name.
        given: its arguments.

    Returns:
        The arguments without what the edit takes away; the texts that it takes away or leaves as they are.
    """
    if is_edit(tool):
        return _split(tool, given)
    command = given.get("command") if isinstance(given, dict) and tool.lower() in _SHELLS else None
    patch = _PATCH_COMMAND.match(command) if isinstance(command, str) else None
    if patch is None:
        return given, []
    kept, taken = _split("apply_patch", patch["patch"])
    return {**given, "command": kept}, taken


def _split(tool: str, given: Any) -> tuple[Any, list[str]]:
    if isinstance(given, str) and tool.lower() in _PATCHES:
        lines = given.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line.startswith(("-", " ")))
        return "".join(line for line in lines if not line.startswith("-")), [before]
    if isinstance(given, dict):
        return _split_fields(tool, given)
    if isinstance(given, list):
        pairs = [_split(tool, inner) for inner in given]
        return [kept for kept, _ in pairs], [text for _, taken in pairs for text in taken]
    return given, []


def _split_fields(tool: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    kept: dict[str, Any] = {}
    taken: list[str] = []
    for name, value in given.items():
        if name in _TAKEN_AWAY and isinstance(value, str):
            taken.append(value)
        else:
            kept[name], inner = _split(tool, value)
            taken += inner
    return kept, taken
