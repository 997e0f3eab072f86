"""Settings: every one documented, insecure ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.env_example import env_example, groups, names
from infra.local.settings import LocalSettings, StackSettings
from shared.environment import Group, UnreadableSettingsError
from shared.settings import (
    GROUPS,
    ApiSettings,
    DeliverySettings,
    FalSettings,
    NotifySettings,
    StoreSettings,
    is_loopback,
)

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_lists_every_setting_with_its_default() -> None:
    assert (ROOT / ".env.example").read_text() == env_example(), "python -m infra.local.env_example > .env.example"


def test_no_group_is_forgotten() -> None:
    declared = {group for group in Group.__subclasses__() if group.__module__.startswith("shared.settings.")}
    assert set(GROUPS) == declared


@pytest.mark.parametrize("group", groups(), ids=lambda group: group.__name__)
def test_every_setting_says_what_it_is_for(group: type[Group]) -> None:
    assert [name for name, field in names(group) if not field.description] == []


@pytest.mark.parametrize("field", ["fal_queue_url", "fal_api_url", "fal_jwks_url", "public_url", "webhook_url"])
@pytest.mark.parametrize(
    "url", ["http://queue.fal.run", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "http://10.0.0.1:9000"]
)
def test_plain_http_is_refused_but_for_loopback(monkeypatch: pytest.MonkeyPatch, field: str, url: str) -> None:
    monkeypatch.setenv(field.upper(), url)
    with pytest.raises(UnreadableSettingsError, match=f"^{field.upper()} must be https"):
        FalSettings()


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


UNREADABLE: list[tuple[type[Group], str, str, str]] = [
    (LocalSettings, "PORT", "abc", "PORT takes a whole number (Where the host listens"),
    (LocalSettings, "PORT", "80.5", "PORT takes a whole number ("),
    (LocalSettings, "PORT", "70000", "PORT takes a number of at most 65535 ("),
    (LocalSettings, "TICK_S", "-0.5", "TICK_S takes a number above 0 ("),
    (LocalSettings, "TICK_S", "nan", "TICK_S takes a number ("),
    (StackSettings, "BACKEND", "sqlite", "BACKEND takes embedded or emulators."),
    (StoreSettings, "BACKEND", "sqlite", "BACKEND takes google or embedded."),
    (StoreSettings, "GOOGLE_CLOUD_PROJECT", "", "GOOGLE_CLOUD_PROJECT is not set: "),
    (ApiSettings, "SHOOT_IMPORT", "perhaps", "SHOOT_IMPORT takes true or false ("),
    (ApiSettings, "CORS_ORIGINS", "https://*", "CORS_ORIGINS takes origins, each exactly scheme://host"),
    (DeliverySettings, "MAX_DELIVERY_ATTEMPTS", "1", "MAX_DELIVERY_ATTEMPTS takes a number of at least 5 ("),
    (NotifySettings, "NOTIFY_SECRET", "hunter2", "NOTIFY_SECRET must be whsec_ and then"),
]


@pytest.mark.parametrize(("group", "name", "value", "sentence"), UNREADABLE, ids=[f"{u[1]}={u[2]}" for u in UNREADABLE])
def test_a_setting_that_cannot_be_read_is_named_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, group: type[Group], name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UnreadableSettingsError) as refused:
        group()
    assert str(refused.value).startswith(sentence)
    assert refused.value.__cause__ is refused.value.__context__ is None, "a traceback would show what it was set to"


def test_a_setting_that_cannot_be_read_is_told_without_what_it_was_set_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "TICK_S", "BACKEND", "NOTIFY_SECRET", "FAL_QUEUE_URL", "CORS_ORIGINS", "SHOOT_IMPORT"):
        monkeypatch.setenv(name, "a-key-in-the-wrong-place")
    for group in (StackSettings, NotifySettings, FalSettings, ApiSettings, StoreSettings):
        with pytest.raises(UnreadableSettingsError) as refused:
            group()
        assert "a-key" not in str(refused.value)


def test_every_setting_that_cannot_be_read_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("TICK_S", "often")
    with pytest.raises(UnreadableSettingsError, match=r"^PORT takes .*\. TICK_S takes .*\.$"):
        LocalSettings()
