"""Suggested patches: `git apply` takes every one, and the patched file parses."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.remediation.patch import patch_file
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

KEY = expand("sk_live_${base62:42}", 31)
FILES = {
    "app.ts": f"const c = new Flora({{ apiKey: '{KEY}' }});\nconst h = {{ flora: 'Bearer {KEY}' }};\n",
    "app.js": f'const c = new Flora({{ apiKey: "{KEY}" }});',
    "app.py": f'"""Doc."""\nfrom __future__ import annotations\n\nflora = Flora(api_key="{KEY}")\n',
    "bearer.py": f'FLORA_API_KEY = "{KEY}"\nh = {{"x-flora-api-key": "Bearer {KEY}"}}\r\n',
    "main.go": f'package main\n\nconst floraKey = "{KEY}"\n\nfunc main() {{ flora.New(floraKey) }}\n',
    "two.go": f'package main\n\nimport (\n\t"fmt"\n)\n\nvar FLORA_API_KEY = fmt.Sprint("{KEY}")\n',
    "app.rb": f'FLORA_API_KEY = "{KEY}"\n',
    "app.php": f"<?php\n$flora_api_key = '{KEY}';\n",
    "App.java": f'class App {{ String FLORA_API_KEY = "{KEY}"; }}\n',
    "run.sh": f"export FLORA_API_KEY='{KEY}'\ncurl -H 'x-flora-api-key: {KEY}' https://app.flora.ai\n",
    "app.yaml": f"FLORA_API_KEY: {KEY} # caf\u00e9\nenv:\n  - FLORA_API_KEY={KEY}\n",
    ".github/workflows/ci.yml": f"env:\n  FLORA_API_KEY: {KEY}\n",
    "Dockerfile": f"FROM scratch\nENV FLORA_API_KEY={KEY}\n",
    "main.tf": f'locals {{\n  flora_api_key = "{KEY}"\n}}',
    ".mcp.json": f'{{"env": {{"FLORA_API_KEY": "{KEY}"}}}}\n',
    "prod.env": f'FLORA_API_KEY="{KEY}"\nB=1\n',
}

PARSERS = {
    ".js": ["node", "--check"],
    ".ts": ["node", "--check"],
    ".go": ["gofmt", "-e"],
    ".sh": ["bash", "-n"],
    ".java": ["javac", "-proc:none", "-d", "."],
    ".rb": ["ruby", "-c"],
    ".php": ["php", "-l"],
    ".tf": ["terraform", "fmt", "-write=false"],
}
# Terraform's file of settings, and its look for news, are not for tests.
PARSING = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}


def parses(path: Path, scratch: Path) -> None:
    """Check a file with the parser of its language, where one is at hand."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        ast.parse(text)
    elif path.suffix in {".yaml", ".yml"}:
        assert "$" in str(yaml.safe_load(text))
    elif path.suffix == ".json":
        json.loads(text)
    program = PARSERS.get(path.suffix)
    if program and shutil.which(program[0]):
        # The TypeScript sample has no types, so that it is JavaScript as well.
        copy = scratch / (f"{path.name}.js" if path.suffix == ".ts" else path.name)
        copy.write_text(text, encoding="utf-8")
        subprocess.run([*program, str(copy)], cwd=scratch, check=True, capture_output=True, env=PARSING)


def test_every_patch_applies_and_what_it_makes_parses(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {name: text.encode() for name, text in FILES.items()}, "leak")
    out = tmp_path / "out"
    assert main(["fix", str(repository), "--output", str(out), "--quiet"]) == ExitCode.FINDINGS
    patch = out / "worktree.patch"
    git(repository, "apply", "--check", str(patch))
    git(repository, "apply", str(patch))
    changed = git(repository, "diff", "--name-only").decode().split()
    assert sorted(changed) == sorted(FILES)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in FILES:
        assert KEY not in (repository / name).read_text(encoding="utf-8")
        parses(repository / name, scratch)
    assert main(["scan", str(repository), "--quiet"]) == ExitCode.CLEAN


@pytest.mark.parametrize("name", ["notes.txt", "image.svg", 'a"b.py', "flow.yaml"])
def test_file_of_no_known_language_is_left(name: str) -> None:
    assert patch_file(name, f"k: [A={KEY}]\n".encode(), {Secret(KEY.encode()): "FLORA_API_KEY"}) is None
