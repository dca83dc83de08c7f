"""Where coding agents keep configuration and transcripts, in a project and for a user."""

from __future__ import annotations

import os
from typing import Final

_IN_PROJECT: Final = (
    ".mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".cursor/mcp.json",
    ".cursor/hooks.json",
    ".vscode/mcp.json",
    ".vscode/settings.json",
    ".gemini/settings.json",
    ".github/copilot-instructions.md",
    ".kilocode/mcp.json",
    ".roo/mcp.json",
    ".zed/settings.json",
    "opencode.json",
)
_OF_USER: Final = (
    ".claude.json",
    ".claude/settings.json",
    ".claude/history.jsonl",
    ".claude/projects",
    ".codex/config.toml",
    ".codex/history.jsonl",
    ".codex/sessions",
    ".codeium/windsurf/mcp_config.json",
    ".config/Claude/claude_desktop_config.json",
    ".config/Code/User/mcp.json",
    ".config/Code/User/settings.json",
    ".config/Cursor/User/settings.json",
    ".config/goose/config.yaml",
    ".config/opencode/opencode.json",
    ".config/zed/settings.json",
    ".continue/config.json",
    ".continue/config.yaml",
    ".copilot/config.json",
    ".copilot/mcp-config.json",
    ".cursor/mcp.json",
    ".gemini/settings.json",
    "Library/Application Support/Claude/claude_desktop_config.json",
    "Library/Application Support/Code/User/mcp.json",
    "Library/Application Support/Code/User/settings.json",
    "Library/Application Support/Cursor/User/settings.json",
    "AppData/Roaming/Claude/claude_desktop_config.json",
    "AppData/Roaming/Code/User/mcp.json",
)


def agent_places(project: str, home: str) -> list[str]:
    """The files and folders of agents that are there.

    Args:
        project: a project's folder.
        home: the user's home folder.
    """
    places = [os.path.join(project, name) for name in _IN_PROJECT]
    places += [os.path.join(home, name) for name in _OF_USER]
    return [place for place in dict.fromkeys(map(os.path.normpath, places)) if os.path.lexists(place)]
