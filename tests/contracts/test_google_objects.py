"""What is particular to the objects in Cloud Storage: checks, memory, requests and signatures."""

from __future__ import annotations

import time
import tracemalloc
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import google.oauth2.credentials
import pytest
from google.cloud.storage import Client

from infra.local.emulator_processes import free_port
from infra.local.emulators import Emulators
from infra.local.provision import make_buckets
from shared.adapters.google.clients import storage_client, storage_signer
from shared.adapters.google.objects import RANGE_BYTES, CloudStorageObjects, Limits
from shared.adapters.google.signers import IamSigner, Signer, ThrowAwaySigner
from shared.errors import StorageUnavailable
from shared.settings import StoreSettings
from tests.contracts.google_backend import a_project
from tests.contracts.lying_storage import Lie, LyingStorage, lying_storage

HASTY = Limits(connect_s=1.0, read_s=1.0, retry_s=0.5)
SIGNER = ThrowAwaySigner(endpoint="http://127.0.0.1:1")
MIB = 1 << 20


@pytest.fixture(scope="module")
def emulators() -> Emulators:
    return a_project()


@pytest.fixture(scope="module")
def objects(emulators: Emulators) -> Iterator[CloudStorageObjects]:
    settings = emulators.settings()
    make_buckets(settings, [f"{emulators.project}-bucket"])
    client = storage_client(settings)
    yield CloudStorageObjects(client, f"{emulators.project}-bucket", storage_signer(settings))
    client.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def lied_to(stack: ExitStack, lie: Lie) -> tuple[LyingStorage, CloudStorageObjects]:
    server = stack.enter_context(lying_storage(lie))
    client: Client = server.client
    stack.callback(client.close)
    return server, CloudStorageObjects(client, "bucket", SIGNER, limits=HASTY)


