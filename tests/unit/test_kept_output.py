"""Of fal.ai's output is kept what says what it was, and nothing with which anybody could fetch it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.mirror.kept_output import MAX_FIELDS, NOT_KEPT, kept_output

TOKEN = "HDpZj0eLjWwCpjA5__0l1"
NAME = "pytorch_lora_weights.safetensors"


def a_file(url: str, **told: Any) -> dict[str, Any]:
    return {"url": url, "file_name": NAME, "file_size": 89_745_224, "content_type": "application/octet-stream", **told}


def kept_file(url: str, **told: Any) -> Any:
    return kept_output({"file": a_file(url, **told)})["file"]


def test_of_a_file_host_name_size_and_type_are_kept() -> None:
    assert kept_file(f"https://v3.fal.media/files/panda/{TOKEN}_{NAME}") == {
        "host": "v3.fal.media",
        "file_name": NAME,
        "file_size": 89_745_224,
        "content_type": "application/octet-stream",
    }


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"https://v3.fal.media/files/panda/{TOKEN}_{NAME}", f"{TOKEN}_{NAME}"),
        (f"https://v3.fal.media/files/panda/{TOKEN}_{NAME}?x=1", f"{TOKEN}_{NAME}"),
        (f"https://v3.fal.media/files/panda/{TOKEN}_{NAME}", TOKEN),
        (f"https://v3.fal.media/files/panda/{TOKEN}_{NAME}", f"{TOKEN}_pytorch"),
        (f"https://v3.fal.media/files/panda/{TOKEN}%20a.bin", f"{TOKEN} a.bin"),
        ("https://v3.fal.media/a.bin", "a.bin"),
    ],
)
def test_a_name_that_is_the_secret_of_its_url_is_not_kept(url: str, name: str) -> None:
    assert kept_file(url, file_name=name)["file_name"] is None


def test_the_pictures_that_fal_ai_preprocessed_are_not_linked() -> None:
    raw = {"debug_preprocessed_output": a_file(f"https://v3.fal.media/files/koala/{TOKEN}_pictures.zip")}
    assert TOKEN not in json.dumps(kept_output(raw))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (3, 3),
        (0.25, 0.25),
        (True, True),
        (None, None),
        ("done", "done"),
        ("https://v3.fal.media/x", NOT_KEPT),
        ("v3.fal.media/files/panda/x", NOT_KEPT),
        ("data:image/png;base64,AAAA", NOT_KEPT),
        ("a" * 1000, NOT_KEPT),
        ([["https://v3.fal.media/x"], "https://v3.fal.media/x", 1], [NOT_KEPT, NOT_KEPT, 1]),
        ({"nested": {"url": "https://v3.fal.media/x"}, "link": "https://x"}, {"nested": NOT_KEPT, "link": NOT_KEPT}),
        ({"a": 1.5, "__b__": 1}, {"a": 1.5}),
        (math.nan, NOT_KEPT),
        (10**40, NOT_KEPT),
    ],
)
def test_everything_else_is_kept_only_where_no_link_can_be_in_it(value: Any, kept: Any) -> None:
    assert kept_output({"field": value}) == {"field": kept}


@pytest.mark.parametrize("name", ["", "__reserved__", "a.b", "a/b", "x" * 101])
def test_a_field_whose_name_no_database_takes_is_left_out(name: str) -> None:
    assert kept_output({name: 1, "fine": 2}) == {"fine": 2}


def test_a_flood_of_fields_is_cut() -> None:
    assert len(kept_output({f"f{n}": n for n in range(1000)})) == MAX_FIELDS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=10,
)
FILES = st.fixed_dictionaries(
    {"url": st.text(min_size=20).map(lambda path: f"https://v3.fal.media/files/{path}")}, optional={"file_name": JSON}
)


@given(st.dictionaries(st.text(max_size=10), JSON | FILES, max_size=4))
@settings(max_examples=80, deadline=None)
def test_whatever_comes_is_kept_as_json_without_a_url(raw: dict[str, Any]) -> None:
    kept = json.dumps(kept_output(raw), allow_nan=False)
    assert "://" not in kept
