#!/usr/bin/env python3
"""Writes the GitHub workflows that a document shows into a folder: examples.py DOCUMENT FOLDER."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def main(document: str, folder: str) -> None:
    """Every YAML block with jobs, as a file of its own."""
    text = Path(document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    workflows = [block for block in blocks if re.search(r"^jobs:", block, re.MULTILINE)]
    if not workflows:
        sys.exit(f"{document} shows no workflow")
    for number, workflow in enumerate(workflows):
        (Path(folder) / f"example-{number}.yml").write_text(workflow, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
