"""`lora models`: listing, showing, and downloads that are whole or not there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_documents import a_model, a_problem
from tests.fake_api import FakeApi, running_api
from tests.running_cli import Outcome, run

WEIGHTS = bytes(range(256)) * 4000


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        api.keep_model(WEIGHTS, b'{"steps": 1000}')
        yield api


def download(api: FakeApi, folder: Path, *more: str) -> Outcome:
    return run(api, "models", "download", "m_1", "--to", folder, *more)


def test_the_list_shows_name_version_trigger_and_size(api: FakeApi) -> None:
    outcome = run(api, "models", "list")
    assert outcome.stdout.splitlines()[1].startswith("m_1  red-cape v2  TOK      1.0 MB")
    assert run(api, "models", "list", "--json").json["items"][0]["id"] == "m_1"


def test_show_tells_what_it_was_trained_with_and_where_it_is_kept(api: FakeApi) -> None:
    outcome = run(api, "models", "show", "m_1")
    assert "steps=1000, is_style=false" in outcome.stdout
    assert "gs://models/models/ada/red-cape/v2/lora.safetensors" in outcome.stdout
    assert run(api, "models", "show", "m_1", "--json").json == api.models["m_1"]


def test_a_download_brings_weights_and_configuration(api: FakeApi, tmp_path: Path) -> None:
    outcome = download(api, tmp_path / "loras", "--json")
    assert outcome.exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "loras").iterdir()} == {
        "lora.safetensors": WEIGHTS,
        "config.json": b'{"steps": 1000}',
    }
    assert outcome.json["weights"] == str(tmp_path / "loras" / "lora.safetensors")


def test_every_file_of_weights_is_brought_and_verified(api: FakeApi, tmp_path: Path) -> None:
    parts = {"low-noise": WEIGHTS, "high-noise": WEIGHTS[::-1]}
    api.keep_model(WEIGHTS, parts=parts)
    document = download(api, tmp_path, "--json").json
    assert [(file["part"], Path(file["path"]).read_bytes()) for file in document["files"]] == list(parts.items())
    assert document["weights"] == document["files"][0]["path"]
    shown = run(api, "models", "show", "m_1").stdout
    assert "weights high-noise at" in shown
    assert hashlib.sha256(parts["high-noise"]).hexdigest() in shown


def test_a_second_file_that_came_damaged_is_refused(api: FakeApi, tmp_path: Path) -> None:
    api.keep_model(WEIGHTS, parts={"low-noise": WEIGHTS, "high-noise": WEIGHTS})
    api.storage["lora-high-noise.safetensors"].body = WEIGHTS[:-1] + b"?"
    outcome = download(api, tmp_path)
    assert outcome.exit_code == 5
    assert "lora-high-noise.safetensors did not arrive whole" in outcome.stderr


def test_a_download_goes_into_a_folder_of_the_models_name_by_default(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(api, "models", "download", "m_1").exit_code == 0
    assert (tmp_path / "red-cape-v2" / "lora.safetensors").read_bytes() == WEIGHTS


def test_the_token_goes_to_the_api_and_never_to_the_storage(api: FakeApi, tmp_path: Path) -> None:
    api.token = "secret"
    assert run(api, "models", "download", "m_1", "--to", tmp_path, token="secret").exit_code == 0
    assert all("authorization" not in headers for headers in api.storage_headers)


def test_a_download_that_is_cut_goes_on_where_it_stopped(api: FakeApi, tmp_path: Path) -> None:
    api.storage["lora.safetensors"].cuts = [300_000, 300_000]
    assert download(api, tmp_path).exit_code == 0
    assert (tmp_path / "lora.safetensors").read_bytes() == WEIGHTS
    assert api.storage["lora.safetensors"].sent == len(WEIGHTS)


def test_a_part_of_an_earlier_run_is_completed_with_a_range(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "lora.safetensors.part").write_bytes(WEIGHTS[:500_000])
    assert download(api, tmp_path).exit_code == 0
    assert (tmp_path / "lora.safetensors").read_bytes() == WEIGHTS
    assert api.storage["lora.safetensors"].sent == len(WEIGHTS) - 500_000
    assert not (tmp_path / "lora.safetensors.part").exists()


def test_a_storage_without_ranges_sends_the_whole_file_again(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "lora.safetensors.part").write_bytes(WEIGHTS[:500_000])
    api.storage["lora.safetensors"].ignores_ranges = True
    assert download(api, tmp_path).exit_code == 0
    assert (tmp_path / "lora.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("left", [b"of another model" * 1000, WEIGHTS + b"and more", b"x" * len(WEIGHTS)])
def test_a_part_that_belongs_to_something_else_is_thrown_away(api: FakeApi, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "lora.safetensors.part").write_bytes(left)
    assert download(api, tmp_path).exit_code == 0
    assert (tmp_path / "lora.safetensors").read_bytes() == WEIGHTS


def test_a_corrupt_download_is_refused_and_leaves_nothing(api: FakeApi, tmp_path: Path) -> None:
    api.storage["lora.safetensors"].body = WEIGHTS[:-1] + b"?"
    outcome = download(api, tmp_path, "--json")
    assert outcome.exit_code == 5
    assert outcome.json["code"] == "download_corrupt"
    assert "download_corrupt: lora.safetensors did not arrive whole" in outcome.stderr
    assert not list(tmp_path.iterdir())


def test_a_download_that_keeps_stopping_says_so_and_keeps_what_came(api: FakeApi, tmp_path: Path) -> None:
    api.storage["lora.safetensors"].cuts = [300_000, 0, 0, 0, 0]
    outcome = download(api, tmp_path)
    assert outcome.exit_code == 5
    assert "download_stopped" in outcome.stderr
    assert (tmp_path / "lora.safetensors.part").stat().st_size == 300_000


def test_a_signed_url_that_ran_out_is_asked_for_again(api: FakeApi, tmp_path: Path) -> None:
    api.storage["lora.safetensors"].refusals = 1
    assert download(api, tmp_path).exit_code == 0


def test_weights_that_are_here_already_are_not_fetched_again(api: FakeApi, tmp_path: Path) -> None:
    download(api, tmp_path)
    outcome = download(api, tmp_path)
    assert outcome.exit_code == 0
    assert "is here already" in outcome.stderr
    assert api.storage["lora.safetensors"].sent == len(WEIGHTS)


def test_another_file_of_the_same_name_is_not_overwritten(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "lora.safetensors").write_bytes(b"somebody's own")
    assert download(api, tmp_path).exit_code == 2
    assert (tmp_path / "lora.safetensors").read_bytes() == b"somebody's own"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", ".bashrc", "a\nb", ""])
def test_a_file_name_that_leads_elsewhere_is_refused(api: FakeApi, tmp_path: Path, name: str) -> None:
    file = {"url": f"{api.url}/storage/lora.safetensors", "file_name": name}
    api.slips["GET", "/v1/models/m_1/download"] = [(200, {"weights": file, "files": [file], "config": file})]
    outcome = download(api, tmp_path / "loras")
    assert outcome.exit_code == 5
    assert "unsafe_file_name" in outcome.stderr


def test_a_model_that_does_not_exist_is_an_answer_of_the_api(api: FakeApi, tmp_path: Path) -> None:
    outcome = run(api, "models", "download", "m_9", "--to", tmp_path, "--json")
    assert (outcome.exit_code, outcome.json) == (
        3,
        a_problem(404, "model_not_found", "There is no model m_9 of yours."),
    )


@pytest.mark.parametrize("what", ["weights", "config"])
def test_one_of_the_files_can_be_downloaded_alone(api: FakeApi, tmp_path: Path, what: str) -> None:
    document = download(api, tmp_path, "--what", what, "--json").json
    (path,) = tmp_path.iterdir()
    sha256 = api.models["m_1"]["sha256"]
    files = [{"part": "", "path": str(path), "sha256": sha256}]
    assert document == {
        "model_id": "m_1",
        what: str(path),
        **({"sha256": sha256, "files": files} if what == "weights" else {}),
    }


def test_versions_tell_what_differs_between_them(api: FakeApi) -> None:
    api.models["m_2"] = a_model(id="m_2", version=3, parameters={"steps": 500, "is_style": False}, title="Short")
    api.models["m_3"] = a_model(id="m_3", name="another")
    lines = run(api, "models", "versions", "m_1").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["m_2", "m_1"]
    assert "steps=500 " in lines[1]
    assert lines[1].endswith("Short")
    assert "is_style" not in "".join(lines)
    items = run(api, "models", "versions", "m_1", "--json").json["items"]
    assert [model["version"] for model in items] == [3, 2]


def test_rename_gives_a_title_that_lists_and_facts_show(api: FakeApi) -> None:
    outcome = run(api, "models", "rename", "m_1", "Ada in red")
    assert "red-cape v2 is called “Ada in red” now." in outcome.stdout
    assert run(api, "models", "list").stdout.splitlines()[1].endswith("Ada in red")
    assert "title       Ada in red" in run(api, "models", "show", "m_1").stdout
    assert run(api, "models", "rename", "m_1", "Other", "--json").json["title"] == "Other"
