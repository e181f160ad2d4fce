"""A missing or wrong setting is one readable sentence; secrets stay secret."""

from pathlib import Path

import pytest

from bot import __main__ as command
from bot.settings import load, place_of
from processes.environment import VARIABLES
from processes.settings import WRONG_SETTING, SettingsError

TOKEN = "7000001:AAStarlingSandboxTokenThatOpensNothing1"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env of the machine the test runs on."""
    for name in (*VARIABLES["bot"], "ENV_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_missing_token_is_a_sentence_that_says_where_to_get_it() -> None:
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith("BOT_TOKEN is not set: talk to @BotFather")


def test_a_missing_token_ends_with_code_2_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["run"]) == WRONG_SETTING
    assert command.main(["check"]) == WRONG_SETTING
    said = capsys.readouterr().err
    assert "BOT_TOKEN" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_TOKEN", "not a token"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "redis+sentinel://localhost"),
        ("QUEUE_PREFIX", "{a}"),
        ("BOT_API_URL", "https://example.org"),
        ("BOT_API_URL", "http://10.0.0.1:8081"),
        ("BOT_NAME", "a b"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    (sentence,) = str(caught.value).splitlines()
    assert sentence.startswith(f"{name} is wrong")
    assert value not in sentence


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081"])
def test_another_bot_api_may_be_on_this_machine_only(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("BOT_API_URL", url)
    assert load().bot_api_url == url


def test_settings_come_from_a_file_too_and_foreign_or_empty_ones_are_left_aside(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"BOT_TOKEN={TOKEN}\nAPI_HASH=of_the_bridge\nREDIS_URL=\nDATA_DIR=d\n")
    settings = load()
    assert settings.bot_token.get_secret_value() == TOKEN
    assert settings.redis_url is None
    assert "valkey.sock" in settings.queue_url()


def test_the_token_does_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@localhost:6380/1")
    settings = load()
    assert TOKEN not in repr(settings)
    assert "hunter2" not in repr(settings)
    assert settings.queue_url() == "redis://:hunter2@localhost:6380/1"
    assert place_of(settings.queue_url()) == "localhost:6380"


def test_a_folder_too_deep_for_a_socket_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / ("deep" * 40)))
    with pytest.raises(SettingsError, match="DATA_DIR"):
        load().queue_url()


def test_help_names_settings_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "BOT_TOKEN" in said
    assert "exit codes" in said
