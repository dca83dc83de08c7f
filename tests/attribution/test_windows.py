"""Windows of a long content give the same answers as the whole, whatever encloses a key."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.findings import LocationKind
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.reading import MARGIN, Reader
from strategies import rulebook

INSPECTOR = Inspector(rulebook())
FORMS = (
    "FLORA_API_KEY=sk_live_${base62:42}\n\n",
    "STRIPE_SECRET_KEY=sk_test_${base62:24}\n",
    "stripe:\n  secret_key: sk_test_${base62:24}\n\n",
    "fetch('https://api.paystack.co/x', {\n  headers: {\n    A: 'Bearer sk_live_${hex:40}'\n  }\n})\n",
    "FLORA_API_BASE_URL=https://api.floraapi.com\nFLORA_API_KEY=sk_live_${base62:48}\n\n",
    "SECRET=sk_live_${base62:30}\n",
    "new Flora({\n  apiKey: '${base62:40}',\n})\n\n",
)
WINDOW = 4 * MARGIN


@given(
    parts=st.lists(
        st.tuples(st.sampled_from(FORMS), st.integers(0, 99), st.integers(0, 9000)), min_size=4, max_size=12
    ),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=12, deadline=None)
def test_windows_name_the_same_issuers_as_the_whole(parts: list[tuple[str, int, int]], newline: str) -> None:
    # A beginning longer than what is looked at for imports: what a file says is then the same in both.
    text = "x = 1\n\n" * 6000 + "".join(
        expand(form, seed) + "\n" + "# filler\n\n" * (gap // 10) for form, seed, gap in parts
    )
    content = text.replace("\n", newline).encode()
    whole = INSPECTOR.inspect(content, Place(LocationKind.FILE, "f")).sightings
    windows = Reader(INSPECTOR, window=WINDOW).read_stream(io.BytesIO(content), Place(LocationKind.FILE, "f"))
    assert [(each.location, each.secret, each.attribution.issuer) for each in windows.sightings] == [
        (each.location, each.secret, each.attribution.issuer) for each in whole
    ]
