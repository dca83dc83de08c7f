"""The explanations of `--explain`, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Explanation, Location
    from keyleak.reports.masking import Masker

_SHOWN_HASH = 12


def render_explanations(explanations: Sequence[Explanation], masker: Masker) -> str:
    """Every key-shaped text, why it was or was not reported, and what was weighed.

    Args:
        explanations: in the order in which they are to be shown.
        masker: redacts keys in names.
    """
    reported = sum(each.reported for each in explanations)
    heading = f"Explained: {len(explanations):,} key-shaped texts, {reported:,} of them reported as keys"
    return "\n".join(["", heading, *(line for each in explanations for line in _lines(each, masker)), ""])


def _lines(explanation: Explanation, masker: Masker) -> list[str]:
    said = "reported" if explanation.reported else "not reported"
    place = printable(masker.mask(_place(explanation.location)))
    return [
        f"{place}  {explanation.redacted}",
        f"  {said}: {explanation.verdict}",
        *(f"    {printable(masker.mask(line))}" for line in explanation.considered),
    ]


def _place(location: Location) -> str:
    what = location.path.removeprefix("./") if location.path else location.kind.value
    if location.path is None and location.blob:
        what = f"object {location.blob[:_SHOWN_HASH]}"
    return f"{' > '.join((what, *location.container))}:{location.line}:{location.column}"
