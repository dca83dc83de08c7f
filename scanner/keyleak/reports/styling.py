"""Colours of a terminal, where they are wanted."""

from __future__ import annotations

import click


class Style:
    """Styles words, or leaves them as they are."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def of(self, text: str, foreground: str | None = None, *, bold: bool = False) -> str:
        """The text in a colour that `click.style` names."""
        return click.style(text, fg=foreground, bold=bold) if self._colour and text else text
