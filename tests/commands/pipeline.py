"""The action's own steps, run in bash as GitHub's runner runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from commands.hooked import KEY, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commands.hooked import Person

ROOT = Path(__file__).parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
INSTALL, SCAN = ACTION["runs"]["steps"]
ZEROS = "0" * 40


class Runner:
    """Runs a step of the action as GitHub's runner does."""

    def __init__(self, checkout: Person, temporary: Path) -> None:
        self.checkout = checkout
        self.temporary = temporary
        temporary.mkdir()
        # What the step before made: a virtual environment with keyleak in it.
        (temporary / "keyleak").symlink_to(PROGRAMS.parent)

    def run(
        self,
        name: str,
        event: object,
        inputs: Mapping[str, str] | None = None,
        step: Mapping[str, Any] = SCAN,
        **more: str,
    ) -> dict[str, Any]:
        path = self.temporary / "event.json"
        path.write_text(event if isinstance(event, str) else json.dumps(event))
        output, summary = self.temporary / "output", self.temporary / "summary"
        for file in (output, summary):
            file.write_text("")
        given = {key: each["default"] for key, each in ACTION["inputs"].items()} | dict(inputs or {})
        variables = {
            key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: given[match[1]], value)
            for key, value in step["env"].items()
        }
        done = self.checkout.run(
            "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"],
            RUNNER_TEMP=str(self.temporary), GITHUB_EVENT_NAME=name, GITHUB_EVENT_PATH=str(path),
            GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary),
            **{"GITHUB_SHA": self.checkout.head(), "GITHUB_ACTION_PATH": str(ROOT), **variables, **more},
        )  # fmt: skip
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        assert KEY not in done.stdout + done.stderr + summary.read_text()
        return {
            "exit": done.returncode,
            "out": done.stdout,
            "err": done.stderr,
            "summary": summary.read_text(),
            "reasons": self._reasons(),
            **outputs,
        }

    def _reasons(self) -> list[tuple[str, str | None]]:
        """The status and reason of each finding in the JSON report."""
        report = self.temporary / "keyleak.json"
        if not report.exists():
            return []
        found = json.loads(report.read_text())["findings"]
        report.unlink()
        return [(each["status"], each["reason"]) for each in found]


def pull(base: str, head: str) -> dict[str, Any]:
    return {"pull_request": {"base": {"sha": base}, "head": {"sha": head}}}


def push(before: str, after: str, ref: str = "refs/heads/main") -> dict[str, Any]:
    return {"before": before, "after": after, "ref": ref, "repository": {"default_branch": "main"}}
