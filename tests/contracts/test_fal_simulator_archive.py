"""The simulator's strict reader of datasets, its weights and its timeline: no server needed."""

import hashlib
import io
import json
import math
import struct
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.mirror.safetensors import WeightsCheck
from infra.local.fal_simulator.archive import ArchiveRefused, read_archive
from infra.local.fal_simulator.lora_names import RANK, naming_of
from infra.local.fal_simulator.lora_names import tensors_of as tensors_named
from infra.local.fal_simulator.plans import FaultPlan, RunFault
from infra.local.fal_simulator.runs import Failure, Prepared, Run
from infra.local.fal_simulator.timeline import Status, moment_of
from infra.local.fal_simulator.trainers import read_order
from infra.local.fal_simulator.training_log import log_of, progress_line
from infra.local.fal_simulator.weights import Content, write_weights
from shared.trainers import TRAINERS, TrainerSpec
from tests.fal_vectors.world import FAST, a_dataset, a_picture, a_zip, tensors_in


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_good_archive_is_read_to_the_last_byte(tmp_path: Path) -> None:
    files = a_dataset() | {"0_mask.jpg": a_picture(kind="JPEG")}
    content = a_zip(files)
    found = read_archive(save(tmp_path / "a.zip", content))
    assert found.names == tuple(files)
    assert (found.bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert [picture.name for picture in found.pictures] == ["0.png", "1.png", "2.png", "3.png"]
    assert found.pictures[1].sha256 == hashlib.sha256(files["1.png"]).hexdigest()
    assert found.captions["2.txt"] == "ohwx, a coat"
    assert [mask.format for mask in found.masks] == ["JPEG"]


def test_a_deflated_archive_is_fine_too(tmp_path: Path) -> None:
    assert read_archive(save(tmp_path / "a.zip", a_zip(a_dataset(), zipfile.ZIP_DEFLATED))).pictures


def test_an_archive_that_was_streamed_with_data_descriptors_is_fine(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.content += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, content in a_dataset().items():
            archive.writestr(name, content)
    assert len(read_archive(save(tmp_path / "a.zip", pipe.content)).pictures) == 4


def broken_crc() -> bytes:
    content = bytearray(a_zip(a_dataset()))
    at = content.index(a_picture(2)) + 20
    content[at] ^= 0xFF
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(a_zip(a_dataset()))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def twice() -> bytes:
    content = a_zip({**a_dataset(), "4.png": a_picture(4)})
    return content.replace(b"4.png", b"3.png")


REFUSED = {
    "it is not a ZIP": (b"<html>", "not a ZIP"),
    "it is empty": (b"", "not a ZIP"),
    "it ends early": (a_zip(a_dataset())[:-40], "cannot be read"),
    "a CRC is wrong": (broken_crc(), "'2.png': cannot be read"),
    "it has three pictures": (a_zip(a_dataset(3)), "Found 3 images, at least 4"),
    "a picture does not decode": (
        a_zip(a_dataset() | {"1.png": b"\x89PNG nothing"}),
        "'1.png': not a picture",
    ),
    "a picture is cut off": (a_zip(a_dataset() | {"1.png": a_picture()[:-30]}), "'1.png': not a picture"),
    "a caption has no picture": (a_zip(a_dataset() | {"9.txt": b"ohwx"}), "'9': a caption without"),
    "a mask has no picture": (a_zip(a_dataset() | {"9_mask.png": a_picture()}), "'9': a mask without"),
    "a caption is not UTF-8": (a_zip(a_dataset() | {"1.txt": b"\xff\xfe"}), "'1.txt': not UTF-8"),
    "a path is nested": (a_zip(a_dataset() | {"more/5.png": a_picture()}), "must be flat"),
    "a path is nested by backslashes": (a_zip(a_dataset() | {"more\\5.png": a_picture()}), "must be flat"),
    "a file is hidden": (a_zip(a_dataset() | {".DS_Store": b""}), "not a usable file name"),
    "a file is neither picture nor caption": (a_zip(a_dataset() | {"a.json": b"{}"}), "neither a picture"),
    "a name is there twice": (twice(), "more than once"),
    "a stem is there twice": (a_zip(a_dataset() | {"1.jpg": a_picture(kind="JPEG")}), "more than once"),
    "an entry is encrypted": (encrypted(), "encrypted"),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_an_archive_is_refused_because(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ArchiveRefused, match=reason):
        read_archive(save(tmp_path / "a.zip", content))


def test_captions_can_be_required(tmp_path: Path) -> None:
    files = a_dataset()
    del files["3.txt"]
    with pytest.raises(ArchiveRefused, match="'3': no caption"):
        read_archive(save(tmp_path / "a.zip", a_zip(files)), captions_required=True)


@settings(max_examples=60, deadline=None, database=None)
@given(st.binary(max_size=400), st.integers(min_value=0, max_value=1200))
def test_a_damaged_archive_is_read_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    content = bytearray(a_zip(a_dataset()))
    content[at : at + len(noise)] = noise
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    try:
        read_archive(save(path, bytes(content)))
    except ArchiveRefused as refusal:
        assert str(refusal)


def tensors_of(path: Path) -> dict[str, bytes]:
    return {name: bytes(tensor["data"]) for name, tensor in tensors_in(path.read_bytes()).items()}


def test_weights_are_a_real_lora_of_the_asked_size(tmp_path: Path) -> None:
    made = write_weights(tmp_path / "a.safetensors", seed="a", megabytes=2)
    content = (tmp_path / "a.safetensors").read_bytes()
    assert (made.size, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert 1_800_000 < made.size < 2_200_000
    found = tensors_in(content)
    lora = found["transformer.transformer_blocks.0.attn.to_k.lora_A.weight"]
    assert (lora["dtype"], lora["shape"]) == ("BF16", [16, 3072])
    assert "transformer.transformer_blocks.0.attn.to_k.lora_B.weight" in found
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"] == {"format": "pt"}


def test_weights_are_finite_and_not_all_zero(tmp_path: Path) -> None:
    write_weights(tmp_path / "a.safetensors", seed="a", megabytes=0.2)
    for data in tensors_of(tmp_path / "a.safetensors").values():
        values = [struct.unpack("<f", b"\0\0" + data[at : at + 2])[0] for at in range(0, 2000, 2)]
        assert all(math.isfinite(value) and 0 < abs(value) < 1 for value in values)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    made = [write_weights(tmp_path / str(n), seed=seed, megabytes=0.2) for n, seed in enumerate("aab")]
    assert made[0] == made[1]
    assert made[0].sha256 != made[2].sha256


@pytest.mark.parametrize("content", Content)
def test_broken_weights_have_the_size_of_good_ones(tmp_path: Path, content: Content) -> None:
    good = write_weights(tmp_path / "good", seed="a", megabytes=0.4)
    assert write_weights(tmp_path / "bad", seed="a", megabytes=0.4, content=content).size == good.size


def test_corrupt_weights_cannot_be_read(tmp_path: Path) -> None:
    write_weights(tmp_path / "bad", seed="a", megabytes=0.4, content=Content.CORRUPT)
    with pytest.raises(safetensors.SafetensorError):
        tensors_in((tmp_path / "bad").read_bytes())


def test_zero_and_nan_weights_are_well_formed(tmp_path: Path) -> None:
    write_weights(tmp_path / "zeros", seed="a", megabytes=0.2, content=Content.ZEROS)
    write_weights(tmp_path / "nan", seed="a", megabytes=0.2, content=Content.NAN)
    assert set(tensors_of(tmp_path / "zeros").popitem()[1]) == {0}
    assert math.isnan(struct.unpack("<f", b"\0\0" + tensors_of(tmp_path / "nan").popitem()[1][:2])[0])


@pytest.mark.parametrize("spec", [pytest.param(spec, id=spec.name) for spec in TRAINERS.values()])
def test_the_weights_for_every_base_model_are_a_lora_as_the_mirror_knows_them(
    tmp_path: Path, spec: TrainerSpec
) -> None:
    naming = naming_of(spec.base_model.id)
    made = write_weights(tmp_path / "lora", seed="a", megabytes=0.4, naming=naming)
    check = WeightsCheck(size=made.size)
    check.feed((tmp_path / "lora").read_bytes())
    told = check.finish()
    assert (told.rank, told.dtype, told.tensors % 2) == (RANK, "BF16", 0)


def test_loras_of_different_base_models_are_told_apart_by_their_tensors() -> None:
    first = {next(tensors_named(naming_of(spec.base_model.id), 1))[0] for spec in TRAINERS.values()}
    assert len(first) == len({spec.base_model.id for spec in TRAINERS.values()})


def a_run(**changes: object) -> Run:
    """Accepted at 100, starts at 110, ends at 140."""
    run = Run(
        request_id="r",
        gateway_request_id="g",
        endpoint=FAST,
        owner="o",
        input={"images_data_url": "https://example.com/a.zip"},
        order=None,
        webhook_url=None,
        headers={},
        plan=FaultPlan(),
        accepted_at=100.0,
        queue_s=10.0,
        training_s=30.0,
        prepared=Prepared(111.0),
    )
    run = replace(run, order=read_order(run.trainer, run.input))
    return replace(run, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "status", "position"),
    [
        (100.0, Status.IN_QUEUE, 2),
        (104.0, Status.IN_QUEUE, 1),
        (109.9, Status.IN_QUEUE, 0),
        (110.0, Status.IN_PROGRESS, None),
        (139.9, Status.IN_PROGRESS, None),
        (140.0, Status.COMPLETED, None),
    ],
)
def test_a_run_moves_through_queue_and_training(now: float, status: Status, position: int | None) -> None:
    moment = moment_of(a_run(), now)
    assert (moment.status, moment.queue_position) == (status, position)


def test_a_run_does_not_end_before_its_files_are_made() -> None:
    assert moment_of(a_run(prepared=None), 1000).status is Status.IN_PROGRESS
    assert moment_of(a_run(prepared=Prepared(200.0)), 199).status is Status.IN_PROGRESS
    assert moment_of(a_run(prepared=Prepared(200.0)), 200).succeeded


def test_a_failure_ends_a_run_when_it_shows() -> None:
    run = a_run(prepared=Prepared(111.0, failure=Failure(500, "no", after_s=5)))
    assert moment_of(run, 114.9).status is Status.IN_PROGRESS
    failure = moment_of(run, 115).failure
    assert failure is not None
    assert failure.status_code == 500


def test_a_cancellation_in_the_queue_ends_a_run_at_once() -> None:
    failure = moment_of(a_run(canceled_at=105.0, prepared=None), 105).failure
    assert failure is not None
    assert failure.error_type == "client_cancelled"


def test_a_cancellation_just_before_the_end_comes_too_late() -> None:
    assert moment_of(a_run(canceled_at=139.0), 145).succeeded
    assert not moment_of(a_run(canceled_at=120.0), 145).succeeded


def test_a_run_that_never_starts_stays_in_the_queue_until_its_start_timeout() -> None:
    run = a_run(plan=FaultPlan(run=RunFault.NEVER_STARTS), prepared=None)
    assert moment_of(run, 1e9).status is Status.IN_QUEUE
    failure = moment_of(replace(run, start_timeout_s=60.0), 161).failure
    assert failure is not None
    assert (failure.status_code, failure.error_type) == (504, "request_timeout")


def test_the_log_is_whole_each_time_and_only_grows(tmp_path: Path) -> None:
    archive = read_archive(save(tmp_path / "a.zip", a_zip(a_dataset())))
    run = a_run(prepared=Prepared(111.0, archive))
    logs = [[line["message"] for line in log_of(run, now)] for now in range(100, 150)]
    for earlier, later in pairwise(logs):
        assert later[: len(earlier)] == earlier
    assert logs[0] == []
    assert "Preprocessing 4 images" in logs[-1]
    assert any("| 500/1000 [" in message for message in logs[-1])
    assert logs[-1][-1] == "Saving LoRA weights"
    stamps = [line["timestamp"] for line in log_of(run, 150)]
    assert {stamp.endswith("+00:00") for stamp in stamps} == {True, False}


def test_progress_reads_as_tqdm_writes_it() -> None:
    line = progress_line(120, 1000, 1.2, seed="a")
    assert line.startswith(" 12%|█▏        | 120/1000 [00:01<00:08, 100.0it/s, loss=0.")
