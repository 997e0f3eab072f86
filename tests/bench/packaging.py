"""The packager: how fast pictures become a ZIP, and in how much memory."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from PIL import Image

from functions.api.thumbnails import show_thumbnails
from functions.packager.package_dataset import package_dataset
from shared.adapters.clock import SystemClock
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.signing import UrlSigner
from shared.adapters.memory import MemoryModels, MemoryObjects, MemoryPublisher, MemoryTrainings
from shared.events import TrainingRequested
from shared.ports import ObjectInfo, Objects
from shared.settings import DatasetSettings
from shared.shoots import pictures, preprocessed_prefix
from shared.thumbnail_names import thumbnail_prefix
from tests.bench.figures import Figure, at_least, at_most, side_by_side, within
from tests.bench.memory import growing, peak_growth_mib
from tests.builders import a_training

MB = 1_000_000
CAPTION = b"[trigger] stands before a wall and looks at the camera"


@cache
def photo(size: int) -> bytes:
    """A JPEG of about `size` bytes: soft shapes under the grain of a sensor, as photographs are."""
    side = int((size * 2.2) ** 0.5)
    grain = Image.effect_noise((side, side), 60).convert("L")
    shapes = Image.radial_gradient("L").resize((side, side))
    image = Image.merge("RGB", [Image.blend(shapes.rotate(turn), grain, 0.35) for turn in (0, 90, 200)])
    low, high, data = 10, 98, b""
    while low <= high:
        quality = (low + high) // 2
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        data = out.getvalue()
        low, high = (quality + 1, high) if len(data) < size else (low, quality - 1)
    return data


@dataclass(frozen=True, kw_only=True)
class Packager:
    """The packager over some buckets; every call of `run` packages the shoot anew."""

    shoots: Objects
    datasets: Objects
    thumbnails: Objects = field(default_factory=lambda: MemoryObjects("thumbnails"))

    def look(self) -> None:
        """Have the API make the thumbnails that it shows of the shoot, as it does when somebody opens it."""
        prefix = preprocessed_prefix("s_1")
        found = list(pictures(self.shoots.list(prefix), prefix))
        limits = DatasetSettings()
        show_thumbnails(
            thumbnail_prefix("s_1"), found, source=self.shoots, thumbnails=self.thumbnails, ttl_s=60, limits=limits
        )

    def run(self, training_id: str = "t_bench") -> None:
        """From a requested training to a signed archive, in the place of the one before."""
        for archive in list(self.datasets.list("")):
            self.datasets.delete(archive.name)
        trainings = MemoryTrainings()
        trainings.create(a_training(id=training_id, shoot_id="s_1"))
        package_dataset(
            TrainingRequested(training_id=training_id),
            trainings=trainings,
            models=MemoryModels(),
            kept=MemoryObjects("models"),
            shoots=self.shoots,
            thumbnails=self.thumbnails,
            datasets=self.datasets,
            publisher=MemoryPublisher(),
            clock=SystemClock(),
            new_nonce=lambda: f"{random.getrandbits(64):x}",
            limits=DatasetSettings(),
        )


@contextmanager
def shoot_on_disk(pictures: int, size: int) -> Iterator[tuple[Packager, Path]]:
    """A shoot in a directory, its checksums known as after an upload; and where its files lie."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        signer = UrlSigner("http://127.0.0.1", b"bench")
        shoots, datasets = (DirectoryObjects(Path(scratch), name, signer) for name in ("shoots", "datasets"))
        folder = Path(scratch) / "shoots" / preprocessed_prefix("s_1")
        folder.mkdir(parents=True)
        (folder / "0000.jpg").write_bytes(photo(size))
        for number in range(1, pictures):
            os.link(folder / "0000.jpg", folder / f"{number:04}.jpg")
        for number in range(pictures):
            (folder / f"{number:04}.txt").write_bytes(CAPTION)
        list(shoots.list(""))
        yield Packager(shoots=shoots, datasets=datasets), folder


def package_throughput() -> Iterator[Figure]:
    """60 pictures of 4 MB against copying the same bytes, and against what a tutorial would do.

    Twice: pictures that somebody looked at in the console or the app before, so that they were decoded for their
    thumbnails, which is how trainings begin; and pictures that nobody ever looked at.
    """
    with shoot_on_disk(60, 4 * MB) as (packager, folder):
        target, scratch = folder.parents[3] / "copy", folder.parents[3] / "tutorial"
        copy = partial(_copy, folder, target)
        unseen, copied_before = side_by_side(3, packager.run, copy)
        packager.look()
        ours, copied, tutorial = side_by_side(5, packager.run, copy, lambda: _tutorial(folder, scratch))
        size = sum(file.stat().st_size for file in folder.iterdir()) / MB
    peer = "copying the bytes"
    note = f"{size:.0f} MB, looked at before: known by their thumbnails to be whole"
    yield at_most("package_throughput", ours, "s", peer=peer, peer_value=copied, times=1.3, note=note)
    note = "the same, never looked at: every picture is decoded"
    yield at_most("package_unseen", unseen, "s", peer=peer, peer_value=copied_before, times=1.3, note=note)
    note = "how many times as fast as downloading all, deflating into a temporary file and uploading it"
    yield at_least("package_vs_tutorial", tutorial, "s", peer="ours", peer_value=ours, times=20, note=note)


