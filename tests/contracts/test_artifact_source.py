"""fal.ai's files over real HTTP: whole or refused, from the configured hosts only (design §9, §10)."""

from __future__ import annotations

import itertools
import logging
import random
import re
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.adapters.fal.artifacts import HttpArtifactSource
from shared.adapters.fal.media_client import Patience
from shared.errors import ArtifactCorrupt, ArtifactUnavailable
from shared.ports import Artifact
from shared.settings import FalSettings
from tests.scripted_server import Asked, Reply, Script, ScriptedServer, scripted_server

FILE = random.Random(7).randbytes(300_000)
QUICK = Patience(connect_s=2, read_s=0.4, total_s=3, pauses_s=(0.01, 0.01, 0.01))


def fetched(source: HttpArtifactSource, url: str, *, size: int | None = None, max_bytes: int = 1 << 20) -> bytes:
    """The whole file."""
    try:
        with source.open(Artifact(url=url, size=size), max_bytes=max_bytes) as chunks:
            return b"".join(chunks)
    finally:
        source.close()


def a_source(*hosts: str, patience: Patience = QUICK) -> HttpArtifactSource:
    """A source for these hosts."""
    return HttpArtifactSource(FalSettings(fal_media_hosts=hosts), patience)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply(body=FILE)) as running:
        yield running


@pytest.fixture
def source(server: ScriptedServer) -> HttpArtifactSource:
    return a_source(f"127.0.0.1:{server.port}")


def part_of(asked: Asked, *, etag: str = '"v1"') -> Reply:
    """The rest of the file, as a host that honours ranges sends it."""
    start = int(asked.headers["range"].removeprefix("bytes=").rstrip("-"))
    headers = {"Content-Range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}", "ETag": etag}
    return Reply(status=206, body=FILE[start:], headers=headers)


def breaking(at: Sequence[int], *, etag: str = '"v1"') -> Script:
    """A host whose connection breaks after so many bytes of each answer, until none of them is left."""
    cuts = iter(at)

    def script(asked: Asked) -> Reply:
        reply = part_of(asked, etag=etag) if "range" in asked.headers else Reply(body=FILE, headers={"ETag": etag})
        cut = next(cuts, None)
        assert isinstance(reply.body, bytes)
        if cut is None:
            return reply
        return Reply(status=reply.status, body=reply.body[:cut], headers=reply.headers, length=len(reply.body))

    return script


def test_a_file_comes_as_it_is(server: ScriptedServer, source: HttpArtifactSource) -> None:
    url = f"{server.url}/files/a/weights.safetensors?token=1"
    assert fetched(source, url, size=len(FILE)) == fetched(source, url) == FILE
    asked = server.asked[0]
    assert asked.target == "/files/a/weights.safetensors?token=1"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["accept-encoding"] == "identity"
    assert "authorization" not in asked.headers


