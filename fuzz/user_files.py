"""Files that a user writes or hands over: a value comes of each, or an error of one line."""

from __future__ import annotations

import sys
from typing import Final

import atheris

with atheris.instrument_imports(include=["keyleak"]):
    from keyleak.decisions.baseline import read_baseline
    from keyleak.decisions.config_reader import read_configuration
    from keyleak.decisions.foreign_ignores import read_ignores
    from keyleak.errors import KeyleakError
    from keyleak.reports.reader import read_report
    from keyleak.rulebook.issuer_file import read_issuer

_READERS: Final = (
    (read_issuer, "rule.yaml"),
    (read_configuration, "keyleak.yaml"),
    (read_configuration, "pyproject.toml"),
    (read_baseline, "baseline.json"),
    (read_report, "report.json"),
    (read_ignores, ".gitleaksignore"),
    (read_ignores, ".secrets.baseline"),
)


def read(data: bytes) -> None:
    """Read a file; its first byte says of which kind it is."""
    reader, name = _READERS[data[0] % len(_READERS) if data else 0]
    said = ""
    try:
        reader(data[1:].decode("utf-8", "replace"), name)
    except KeyleakError as error:
        said = str(error)
    assert "\n" not in said, "an error is one line"


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
