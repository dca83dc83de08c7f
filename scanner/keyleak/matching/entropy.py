"""Shannon entropy of a key's body: supporting evidence, never the only judge."""

from __future__ import annotations

from collections import Counter
from math import log2


def shannon_entropy(body: bytes) -> float:
    """Bits per character of the distribution of its bytes; 0 for nothing or one repeated byte."""
    length = len(body)
    if length == 0:
        return 0.0
    return -sum(count / length * log2(count / length) for count in Counter(body).values())
