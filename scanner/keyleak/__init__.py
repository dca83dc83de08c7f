"""keyleak finds leaked `sk_live_` and `sk_test_` keys and says whose they are."""

from keyleak._version import __version__

__all__ = ["__version__"]
