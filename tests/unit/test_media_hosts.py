"""Which addresses fal.ai's files may be fetched from: decided without any network (design §10)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.fal.media_hosts import MediaHost, admitted, is_public
from shared.errors import ArtifactUnavailable
from shared.settings import FAL_MEDIA_HOSTS

PRODUCTION = tuple(MediaHost.parse(entry) for entry in FAL_MEDIA_HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://v3.fal.media/files/a/b.safetensors",
        "https://V3.FAL.media/files/a/b.safetensors?x=1",
        "https://v3.fal.media:443/files/a",
        "https://fal.media/a%20b/c",
        "https://storage.googleapis.com/falserverless/a/b.bin?sig=a/../b",
        "https://storage.googleapis.com/falserverless",
    ],
)
def test_fal_ais_addresses_are_admitted(url: str) -> None:
    admitted(url, PRODUCTION)


@pytest.mark.parametrize(
    "url",
    [
        "http://v3.fal.media/a",
        "https://v3.fal.media:8443/a",
        "https://v3.fal.media:80/a",
        "https://v3.fal.media.evil.example/a",
        "https://evilfal.media/a",
        "https://sub.v3.fal.media/a",
        "https://fal.media./a",
        "https://fal.media@evil.example/a",
        "https://evil.example/fal.media",
        "https://evil.example#@fal.media/",
        "https://evil.example\\@fal.media/",
        "https://user:secret@fal.media/a",
        "https://user@fal.media/a",
        "https://fal%2emedia/a",
        "https://\uff46al.media/a",
        "https://f\u0430l.media/a",
        "https://storage.googleapis.com/other/a",
        "https://storage.googleapis.com/falserverless-evil/a",
        "https://storage.googleapis.com/FALSERVERLESS/a",
        "https://storage.googleapis.com/falserverless/../other/a",
        "https://storage.googleapis.com/falserverless/%2e%2e/other/a",
        "https://storage.googleapis.com/falserverless%2f..%2fother/a",
        "https://storage.googleapis.com/falserverless/..%5cother/a",
        "https://storage.googleapis.com//falserverless/a",
        "https://storage.googleapis.com/",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "ftp://fal.media/a",
        "file:///etc/passwd",
        "data:text/plain,hello",
        "//fal.media/a",
        "/a",
        "",
        "https://",
        "https://fal.media:port/",
        "https://[fal.media/",
        "https://fal.media/\x00",
        "https://fal.media/" + "a" * 100_000,
        "https://fal.media/\ud800",
        "https://\ud800.fal.media/",
        "https://fal.media/a\nb",
        " https://fal.media/a",
        "https://fal.media /a",
        "https://fal.media:99999/a",
        "https://fal.media:0/a",
        "https://fal.media:-443/a",
        "https://fal.media:443:443/a",
        "https://fal.media%00.evil.example/a",
        "https://fal.media%2f@evil.example/a",
        "https://fal.media,evil.example/a",
        "https://evil.example?@fal.media/a",
        "https://xn--fl-7ia.media/a",
        "https://f\u0101l.media/a",
        "https://fal.medi\u0430/a",
        "https://fal\u2024media/a",
        "https://fal.media\u200b/a",
        "https://f\xadal.media/a",
        "https://[fal.media]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[fe80::1%25eth0]/a",
        "https://2130706433/a",
        "https://0x7f.1/a",
        "https://0177.0.0.1/a",
        "https://127.1/a",
        "https:fal.media/a",
        "https:/fal.media/a",
        "https:///fal.media/a",
        "javascript://fal.media/a",
        "gopher://fal.media/a",
        "https+unix://fal.media/a",
        "blob:https://fal.media/a",
    ],
)
def test_addresses_that_only_look_like_fal_ais_are_refused(url: str) -> None:
    with pytest.raises(ArtifactUnavailable):
        admitted(url, PRODUCTION)


def test_entries_are_read_as_hosts_with_ports_and_paths() -> None:
    assert MediaHost.parse("V3.Fal.Media") == MediaHost(host="v3.fal.media")
    assert MediaHost.parse("bücher.example:8443/a/b/") == MediaHost(
        host="xn--bcher-kva.example", port=8443, segments=("a", "b")
    )
    assert MediaHost.parse("[::1]:8090") == MediaHost(host="::1", port=8090)
    assert MediaHost.parse("::1") == MediaHost(host="::1")
    for entry in ("", "user@fal.media", "fal.media?x", "fal.media:port", "https://fal.media", "fal.media#a"):
        with pytest.raises(ValueError, match="is no media host"):
            MediaHost.parse(entry)


def test_a_host_with_a_port_admits_that_port_only() -> None:
    hosts = (MediaHost.parse("cdn.example:8443/files"), MediaHost.parse("127.0.0.1:8090"))
    admitted("https://cdn.example:8443/files/a", hosts)
    admitted("http://127.0.0.1:8090/a", hosts)
    for url in (
        "https://cdn.example/files/a",
        "https://cdn.example:8443/filesystem",
        "http://127.0.0.1:8091/",
    ):
        with pytest.raises(ArtifactUnavailable):
            admitted(url, hosts)


@given(
    url=st.text("htps:/.falmedi@[]%#?\\ \t\n\x00\ud800\u3002\uff46\u0430:0123456789x", max_size=40)
    | st.builds("https://{}fal.media{}/{}".format, *[st.text("@:.%/\\#?[]\ud800\u3002 a0", max_size=6)] * 3)
)
def test_whatever_the_address_is_only_fal_ais_hosts_over_https_are_admitted(url: str) -> None:
    try:
        parsed, host = admitted(url, PRODUCTION)
    except ArtifactUnavailable:
        return
    assert (parsed.scheme, parsed.port, parsed.userinfo) == ("https", None, b"")
    assert parsed.raw_host.decode().lower() == host.host
    assert host in PRODUCTION


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "64:ff9b::7f00:1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fec0::1",
        "64:ff9b:1::1",
        "::8.8.8.8",
        "100::1",
        "4000::1",
        "fe80::1%eth0",
    ],
)
def test_only_public_addresses_are_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.185.112", "2606:4700::6810:1", "2a00:1450:4001:80b::2010"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
