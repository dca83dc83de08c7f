"""Runs one target for some time, from seeds made anew: `python3 .ci/environment.py fuzz TARGET [SECONDS]`.

Seeds are made from the labelled corpus at run time, since no key may stand in this repository. What fails is
kept in `.fuzz/TARGET/`, which is not committed either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
_SECONDS: Final = 60
_SLOWEST: Final = 20  # seconds for one input
_LARGEST: Final = 20_000


def contents() -> Iterator[bytes]:
    """The files of the corpus, archives and all."""
    from corpus.cases import read_cases  # noqa: PLC0415 - needs the folder of tests on the path

    return (case.content for case in read_cases() if len(case.content) <= _LARGEST)


def user_files() -> Iterator[bytes]:
    """Files of each kind, behind the byte that names it."""
    for rule in sorted((ROOT / "rules").glob("*.yaml")):
        yield b"\0" + rule.read_bytes()
    with tempfile.TemporaryDirectory() as temporary:
        written = (*_WRITTEN[:2], *_by_keyleak(Path(temporary)), *_WRITTEN[2:])
    for number, text in enumerate(written, 1):
        yield bytes([number]) + text.encode()


def _by_keyleak(folder: Path) -> tuple[str, str]:
    """A baseline and a report, as keyleak writes them."""
    from keyleak.rulebook.template import expand  # noqa: PLC0415 - where keyleak is installed

    (folder / "leak.env").write_text(f"FLORA_API_KEY={expand('sk_live_${base62:42}')}\n")
    baseline = folder / ".keyleak-baseline.json"
    for command in (
        ["git", "init", "-q"],
        ["keyleak", "baseline", "create", f"--baseline={baseline}", "leak.env"],
        ["keyleak", "scan", "--exit-zero", "--no-config", "--format=json:report.json", "leak.env"],
    ):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return baseline.read_text(), (folder / "report.json").read_text()


def changes() -> Iterator[bytes]:
    """One changed byte in the pack, one in its index."""
    return (bytes([file, 0, place, 1]) for file in (0, 1) for place in range(0, 256, 16))


_WRITTEN: Final = (
    "allow:\n- path: docs/**\n  reason: examples\n  expires: 2027-01-01\nseverity: []\n",
    '[tool.keyleak]\nallow = [{path = "docs/**", reason = "examples"}]\n',
    "0123456789abcdef:docs/a.md:generic-api-key:12\n",
    '{"version": "1.5.0", "results": {"a": [{"type": "x", "hashed_secret": "00", "line_number": 1}]}}',
)
_TARGETS: Final[Mapping[str, Callable[[], Iterator[bytes]]]] = {
    "content": contents,
    "user_files": user_files,
    "damaged_pack": changes,
}


def main(arguments: list[str]) -> int:
    """Run the target that the arguments name."""
    if not arguments or arguments[0] not in _TARGETS:
        sys.exit(f"{__doc__}\nTargets: {', '.join(_TARGETS)}")
    target = arguments[0]
    seconds = int(arguments[1]) if arguments[1:] else _SECONDS
    folder = ROOT / ".fuzz" / target
    corpus = folder / "inputs"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(_TARGETS[target]()):
        (corpus / f"seed-{number:04d}").write_bytes(seed)
    limits = [
        f"-max_total_time={seconds}",
        f"-timeout={_SLOWEST}",
        f"-max_len={_LARGEST}",
        "-rss_limit_mb=4096",
    ]
    command = [
        sys.executable,
        str(HERE / f"{target}.py"),
        str(corpus),
        f"-artifact_prefix={folder}/",
        *limits,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run([*command, *arguments[2:]], check=False, env=environment).returncode


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    sys.exit(main(sys.argv[1:]))
