"""`keyleak report` and where reports go: every format, files that cannot be written, two reports compared."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keyleak.cli import main
from keyleak.coverage import Gap
from keyleak.errors import ExitCode
from keyleak.reports.formats import Format, render
from reports.saved import finding, location, presentation, report, undecided

if TYPE_CHECKING:
    import pytest

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))


def save(folder: Path, name: str, *findings: object, **given: object) -> str:
    made = report(*findings, **given)  # type: ignore[arg-type]
    path = folder / name
    path.write_text(render(made, Format.JSON, presentation(made)))
    return str(path)


def test_every_format_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    saved = save(tmp_path, "r.json", finding(0), undecided())
    asked = [word for form in Format for word in ("--format", f"{form.value}:{tmp_path / form.value}.out")]
    assert main(["report", saved, *asked]) == ExitCode.CLEAN
    assert capfd.readouterr() == ("", "")
    for form in Format:
        assert (tmp_path / f"{form.value}.out").stat().st_size > 100


def test_a_folder_that_cannot_be_written_costs_only_its_own_report(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    saved = save(tmp_path, "r.json", finding(0))
    (tmp_path / "file").write_text("no folder")
    asked = [f"sarif:{tmp_path}/nowhere/a", f"csv:{tmp_path}/file/b", f"markdown:{tmp_path}/good"]
    formats = [word for each in asked for word in ("--format", each)]
    assert main(["report", saved, *formats]) == ExitCode.INCOMPLETE
    (line,) = capfd.readouterr().err.splitlines()
    assert "nowhere/a: No such file or directory" in line
    assert "file/b: Not a directory" in line
    assert (tmp_path / "good").read_text().startswith("## keyleak: 1 leaked key")


def test_a_disk_that_fills_leaves_the_old_report(tmp_path: Path) -> None:
    saved = save(tmp_path, "r.json", *(finding(number) for number in range(200)))
    old = tmp_path / "out.sarif"
    old.write_text("old")
    # A limit on the size of files stands in for the disk: the same error, at the same place.
    command = f"trap '' XFSZ; ulimit -f 8; exec '{KEYLEAK}' report {saved} --format sarif:{old}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.INCOMPLETE
    assert done.stderr == f"keyleak: the report could not be written to {old}: File too large\n"
    assert old.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.sarif", "r.json"]


def test_diff_tells_new_gone_and_moved(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    old = save(tmp_path, "old.json", finding(0), finding(1), finding(2, location("a.py", line=1)))
    new = save(tmp_path, "new.json", finding(0), finding(3), finding(2, location("b.py", line=9)))
    assert main(["report", "diff", old, new]) == ExitCode.FINDINGS
    told = capfd.readouterr().out
    assert "New (1)\n  + CRITICAL  FLORA key (live)" in told
    assert "Gone (1)\n  - CRITICAL" in told
    assert "a.py:1:7 -> b.py:9:7" in told
    assert told.endswith("1 new, 1 gone, 1 moved, 1 as before.\n")
    assert main(["report", "diff", old, new, "--format", "json"]) == ExitCode.FINDINGS
    document = json.loads(capfd.readouterr().out)
    assert [each["id"] for each in document["new"]] == [finding(3).id]
    assert [each["id"] for each in document["gone"]] == [finding(1).id]
    assert [each["to"]["id"] for each in document["moved"]] == [finding(2).id]
    assert document["same"] == 1


def test_diff_with_itself_is_clean_and_a_new_commit_is_no_move(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = location(commit="a" * 40)
    old = save(tmp_path, "old.json", finding(0, place), undecided())
    new = save(tmp_path, "new.json", finding(0, replace(place, commit="b" * 40)), undecided())
    assert main(["report", "diff", old, new]) == ExitCode.CLEAN
    assert capfd.readouterr().out == "0 new, 0 gone, 0 moved, 2 as before.\n"


def test_diff_of_an_incomplete_scan_is_no_answer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    old = save(tmp_path, "old.json", finding(0))
    new = save(tmp_path, "new.json", gaps=(Gap("big", "is damaged"),))
    assert main(["report", "diff", old, new]) == ExitCode.INCOMPLETE
    assert "INCOMPLETE" in capfd.readouterr().out
    assert main(["report", "diff", old, new, "--allow-incomplete"]) == ExitCode.CLEAN
    assert main(["report", "diff", old, str(tmp_path / "none")]) == ExitCode.INCOMPLETE


def test_a_report_with_keys_in_the_clear_is_redacted_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = report(finding(0))
    key = made.findings[0].secret.reveal().decode()
    (tmp_path / "open.json").write_text(render(made, Format.JSON, presentation(made, show_secrets=True)))
    assert key in (tmp_path / "open.json").read_text()
    for form in Format:
        assert main(["report", str(tmp_path / "open.json"), "--format", form.value]) == ExitCode.CLEAN
        assert key not in capfd.readouterr().out