@pytest.mark.parametrize("size", [0, 1, RANGE_BYTES - 1, RANGE_BYTES, RANGE_BYTES + 1, 2 * RANGE_BYTES])
def test_objects_around_the_size_of_a_range_are_read_whole(objects: CloudStorageObjects, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert objects.write("edge", [content], content_type="image/png").size == size
    assert b"".join(objects.read("edge", chunk_bytes=100_001)) == content


@pytest.mark.parametrize("stored", [{"size": "5", "crc32c": "AAAAAA=="}, {"size": "4", "crc32c": "mnG7TA=="}])
def test_what_arrives_otherwise_than_it_wwithout_metadata_is_deleted(stack: ExitStack, stored: dict[str, str]) -> None:
    server, objects = lied_to(stack, Lie(stored=stored))
    with pytest.raises(StorageUnavailable):
        objects.write("a", [b"hello"], content_type="text/plain")
    assert server.count("DELETE") == 1


def test_a_small_object_is_one_request(stack: ExitStack) -> None:
    server, objects = lied_to(stack, Lie(body=b"hello", headers={"X-Goog-Hash": "crc32c=mnG7TA=="}))
    assert b"".join(objects.read("a")) == b"hello"
    # beside it the SDK asks once per client, in the background, where the bucket is
    assert sum(1 for _, path in server.requests if path.startswith("/download/")) == 1


def test_bytes_that_do_not_have_their_checksum_are_an_error_at_the_end(stack: ExitStack) -> None:
    _, objects = lied_to(stack, Lie(body=b"hallo", headers={"X-Goog-Hash": "crc32c=mnG7TA=="}))
    with pytest.raises(StorageUnavailable, match="checksum"):
        list(objects.read("a"))


def test_an_empty_object_may_be_answered_with_416(stack: ExitStack) -> None:
    _, objects = lied_to(stack, Lie(status=416))
    assert list(objects.read("a")) == []


def test_an_answer_that_breaks_off_is_an_error(stack: ExitStack) -> None:
    _, objects = lied_to(stack, Lie(body=b"half", length=8))
    with pytest.raises(StorageUnavailable):
        list(objects.read("a"))


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_refusal_is_an_error_of_ours(stack: ExitStack, status: int) -> None:
    _, objects = lied_to(stack, Lie(status=status))
    for call in (lambda: objects.stat("a"), lambda: list(objects.list("")), lambda: objects.copy("a", "b")):
        with pytest.raises(StorageUnavailable):
            call()


def test_a_storage_that_does_not_answer_is_unavailable_in_time() -> None:
    host = f"127.0.0.1:{free_port()}"
    client = storage_client(StoreSettings.model_validate({"GOOGLE_CLOUD_PROJECT": "p", "storage_emulator_host": host}))
    objects = CloudStorageObjects(client, "bucket", SIGNER, limits=HASTY)
    started = time.monotonic()
    with pytest.raises(StorageUnavailable):
        objects.stat("a")
    with pytest.raises(StorageUnavailable):
        objects.write("a", [b"x"], content_type="text/plain")
    assert time.monotonic() - started < 10
    client.close()


def test_memory_does_not_grow_with_the_object(objects: CloudStorageObjects) -> None:
    block = b"x" * MIB
    tracemalloc.start()
    objects.write("large", (block for _ in range(96)), content_type="application/zip")
    _, writing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    assert sum(map(len, objects.read("large"))) == 96 * MIB
    _, reading = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert writing < 40 * MIB
    assert reading < 30 * MIB


def test_nobody_else_waits_for_a_reader_that_pauses(objects: CloudStorageObjects) -> None:
    objects.write("slow", [b"x" * (2 * RANGE_BYTES)], content_type="application/zip")
    reader = objects.read("slow", chunk_bytes=1024)
    next(reader)
    started = time.monotonic()
    objects.write("other", [b"y"], content_type="text/plain")
    assert time.monotonic() - started < 5
    assert sum(map(len, reader)) == 2 * RANGE_BYTES - 1024


def test_a_signed_url_can_be_fetched_and_names_the_download(objects: CloudStorageObjects) -> None:
    objects.write("ünder/100% +.zip", [b"content"], content_type="application/zip")
    url = objects.sign("ünder/100% +.zip", ttl_s=60, download_name='Möwe "1".zip')
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"content"
        disposition = answer.headers["Content-Disposition"]
    assert disposition == "attachment; filename=\"M_we _1_.zip\"; filename*=UTF-8''M%C3%B6we%20%221%22.zip"


@pytest.mark.parametrize(("asked_s", "given"), [(60, "60"), (0.2, "1"), (10**6, "43200")])
def test_a_signed_url_lasts_at_most_twelve_hours(objects: CloudStorageObjects, asked_s: float, given: str) -> None:
    query = parse_qs(urlsplit(objects.sign("a", ttl_s=asked_s)).query)
    assert query["X-Goog-Expires"] == [given]
    assert query["X-Goog-Algorithm"] == ["GOOG4-RSA-SHA256"]


def test_iam_signs_as_the_named_account_with_the_token() -> None:
    token = google.oauth2.credentials.Credentials(token="a-token")
    signer = IamSigner(account="signer@p.iam.gserviceaccount.com", credentials=token)
    assert signer.arguments() == {
        "service_account_email": "signer@p.iam.gserviceaccount.com",
        "access_token": "a-token",
    }


def test_without_an_account_there_is_nothing_to_sign_with(emulators: Emulators) -> None:
    client = storage_client(emulators.settings())
    signer: Signer = IamSigner(credentials=google.oauth2.credentials.Credentials(token="a-token"))
    with pytest.raises(StorageUnavailable, match="GoogleAuthError"):
        CloudStorageObjects(client, "bucket", signer).sign("a", ttl_s=60)
    client.close()


def test_only_the_emulator_is_signed_for_with_a_throw_away_key(emulators: Emulators) -> None:
    settings = emulators.settings()
    assert isinstance(storage_signer(settings), ThrowAwaySigner)
    real = replace(emulators, storage_host="").settings().model_copy(update={"storage_emulator_host": ""})
    assert isinstance(storage_signer(real), IamSigner)
