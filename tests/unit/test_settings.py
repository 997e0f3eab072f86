"""Settings: every one documented, insecure ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.local.env_example import env_example, groups, names
from shared.settings import FalSettings, Group, is_loopback

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_lists_every_setting_with_its_default() -> None:
    assert (ROOT / ".env.example").read_text() == env_example(), "python -m infra.local.env_example > .env.example"


@pytest.mark.parametrize("group", groups(), ids=lambda group: group.__name__)
def test_every_setting_says_what_it_is_for(group: type[Group]) -> None:
    assert [name for name, field in names(group) if not field.description] == []


@pytest.mark.parametrize("field", ["fal_queue_url", "fal_api_url", "fal_jwks_url", "public_url", "webhook_url"])
@pytest.mark.parametrize(
    "url", ["http://queue.fal.run", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "http://10.0.0.1:9000"]
)
def test_plain_http_is_refused_but_for_loopback(field: str, url: str) -> None:
    with pytest.raises(ValidationError, match="https"):
        FalSettings.model_validate({field: url})


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "http://localhost:1", "http://[::1]:80"])
def test_plain_http_is_accepted_for_loopback(url: str) -> None:
    assert is_loopback(url)
    assert FalSettings(fal_queue_url=url).fal_queue_url == url


@pytest.mark.parametrize("url", ["https://api.fal.ai", "https://api.fal.ai/v1", "https://api.fal.ai/"])
def test_the_api_is_the_same_with_and_without_its_version(url: str) -> None:
    assert FalSettings(fal_api_url=url).fal_api_url == "https://api.fal.ai"


def test_media_hosts_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_MEDIA_HOSTS", "a.example, b.example/path ,")
    assert FalSettings().fal_media_hosts == ("a.example", "b.example/path")


def test_the_key_does_not_show_itself() -> None:
    assert "secret" not in repr(FalSettings.model_validate({"fal_key": "secret"}))
