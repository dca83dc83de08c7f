"""What goes to standard error: notes, warnings, progress. Standard output belongs to the report."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keyleak.key_shapes import masked_message
from keyleak.records import dataclass
from keyleak.terminal import printable, size, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from rich.progress import Progress

    from keyleak.coverage import Coverage

# Shorter work needs no bar, and drawing more often costs more than it tells.
_SHOW_AFTER: Final = 0.5
_REDRAW_EVERY: Final = 0.1
_USUAL_WIDTH: Final = 80
# Below, words would stand one on a line; above, lines are too long to read.
_LEAST_WIDTH: Final = 60
_MOST_WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Console:
    """Where words for people go."""

    quiet: bool = False
    """Whether only errors are printed."""
    show_progress: bool = True

    def note(self, text: str) -> None:
        """Something worth knowing that is not an error."""
        if not self.quiet:
            print_error(text)

    def text(self, lines: Iterable[str]) -> None:
        """Several lines that belong together, as they are."""
        if not self.quiet:
            for line in lines:
                _print(printable(masked_message(line)))

    def error(self, text: str) -> None:
        """One line that says what went wrong and what to do."""
        print_error(text)

    def progress(self, doing: str) -> ScanProgress:
        """A progress line for long work, drawn only on a terminal."""
        wanted = self.show_progress and not self.quiet and sys.stderr.isatty()
        return ScanProgress(doing, wanted=wanted)


def print_line(text: str) -> None:
    """Lines on standard output, of a command whose output is no report: without keys, safe to print."""
    # Whoever closed the pipe has read enough.
    with suppress(BrokenPipeError):
        for line in text.split("\n"):
            print(printable(masked_message(line)), flush=True)  # noqa: T201


def print_error(text: str) -> None:
    """A line on standard error: without keys, safe to print."""
    line = printable(masked_message(text).replace("\n", " "))
    _print(f"keyleak: {line}")


def _print(line: str) -> None:
    # Where nobody reads standard error, the exit code still says what happened.
    with suppress(BrokenPipeError):
        print(without_commands(line), file=sys.stderr, flush=True)  # noqa: T201


def wants_colour(choice: str, *, to_terminal: bool) -> bool:
    """Whether to colour output.

    Args:
        choice: `always`, `never`, or `auto`, which means on a terminal unless `NO_COLOR` is set.
        to_terminal: whether the output goes to a terminal.
    """
    if choice != "auto":
        return choice == "always"
    return to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Columns for text: those of the terminal or of `COLUMNS`, 80 where neither tells, 60 to 120."""
    import shutil  # noqa: PLC0415 - only for a report

    usual = shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns
    return max(_LEAST_WIDTH, min(_MOST_WIDTH, usual))


class ScanProgress:
    """A line on standard error that says how far a scan is; gone when it ends."""

    def __init__(self, doing: str, *, wanted: bool) -> None:
        self._doing = doing
        self._wanted = wanted
        self._started = self._drawn = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> ScanProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, coverage: Coverage, keys: int) -> None:
        """Draw what was read by now, if it is time to."""
        if not self._is_due():
            return
        now = time.monotonic()
        rate = coverage.bytes / (now - self._started)
        counts = coverage.objects
        objects = counts.blob + counts.commit + counts.tag + counts.tree
        what = f"{objects:,} objects" if objects else f"{coverage.files:,} files"
        read = f"{what}, {size(coverage.bytes)}, {size(int(rate))}/s"
        self._draw(f"{self._doing}: {read}" + (f", {keys:,} keys seen" if keys else ""))

    def tell(self, text: str) -> None:
        """Draw words of another program on how far it is, if it is time to."""
        if self._is_due():
            self._draw(printable(masked_message(text)))

    def _is_due(self) -> bool:
        now = time.monotonic()
        return self._wanted and now - self._started >= _SHOW_AFTER and now - self._drawn >= _REDRAW_EVERY

    def _draw(self, text: str) -> None:
        self._drawn = time.monotonic()
        if self._bar is None:
            self._bar = _bar(text)
        self._bar.update(self._bar.task_ids[0], description=text)
        self._bar.refresh()


def _bar(text: str) -> Progress:
    # Imported only where work turns out to be long: it costs as much as a small scan.
    from rich.console import Console as RichConsole  # noqa: PLC0415
    from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

    # No refresh thread: processes are forked while the bar is there.
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        console=RichConsole(stderr=True),
        auto_refresh=False,
        transient=True,
    )
    bar.start()
    bar.add_task(text, total=None)
    return bar