def test_an_empty_file_is_a_file(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = lambda asked: Reply()
    assert fetched(source, server.url, size=0) == b""


def test_nothing_is_fetched_until_it_is_read_and_no_more_than_is_read(
    server: ScriptedServer, source: HttpArtifactSource
) -> None:
    server.script = lambda asked: Reply(body=([b"x" * 1000] * 1000), length=10**6, pause_s=0.02)
    with source.open(Artifact(url=server.url), max_bytes=10**6) as chunks:
        assert server.asked == []
        assert next(chunks).startswith(b"x")
    source.close()
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204, 206, 304, 416])
def test_a_file_that_is_not_there_is_unavailable_and_not_asked_for_again(
    server: ScriptedServer, source: HttpArtifactSource, status: int
) -> None:
    server.script = lambda asked: Reply(status=status)
    with pytest.raises(ArtifactUnavailable, match=rf"127\.0\.0\.1: HTTP {status}"):
        fetched(source, server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_host_in_trouble_is_asked_again_and_then_unavailable(
    server: ScriptedServer, source: HttpArtifactSource, status: int
) -> None:
    server.script = lambda asked: Reply(status=status) if len(server.asked) < 3 else Reply(body=FILE)
    assert fetched(source, server.url) == FILE
    server.script = lambda asked: Reply(status=status)
    with pytest.raises(ArtifactUnavailable, match=f"HTTP {status}"):
        fetched(source, server.url)


def test_nobody_listening_is_unavailable() -> None:
    with scripted_server(lambda asked: Reply()) as gone:
        pass
    with pytest.raises(ArtifactUnavailable, match=r"127\.0\.0\.1: "):
        fetched(a_source("127.0.0.1"), gone.url)


def test_a_file_of_another_size_than_announced_is_corrupt_before_it_is_read(
    server: ScriptedServer, source: HttpArtifactSource
) -> None:
    for size in (len(FILE) - 1, len(FILE) + 1):
        with pytest.raises(ArtifactCorrupt, match="were announced"):
            fetched(source, server.url, size=size)


def test_a_file_without_a_length_is_counted(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = lambda asked: Reply(body=FILE, length="")
    assert fetched(source, server.url, size=len(FILE)) == fetched(source, server.url) == FILE
    with pytest.raises(ArtifactCorrupt, match="more came"):
        fetched(source, server.url, size=len(FILE) - 1)
    with pytest.raises(ArtifactCorrupt, match=r"announced and 300,000 came"):
        fetched(source, server.url, size=len(FILE) + 1)


def test_a_file_larger_than_allowed_is_corrupt_however_it_is_sent(
    server: ScriptedServer, source: HttpArtifactSource
) -> None:
    with pytest.raises(ArtifactCorrupt, match="more than the 1,000 bytes"):
        fetched(source, server.url, size=1001, max_bytes=1000)
    assert server.asked == [], "what is announced as too large is not even asked for"
    with pytest.raises(ArtifactCorrupt, match="more than the 1,000 bytes"):
        fetched(source, server.url, max_bytes=1000)


def test_a_file_passes_through_in_little_memory(server: ScriptedServer, source: HttpArtifactSource) -> None:
    piece = bytes(1 << 20)
    server.script = lambda asked: Reply(body=itertools.repeat(piece, 48), length=48 << 20)
    tracemalloc.start()
    try:
        with source.open(Artifact(url=server.url, size=48 << 20), max_bytes=48 << 20) as chunks:
            assert sum(len(chunk) for chunk in chunks) == 48 << 20
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
        source.close()


def test_an_endless_body_ends_at_the_limit(server: ScriptedServer, source: HttpArtifactSource) -> None:
    def endless() -> Iterable[bytes]:
        while True:
            yield bytes(65536)

    server.script = lambda asked: Reply(body=endless(), length="")
    with pytest.raises(ArtifactCorrupt, match="more than the"):
        fetched(source, server.url)


def test_a_body_that_drips_ends_at_the_time_limit(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = lambda asked: Reply(body=[b"x"] * 1000, length=1000, pause_s=0.1)
    slow = a_source("127.0.0.1", patience=Patience(total_s=0.5))
    with pytest.raises(ArtifactUnavailable, match=r"127\.0\.0\.1: "):
        fetched(slow, server.url)


def test_a_host_that_falls_silent_is_given_up(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = lambda asked: Reply(body=FILE, pause_s=1.0)
    started = time.monotonic()
    with pytest.raises(ArtifactUnavailable, match=r"127\.0\.0\.1: "):
        fetched(source, server.url)
    assert time.monotonic() - started < 2.5


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_an_encoded_body_is_refused(server: ScriptedServer, source: HttpArtifactSource, encoding: str) -> None:
    server.script = lambda asked: Reply(body=FILE, headers={"Content-Encoding": encoding})
    with pytest.raises(ArtifactUnavailable, match="encoded"):
        fetched(source, server.url)


def test_a_download_that_breaks_is_continued_where_it_broke(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = breaking([100_000, 50_000, 0])
    assert fetched(source, server.url, size=len(FILE)) == FILE
    ranges = [asked.headers.get("range") for asked in server.asked]
    assert ranges[0] is None
    assert ranges[1:] == ["bytes=100000-", "bytes=150000-", "bytes=150000-"]
    assert {asked.headers.get("if-range") for asked in server.asked[1:]} == {'"v1"'}


def test_a_weak_etag_is_no_condition(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = breaking([100_000], etag='W/"v1"')
    assert fetched(source, server.url) == FILE
    assert "if-range" not in server.asked[1].headers


@pytest.mark.parametrize("etag", ['"\xe9"', '"a\tb"', ""])
def test_an_etag_that_cannot_be_sent_back_is_no_condition(
    server: ScriptedServer, source: HttpArtifactSource, etag: str
) -> None:
    server.script = breaking([100_000], etag=etag)
    assert fetched(source, server.url) == FILE
    assert "if-range" not in server.asked[1].headers


def test_a_download_that_keeps_breaking_is_given_up(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = breaking([1000] * 20)
    with pytest.raises(ArtifactUnavailable, match=r"127\.0\.0\.1: "):
        fetched(source, server.url)
    assert len(server.asked) == 1 + len(QUICK.pauses_s)


def test_a_download_that_breaks_while_the_host_is_in_trouble_is_continued_later(
    server: ScriptedServer, source: HttpArtifactSource
) -> None:
    good = breaking([100_000])
    server.script = lambda asked: Reply(status=503) if len(server.asked) == 2 else good(asked)
    assert fetched(source, server.url) == FILE


def test_a_host_that_starts_over_instead_of_continuing_is_unavailable(
    server: ScriptedServer, source: HttpArtifactSource
) -> None:
    server.script = lambda asked: Reply(body=FILE[:1000], length=len(FILE))
    with pytest.raises(ArtifactUnavailable, match="does not continue"):
        fetched(source, server.url)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Content-Range": "bytes 0-299999/300000"}, "elsewhere"),
        ({"Content-Range": "bytes 1001-299999/300000"}, "elsewhere"),
        ({}, "elsewhere"),
        ({"Content-Range": f"bytes {'9' * 5000}-299999/300000"}, "elsewhere"),
        ({"Content-Range": f"bytes 1000-299999/{'9' * 5000}"}, "elsewhere"),
        ({"Content-Range": "bytes 1000-299999/299999"}, "changed"),
        ({"Content-Range": "bytes 1000-299999/300000", "ETag": '"v2"'}, "changed"),
    ],
)
def test_a_rest_that_does_not_fit_is_not_appended(
    server: ScriptedServer, source: HttpArtifactSource, headers: dict[str, str], reason: str
) -> None:
    def script(asked: Asked) -> Reply:
        if "range" in asked.headers:
            return Reply(status=206, body=FILE[1000:], headers=headers)
        return Reply(body=FILE[:1000], length=len(FILE), headers={"ETag": '"v1"'})

    server.script = script
    with pytest.raises(ArtifactUnavailable, match=reason):
        fetched(source, server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_configured_hosts_is_followed(
    server: ScriptedServer, source: HttpArtifactSource, status: int
) -> None:
    server.script = lambda asked: (
        Reply(body=FILE) if asked.target == "/b?c=d" else Reply(status=status, headers={"Location": "/b?c=d"})
    )
    assert fetched(source, f"{server.url}/a") == FILE


@pytest.mark.parametrize(
    "target", ["\\\\evil.example.com\\", "/..//evil.example.com/", "?http://evil.example.com", "#", ""]
)
def test_a_redirect_that_only_looks_like_one_elsewhere_stays_on_its_host(
    server: ScriptedServer, source: HttpArtifactSource, target: str
) -> None:
    server.script = lambda asked: (
        Reply(status=302, headers={"Location": target}) if len(server.asked) == 1 else Reply(body=FILE)
    )
    assert fetched(source, f"{server.url}/a") == FILE
    assert {asked.headers["host"] for asked in server.asked} == {f"127.0.0.1:{server.port}"}


def test_redirects_end_after_five(server: ScriptedServer, source: HttpArtifactSource) -> None:
    def script(asked: Asked) -> Reply:
        left = int(asked.target.strip("/"))
        return Reply(status=302, headers={"Location": f"/{left - 1}"}) if left else Reply(body=FILE)

    server.script = script
    assert fetched(source, f"{server.url}/5") == FILE
    with pytest.raises(ArtifactUnavailable, match="more than 5 redirects"):
        fetched(source, f"{server.url}/6")


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/computeMetadata/v1/",
        "http://localhost:{port}/",
        "http://127.0.0.1:1/",
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://user@127.0.0.1:{port}/",
        "//evil.example.com/",
        "https://127.0.0.1.evil.example/",
        "http://0x7f000001:{port}/",
        "http://017700000001:{port}/",
        "http://127.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://127.0.0.1.:{port}/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "http://127.0.0.1:{port}/a/%2e%2e/b",
        "http://[broken",
    ],
)
def test_a_redirect_elsewhere_is_refused(server: ScriptedServer, source: HttpArtifactSource, target: str) -> None:
    location = target.format(port=server.port)
    server.script = lambda asked: Reply(status=302, headers={"Location": location})
    with pytest.raises(ArtifactUnavailable):
        fetched(source, server.url)
    assert len(server.asked) == 1


def test_a_redirect_to_nowhere_is_refused(server: ScriptedServer, source: HttpArtifactSource) -> None:
    server.script = lambda asked: Reply(status=302)
    with pytest.raises(ArtifactUnavailable, match="nowhere"):
        fetched(source, server.url)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.8"],
        ["169.254.169.254"],
        ["8.8.8.8", "192.168.1.1"],
        ["::ffff:8.8.8.8"],
        ["nonsense"],
        [],
    ],
)
def test_a_name_that_leads_to_an_inner_address_is_not_connected_to(
    server: ScriptedServer, addresses: list[str]
) -> None:
    settings = FalSettings(fal_media_hosts=(f"v3.fal.media:{server.port}",))
    source = HttpArtifactSource(settings, QUICK, resolve=lambda host, port: addresses)
    with pytest.raises(ArtifactUnavailable, match=r"v3\.fal\.media: (it resolves to|the name cannot)"):
        fetched(source, f"https://v3.fal.media:{server.port}/a")
    assert server.asked == []


def test_localhost_that_leads_elsewhere_is_not_connected_to(server: ScriptedServer) -> None:
    settings = FalSettings(fal_media_hosts=("localhost",))
    source = HttpArtifactSource(settings, QUICK, resolve=lambda host, port: ["10.0.0.8"])
    with pytest.raises(ArtifactUnavailable, match="localhost: "):
        fetched(source, f"http://localhost:{server.port}/a")


def a_certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server that is called `name`, and a client that trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return serving, ssl.create_default_context(cafile=folder / "cert.pem")


@pytest.mark.parametrize(("name", "served"), [("localhost", True), ("other.example", False)])
def test_the_certificate_has_to_be_for_the_name_although_the_address_is_connected_to(
    tmp_path: Path, name: str, served: bool
) -> None:
    serving, trusting = a_certificate(tmp_path, name)
    with scripted_server(lambda asked: Reply(body=FILE), tls=serving) as server:
        settings = FalSettings(fal_media_hosts=(f"localhost:{server.port}",))
        source = HttpArtifactSource(settings, QUICK, resolve=lambda host, port: ["127.0.0.1"], tls=trusting)
        url = f"https://localhost:{server.port}/a"
        if served:
            assert fetched(source, url) == FILE
            assert server.asked[0].headers["host"] == f"localhost:{server.port}"
        else:
            with pytest.raises(ArtifactUnavailable, match="localhost: "):
                fetched(source, url)
            assert server.asked == []


def test_the_address_that_was_checked_is_connected_to_and_not_the_name(server: ScriptedServer) -> None:
    """Nobody listens at the one that was checked, whatever the name would lead to by now."""
    settings = FalSettings(fal_media_hosts=("localhost",))
    source = HttpArtifactSource(settings, QUICK, resolve=lambda host, port: ["127.0.0.2"])
    with pytest.raises(ArtifactUnavailable, match="localhost: "):
        fetched(source, f"http://localhost:{server.port}/a")
    assert server.asked == []


def test_a_name_is_resolved_once_and_the_next_address_tried(server: ScriptedServer) -> None:
    """The server listens on the second address only; a second look at the name would find nothing."""
    answers = iter([["::1", "127.0.0.1"]])
    settings = FalSettings(fal_media_hosts=("localhost",))
    source = HttpArtifactSource(settings, QUICK, resolve=lambda host, port: next(answers))
    assert fetched(source, f"http://localhost:{server.port}/a") == FILE


@pytest.mark.parametrize(
    "first",
    [
        Reply(status=302, headers={"Location": "/b"}),
        Reply(body=FILE[:1000], length=len(FILE)),
        Reply(status=503),
    ],
    ids=["a redirect", "a broken download", "a host in trouble"],
)
@pytest.mark.parametrize("inner", ["10.0.0.8", "169.254.169.254", "::ffff:127.0.0.1", "fd20:ce::254"])
def test_a_name_that_is_bound_anew_between_two_requests_is_checked_anew(
    server: ScriptedServer, first: Reply, inner: str
) -> None:
    """Whoever owns a name can have it lead inwards once it was checked."""
    answers = iter([["127.0.0.1"], [inner], ["127.0.0.1"]])
    server.script = lambda asked: first if len(server.asked) == 1 else Reply(body=FILE)
    source = HttpArtifactSource(
        FalSettings(fal_media_hosts=("localhost",)), QUICK, resolve=lambda host, port: next(answers)
    )
    with pytest.raises(ArtifactUnavailable, match="resolves to an address that is not allowed"):
        fetched(source, f"http://localhost:{server.port}/a")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "script",
    [
        lambda asked: Reply(status=404),
        lambda asked: Reply(drop=True),
        lambda asked: Reply(body=b"x", length=9),
    ],
)
def test_errors_and_logs_never_show_the_address(
    server: ScriptedServer,
    source: HttpArtifactSource,
    script: Callable[[Asked], Reply],
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script = script
    artifact = Artifact(url=f"{server.url}/files/secret-path?token=secret-token")
    with (
        caplog.at_level(logging.INFO),
        pytest.raises(ArtifactUnavailable) as caught,
        source.open(artifact, max_bytes=10) as chunks,
    ):
        list(chunks)
    source.close()
    shown = f"{caught.value} {caught.value.facts} {caught.value.__cause__} {artifact!r} {caplog.text}"
    assert not re.search("secret|http://", shown)


def test_proxies_of_the_environment_are_not_used(
    server: ScriptedServer, source: HttpArtifactSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve the name itself."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetched(source, server.url) == FILE
