"""keyleak finds leaked `sk_live_` and `sk_test_` keys and says whose they are.

For use in other programs:

    import keyleak

    for finding in keyleak.scan_bytes(content):
        print(finding.issuer, finding.secret, finding.locations[0].line)

The names are loaded when they are used, so that the command line pays for none of them.
"""

from keyleak._version import __version__

# As in `typing`, which is a file: `keyleak.cli.search_path` says why nothing is imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from keyleak.embedding import ScanResult, scan_bytes, scan_content, scan_paths
    from keyleak.findings import Finding

__all__ = ["Finding", "ScanResult", "__version__", "scan_bytes", "scan_content", "scan_paths"]


def __getattr__(name: str) -> object:
    """Load a public name on first use (PEP 562)."""
    import importlib  # noqa: PLC0415 - keeps `import keyleak` free

    if name == "Finding":
        return importlib.import_module("keyleak.findings").Finding
    if name in __all__:
        return getattr(importlib.import_module("keyleak.embedding"), name)
    raise AttributeError(f"module 'keyleak' has no attribute {name!r}")
