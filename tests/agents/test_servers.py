"""Servers of agents' configuration files, and the files themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.agents.servers import Server, SignIn, servers
from keyleak.rulebook.template import expand

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
KEY = expand("sk_live_${base62:42}", 5)


@pytest.mark.parametrize(
    ("how", "sign_in"),
    [
        ({"url": "https://agents.flora.ai/mcp"}, SignIn.URL_ONLY),
        ({"type": "http", "url": "https://agents.flora.ai/mcp", "headers": {}}, SignIn.URL_ONLY),
        ({"command": "npx", "args": ["-y", "flora-mcp"], "env": {"FLORA_API_KEY": KEY}}, SignIn.VALUE),
        ({"url": "https://x", "headers": {"Authorization": f"Bearer {KEY}"}}, SignIn.VALUE),
        ({"command": "npx", "args": ["-y", "flora-mcp", "--api-key", KEY]}, SignIn.VALUE),
        ({"command": "npx", "env": {"FLORA_API_KEY": "${FLORA_API_KEY}"}}, SignIn.REFERENCE),
        ({"url": "https://x", "headers": {"Authorization": "Bearer ${input:key}"}}, SignIn.REFERENCE),
        ({"command": "npx", "args": ["-y", "something"]}, SignIn.PROGRAM),
    ],
)
@pytest.mark.parametrize("name", ["mcpServers", "servers"])
def test_how_a_server_is_signed_in_to(how: dict[str, object], sign_in: SignIn, name: str) -> None:
    content = json.dumps({name: {"flora": how}})
    assert servers(content.encode(), "mcp.json") == [Server("flora", sign_in)]
    nested = json.dumps({"projects": {"/w": {name: {"flora": how}}}})
    assert servers(nested.encode(), ".claude.json") == [Server("flora", sign_in)]


def test_toml_comments_and_other_files() -> None:
    toml = b'[mcp_servers.flora]\nurl = "https://agents.flora.ai/mcp"\n'
    assert servers(toml, "config.toml") == [Server("flora", SignIn.URL_ONLY)]
    commented = b'{ // mine\n "servers": {"flora": {"url": "https://agents.flora.ai/mcp",},}, }'
    assert servers(commented, "mcp.json") == [Server("flora", SignIn.URL_ONLY)]
    for content in (b"", b"[1]", b"\xff", b'{"mcpServers": 3}', b'{"mcpServers": {"a": 1}}', b"[" * 100_000):
        assert servers(content, "x.json") == []


def test_the_places_of_this_user_are_scanned(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    for path, content in (
        (home / ".cursor/mcp.json", {"mcpServers": {"fine": {"url": "https://agents.flora.ai/mcp"}}}),
        (home / ".claude.json", {"mcpServers": {"flora": {"command": "x", "env": {"FLORA_API_KEY": KEY}}}}),
        (project / ".mcp.json", {"mcpServers": {"other": {"url": "https://example.com"}}}),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    (home / ".claude/projects/p").mkdir(parents=True)
    (home / ".claude/projects/p/s.jsonl").write_text(json.dumps({"text": f"STRIPE_SECRET_KEY={KEY}"}))
    (project / "not-an-agent.txt").write_text(f"FLORA_API_KEY={expand('sk_live_${base62:42}', 6)}")
    done = subprocess.run(
        [KEYLEAK, "scan", "--agents", "--format", "json"],
        cwd=project,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (found,) = json.loads(done.stdout)["findings"]
    assert {Path(place["path"]).name for place in found["locations"]} == {".claude.json", "s.jsonl"}
    assert "'fine' is configured by its URL alone" in done.stderr
    assert "'flora' is configured with a value that stands here" in done.stderr
    assert KEY not in done.stderr + done.stdout


def test_nothing_to_scan_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [KEYLEAK, "scan", "--agents"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "nothing to scan" in done.stderr
