"""The HTTP client that keys are sent with: TLS checked, no redirect, no cookie, a proxy only if named."""

from __future__ import annotations

import os
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

import certifi
import httpx

from keyleak.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 15.0
_MOST_CONNECTIONS: Final = 32


def http_client(urls: Iterable[str], transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client for requests to these addresses.

    Args:
        urls: what will be asked for; says which proxies are needed.
        transport: takes the place of the network, proxies included.

    Raises:
        UsageError: the environment names a proxy or a file of authorities that cannot be used.
    """
    context = tls_context(os.environ)
    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS)
    named = {} if transport else {urlsplit(url).hostname: proxy_for(url) for url in urls}
    return httpx.AsyncClient(
        transport=transport or httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False),
        mounts={
            f"https://{host}": httpx.AsyncHTTPTransport(
                verify=context, limits=limits, trust_env=False, proxy=proxy
            )
            for host, proxy in named.items()
            if proxy
        },
        # Nothing from the environment but what is read here on purpose.
        trust_env=False,
        follow_redirects=False,
        # A jar whose policy takes nothing: a server must not be able to link one key to the next.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
    )


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """TLS with the host's name and chain checked, by certifi's authorities or those the environment names.

    Unlike `ssl.create_default_context` it does not heed SSLKEYLOGFILE, which would let whoever reads that
    file decrypt what was sent.

    Raises:
        UsageError: the authorities that the environment names cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        context.load_verify_locations(file or (None if folder else certifi.where()), folder)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"SSL_CERT_FILE or SSL_CERT_DIR: no certificates there ({error.strerror})"
        ) from error
    return context


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address, or None.

    Only `https_proxy`, `all_proxy` and `no_proxy` in the environment count, not a setting of the desktop,
    which nobody named for this program. Plain http goes to loopback only, and never through a proxy.

    Raises:
        UsageError: it is none that can be used.
    """
    parts = urlsplit(url)
    proxies = getproxies_environment()
    proxy = proxies.get("https") or proxies.get("all")
    if parts.scheme != "https" or not proxy or is_loopback(parts.hostname or ""):
        return None
    if _is_excepted(parts.hostname or "", proxies.get("no", "")):
        return None
    named = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(named).scheme not in {"http", "https"} or not urlsplit(named).hostname:
        raise UsageError("the environment's https_proxy is no http:// or https:// address")
    return named


def _is_excepted(host: str, no_proxy: str) -> bool:
    """Whether `no_proxy` names a host: `*`, the host itself or a domain that it belongs to."""
    names = [name.strip().lower().removeprefix("*").removeprefix(".") for name in no_proxy.split(",")]
    named = [name for name in names if name]
    return no_proxy.strip() == "*" or any(host == name or host.endswith(f".{name}") for name in named)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name alone: `localhost` or a loopback address."""
    import ipaddress  # noqa: PLC0415 - only where a proxy or a test server is named

    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