def _copy(folder: Path, target: Path) -> None:
    """Copy the files' bytes into one file, as durably as our buckets do."""
    with target.open("wb") as out:
        for file in sorted(folder.iterdir()):
            with file.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())


def _tutorial(folder: Path, scratch: Path) -> None:
    """Download all, deflate with zipfile into a temporary file, upload."""
    shutil.copytree(folder, scratch)
    with zipfile.ZipFile(scratch.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(scratch.iterdir()):
            archive.write(file, file.name)
    with scratch.with_suffix(".zip").open("rb") as source, scratch.with_suffix(".upload").open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    shutil.rmtree(scratch)


class FarBucket:
    """A bucket in memory at a distance: each request takes `latency_s`, all share `bytes_per_s`."""

    def __init__(self, *, latency_s: float, bytes_per_s: float) -> None:
        self._near = MemoryObjects("shoots")
        self._latency_s, self._bytes_per_s = latency_s, bytes_per_s
        self._line = threading.Lock()
        self._line_free_at = 0.0
        self.requests = itertools.count()
        self.asked = 0

    @property
    def uri(self) -> str:
        return self._near.uri

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._travel()
        return self._near.list(prefix)

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        self._travel()
        for chunk in self._near.read(name, chunk_bytes=chunk_bytes):
            self._transmit(len(chunk))
            yield chunk

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        return self._near.write(name, chunks, content_type=content_type)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._near, name)

    def _transmit(self, size: int) -> None:
        """Wait until the line has carried so many bytes more; being woken late makes it no slower."""
        with self._line:
            self._line_free_at = max(time.monotonic(), self._line_free_at) + size / self._bytes_per_s
            there = self._line_free_at
        time.sleep(max(0.0, there - time.monotonic()))

    def _travel(self) -> None:
        self.asked = next(self.requests) + 1
        time.sleep(self._latency_s)


class Nowhere(MemoryObjects):
    """A bucket that counts what is written and keeps none of it."""

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        size = sum(len(chunk) for chunk in chunks)
        return ObjectInfo(name=name, size=size, crc32c="", updated_at=SystemClock().now())


LATENCY_S = 0.05
BYTES_PER_S = 200 * MB


def package_latency() -> Iterator[Figure]:
    """200 pictures of 1 MB from far away, against what bandwidth and latency alone would take."""
    far = FarBucket(latency_s=LATENCY_S, bytes_per_s=BYTES_PER_S)
    data = photo(MB)
    for number in range(200):
        far.write(f"{preprocessed_prefix('s_1')}{number:04}.jpg", [data], content_type="image/jpeg")
    packager = Packager(shoots=far, datasets=Nowhere("datasets"))
    (unseen,) = side_by_side(3, packager.run)
    requests = far.asked / 4
    packager.look()
    (ours,) = side_by_side(5, packager.run)
    window = DatasetSettings().read_ahead_objects
    floor = max(200 * len(data) / BYTES_PER_S, requests * LATENCY_S / window)
    peer, asked = "bandwidth or latency alone", f"{requests:.0f} requests, {window} at a time"
    note = f"{asked}; pictures that were looked at before"
    yield at_most("package_latency", ours, "s", peer=peer, peer_value=floor, times=1.3, note=note)
    note = f"{asked}; pictures that nobody looked at"
    yield at_most("package_latency_unseen", unseen, "s", peer=peer, peer_value=floor, times=1.3, note=note)


def package_memory() -> Iterator[Figure]:
    """The peak growth of the packager's memory with 20 and with 2,000 pictures of 1 MB."""
    few, many = (peak_growth_mib("tests.bench.packaging", str(count)) for count in (20, 2000))
    yield within("package_memory", many, "MiB", 48, note="2,000 pictures of 1 MB")
    yield at_most("package_memory_flat", many, "MiB", peer="20 pictures", peer_value=few, times=1.1)


if __name__ == "__main__":
    with shoot_on_disk(int(sys.argv[1]), MB) as (packager, _):
        print(json.dumps(growing(packager.run)))  # noqa: T201 - the answer to whoever started this
