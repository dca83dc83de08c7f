"""Files that decide on a scan, as text or bytes: what cannot be read is an error of the configuration."""

from __future__ import annotations

from keyleak.errors import ConfigError
from keyleak.regular_file import BASELINE_LIMIT, read_given, read_regular


def text_of(file: str, limit: int = BASELINE_LIMIT) -> str:
    """The text of a file that the user named.

    Args:
        file: its name.
        limit: most bytes that it may have.

    Raises:
        ConfigError: it cannot be read, is a device or a folder, is too large, or is not UTF-8.
    """
    return decoded(given_bytes(file, limit), file)


def given_bytes(file: str, limit: int) -> bytes:
    """The content of a file that the user named; see `text_of`.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_given(file, limit)
    except OSError as error:
        raise _unreadable(file, error) from error


def decoded(content: bytes, file: str) -> str:
    """The text of a content.

    Raises:
        ConfigError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(file, None, f"is not UTF-8: {error.reason} at byte {error.start}") from error


def own_bytes(file: str, limit: int, inside: str) -> bytes:
    """The content of a file that came with a repository."""
    try:
        return read_regular(file, limit, inside=inside)
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: str, error: OSError) -> ConfigError:
    return ConfigError(file, None, f"cannot be read: {error.strerror}")
