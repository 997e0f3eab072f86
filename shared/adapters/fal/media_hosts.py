"""Which URLs fal.ai's files may be fetched from, and which addresses may be connected to (design §10)."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import httpx

from shared.errors import ArtifactUnavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = {"http": 80, "https": 443}
# the only part of IPv6 that is given out to the public: site-local and what nobody owns yet lie outside
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
MAX_HOST_CHARACTERS = 100


@dataclass(frozen=True, kw_only=True)
class MediaHost:
    """One entry of FAL_MEDIA_HOSTS: a host, perhaps a port, perhaps the first segments of the path.

    A loopback host is only ever configured for a stand-in on one's own machine: it may use plain http, and
    any port where the entry names none.
    """

    host: str
    port: int | None = None
    segments: tuple[str, ...] = ()

    @classmethod
    def parse(cls, entry: str) -> MediaHost:
        """Read `host`, `host:port`, `host/path` or all of them; ValueError where it is none of these."""
        try:
            url = httpx.URL(f"https://{f'[{entry}]' if entry.count(':') > 1 and entry[0] != '[' else entry}")
        except httpx.InvalidURL as error:
            raise ValueError(f"{entry!r} is no media host") from error
        if not url.host or url.userinfo or url.query or url.fragment or "://" in entry:
            raise ValueError(f"{entry!r} is no media host")
        return cls(host=_host(url), port=url.port, segments=_segments(_path(url).rstrip("/")))

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return self.host in LOOPBACK_HOSTS

    def admits(self, url: httpx.URL) -> bool:
        """Whether `url` lies under this entry; by the whole host and by whole segments of the path."""
        return (
            _host(url) == self.host
            and self._admits_scheme_and_port(url)
            and _segments(_path(url))[: len(self.segments)] == self.segments
        )

    def _admits_scheme_and_port(self, url: httpx.URL) -> bool:
        if url.scheme not in (("https", "http") if self.is_loopback else ("https",)):
            return False
        any_port = self.is_loopback and self.port is None
        return any_port or port_of(url) == (self.port or DEFAULT_PORTS["https"])


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").lower().strip("[]")


def _path(url: httpx.URL) -> str:
    return url.raw_path.partition(b"?")[0].decode("ascii")


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")[1:])


def port_of(url: httpx.URL) -> int:
    """The port that a request to `url` goes to."""
    return DEFAULT_PORTS[url.scheme] if url.port is None else url.port


def label(url: httpx.URL) -> str:
    """How an error names `url`: its host, and nothing that may be secret."""
    return _host(url)[:MAX_HOST_CHARACTERS] or "no host"


def admitted(url: str | httpx.URL, hosts: Iterable[MediaHost]) -> tuple[httpx.URL, MediaHost]:
    """The URL, parsed, and the entry that admits it; `ArtifactUnavailable` where none does."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ArtifactUnavailable(reason="fal.ai names an address that is no URL") from error
    if parsed.userinfo:
        raise ArtifactUnavailable(reason=f"{label(parsed)}: an address with a user is not fetched")
    if {".", ".."} & set(re.split(r"[/\\]", unquote(_path(parsed)))):
        raise ArtifactUnavailable(reason=f"{label(parsed)}: a path with dots is not fetched")
    for host in hosts:
        if host.admits(parsed):
            return parsed, host
    raise ArtifactUnavailable(reason=f"{label(parsed)}: not one of the configured media hosts")


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The host's addresses as the operating system finds them, best first; OSError where there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_addresses(url: httpx.URL, host: MediaHost, resolve: Resolve) -> Sequence[Address]:
    """The addresses of the URL's host, all of them allowed; `ArtifactUnavailable` where one is not.

    The connection has to be made to one of these, not to the name, which may resolve differently next time.
    """
    try:
        addresses = [ipaddress.ip_address(text) for text in resolve(host.host, port_of(url))]
    except (OSError, ValueError) as error:
        raise ArtifactUnavailable(reason=f"{label(url)}: the name cannot be resolved") from error
    allowed = is_this_machine if host.is_loopback else is_public
    if not addresses or not all(allowed(address) for address in addresses):
        raise ArtifactUnavailable(reason=f"{label(url)}: it resolves to an address that is not allowed")
    return addresses


def is_this_machine(address: Address) -> bool:
    """Whether the address is a loopback address."""
    return address.is_loopback


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet as itself, not through a mapping or a tunnel."""
    if isinstance(address, ipaddress.IPv6Address) and (address not in GLOBAL_UNICAST or _carries_ipv4(address)):
        return False
    special = address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    return address.is_global and not special and not address.is_unspecified


def _carries_ipv4(address: ipaddress.IPv6Address) -> bool:
    return any(inner is not None for inner in (address.ipv4_mapped, address.sixtofour, address.teredo))
