"""Command lines read without click mean what click makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from keyleak.cli.options import with_report_options
from keyleak.cli.plain import plain_command
from keyleak.commands.console import Console
from keyleak.commands.options import ReportOptions
from keyleak.commands.scan import ScanOptions
from keyleak.errors import ExitCode


def test_the_defaults_of_every_option_are_those_of_the_records() -> None:
    taken: list[object] = []

    @click.command()
    @with_report_options
    def probe(*, options: ReportOptions, console: Console) -> ExitCode:
        taken.extend([options, console])
        return ExitCode.CLEAN

    probe.main([], standalone_mode=False)
    assert taken == [ReportOptions(), Console()]


def test_the_defaults_of_scan_are_those_of_the_record() -> None:
    from keyleak.cli.scan import scan

    context = scan.make_context("scan", [])
    assert context.params["ignored"] is ScanOptions().ignored
    assert context.params["paths"] == ()
    assert not context.params["agents"]


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["--help"], ["scan", "--help"], ["scan", "-"], ["scan", "--jobs", "1"], ["staged", "-q"],
        ["staged", "--", "-x"], ["staged", "--", "--"], ["hook"], ["hook", "run"], ["hook", "doctor"],
        ["hook", "run", "github-action"], ["history"], ["rules", "list"], ["Scan"],
    ],
)  # fmt: skip
def test_anything_else_is_left_to_click(arguments: list[str]) -> None:
    assert plain_command(arguments) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan"],
        ["scan", "a", "b"],
        ["scan", "--", "a"],
        ["staged"],
        ["hook", "run", "pre-push", "--", "o", "u"],
    ],
)
def test_paths_alone_are_plain(arguments: list[str]) -> None:
    assert plain_command(arguments) is not None


def test_a_plain_scan_loads_no_click_and_no_dataclasses(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "plain.txt").write_text("nothing\n")

    def scan() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "importtime", Path(sys.executable).with_name("keyleak"), "scan"],
            cwd=folder, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip

    scan()  # keeps the rules
    done = scan()
    assert done.stdout.startswith("No key found. Read 1 file")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"click", "yaml", "dataclasses", "inspect", "hyperscan", "multiprocessing", "rich"}
    assert loaded & heavy == set()
