"""Any content: the inspector neither fails nor hangs, shows no key, and finds one on a line of its own."""

from __future__ import annotations

import sys
from typing import Final

import atheris

with atheris.instrument_imports(include=["keyleak"]):
    # What a content needs is loaded when one does; here it has to be instrumented first.
    import keyleak.attribution.attributor
    import keyleak.sources.examiner
    import keyleak.sources.opening  # noqa: F401
    from keyleak.findings import LocationKind
    from keyleak.rulebook.loader import load_rulebook
    from keyleak.sources.inspector import Inspector, Place

from keyleak.rulebook.template import expand
from keyleak.unexpected import is_unexpected

_INSPECTOR: Final = Inspector(load_rulebook())
_PLACE: Final = Place(LocationKind.FILE, "content")
_KEY: Final = expand("sk_live_51${base62:97}", 1).encode()
_LINE: Final = b"\n\nSTRIPE_SECRET_KEY=" + _KEY + b"\n\n"


def inspect(content: bytes) -> None:
    """Inspect a content, with a key on a line of its own behind it."""
    found = _INSPECTOR.inspect(content + _LINE, _PLACE)
    # An exception is contained and listed, so that it would pass for an input that is merely damaged.
    assert not [gap for gap in found.gaps if is_unexpected(gap.reason)], "an exception was raised"
    keys = [sighting.secret.reveal() for sighting in found.sightings]
    assert _KEY in keys, "a key on its own line was overlooked"
    for sighting in found.sightings:
        assert sighting.location.line is None or sighting.location.line > 0
        assert sighting.secret.reveal().decode("latin-1") not in sighting.excerpt, "an excerpt shows a key"


if __name__ == "__main__":
    atheris.Setup(sys.argv, inspect)
    atheris.Fuzz()
