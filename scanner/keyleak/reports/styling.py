"""Colours of a terminal, where they are wanted."""

from __future__ import annotations


class Style:
    """Styles words, or leaves them as they are."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def of(self, text: str, foreground: str | None = None, *, bold: bool = False) -> str:
        """The text in a colour that `click.style` names."""
        if not self._colour or not text:
            return text
        # Only a terminal gets colours, and a hook mostly has none.
        import click  # noqa: PLC0415

        return click.style(text, fg=foreground, bold=bold)
