"""Each process is told what it needs and no more; what is missing or wrong is a sentence and exit code 2."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_settings import BaseSettings

from bot.settings import Settings as BotSettings
from mtproto_bridge.settings import BridgeSettings, load
from processes.environment import SYSTEM, VARIABLES, environment_for
from processes.settings import WRONG_SETTING, SettingsError
from tests.commands import PATIENCE, run_bridge

API_ID, API_HASH = "4242", "0123456789abcdef0123456789abcdef"
GOOD = {"API_ID": API_ID, "API_HASH": API_HASH}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env of the machine the test runs on."""
    for name in (*VARIABLES["bridge"], "ENV_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """The sentences about these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    return str(caught.value).splitlines()


# -- a sentence each ---------------------------------------------------------------------------------------------


def test_each_missing_variable_is_one_sentence_that_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = problems(monkeypatch)
    for name, sentence in (("API_ID", first), ("API_HASH", second)):
        assert sentence.startswith(f"{name} is not set: ")
        assert "https://my.telegram.org/apps" in sentence


def test_an_empty_variable_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    (sentence,) = problems(monkeypatch, API_ID="", API_HASH=API_HASH)
    assert sentence.startswith("API_ID is not set")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_ID", "forty-two"),
        ("API_ID", "0"),
        ("API_ID", "-1"),
        ("API_HASH", API_HASH[:-1]),
        ("API_HASH", API_HASH[:-1] + "x"),
        ("BRIDGE_NAME", "a:b"),
        ("BRIDGE_NAME", "n" * 41),
        ("QUEUE_PREFIX", "a:b"),
        ("QUEUE_PREFIX", "{a}"),
        ("QUEUE_PREFIX", "p" * 41),
        ("LEASE_SECONDS", "0.5"),
        ("LEASE_SECONDS", "61"),
        ("LOG_LEVEL", "LOUD"),
        ("SESSION_KEY_FILE", "data/session.key"),
        ("SESSION_KEY_FILE", "data/deeper/session.key"),
        ("SESSION_KEY_FILE", "elsewhere/../data/session.key"),
    ],
)
def test_a_wrong_variable_is_one_sentence_that_names_it_and_repeats_no_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    (sentence,) = problems(monkeypatch, **(GOOD | {name: value}))
    assert sentence.startswith(f"{name} is wrong (")
    assert sentence.endswith(".")
    assert API_HASH[:-1] not in sentence


def test_the_key_may_lie_beside_the_data_but_not_in_it_by_any_road(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (sentence,) = problems(monkeypatch, **GOOD, SESSION_KEY_FILE="link/session.key")
    assert sentence.startswith("SESSION_KEY_FILE is wrong (it must lie outside DATA_DIR")
    monkeypatch.setenv("SESSION_KEY_FILE", "database/session.key")
    assert load().session_key_file == Path("database/session.key")


def test_everything_but_the_credentials_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.api_id == 4242
    assert settings.redis_url is None
    assert settings.database_url is None
    assert settings.mtproto_server is None
    assert settings.data_dir not in settings.session_key_file.parents


def test_no_secret_shows_when_the_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        GOOD | {"REDIS_URL": "redis://:hunter2@h", "DATABASE_URL": "postgresql://u:hunter2@h/d"}
    ).items():
        monkeypatch.setenv(name, value)
    shown = f"{load()!r} {load()}"
    assert API_HASH not in shown
    assert "hunter2" not in shown


# -- where they come from ----------------------------------------------------------------------------------------


def write_env(path: Path, **variables: str) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


def test_settings_come_from_a_file_and_the_environment_has_the_last_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_env(tmp_path / ".env", **GOOD, BRIDGE_NAME="of-the-file", LEASE_SECONDS="7", BOT_TOKEN="not ours")  # noqa: S106
    monkeypatch.setenv("BRIDGE_NAME", "of-the-environment")
    settings = load()
    assert (settings.bridge_name, settings.lease_seconds) == ("of-the-environment", 7)


def test_env_file_names_another_file_than_dot_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_env(tmp_path / ".env", **GOOD, BRIDGE_NAME="of-dot-env")
    write_env(tmp_path / "other", **GOOD, BRIDGE_NAME="of-the-other")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "other"))
    assert load().bridge_name == "of-the-other"


def test_an_empty_env_file_means_that_no_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_env(tmp_path / ".env", **GOOD)
    assert load().api_id == 4242
    monkeypatch.setenv("ENV_FILE", "")
    with pytest.raises(SettingsError, match="API_ID is not set"):
        load()


# -- who is handed what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("process", "settings"), [("bridge", BridgeSettings), ("bot", BotSettings)])
def test_a_process_is_handed_exactly_the_variables_it_has_settings_for(
    process: str, settings: type[BaseSettings]
) -> None:
    assert sorted(VARIABLES[process]) == sorted(field.upper() for field in settings.model_fields)


EVERYTHING = {name: f"value of {name}" for names in VARIABLES.values() for name in names}


@given(st.dictionaries(st.text("ABC_", min_size=1), st.text(), max_size=3))
def test_nobody_is_handed_the_others_secrets_or_anything_unknown(more: dict[str, str]) -> None:
    bot, bridge = (environment_for(process, more | EVERYTHING) for process in ("bot", "bridge"))
    for secret in ("API_ID", "API_HASH", "SESSION_KEY_FILE", "DATABASE_URL"):
        assert secret not in bot
    assert "BOT_TOKEN" not in bridge
    for process, handed in (("bot", bot), ("bridge", bridge)):
        assert set(handed) <= {*VARIABLES[process], *SYSTEM, "ENV_FILE"}
        assert handed["ENV_FILE"] == "", "or it would read the other's secrets from .env itself"


# -- the command -------------------------------------------------------------------------------------------------


def command(folder: Path, name: str, **variables: str) -> tuple[int, str]:
    """Run `python -m mtproto_bridge NAME` in a folder; answers the exit code and all it printed."""
    return run_bridge(folder, [name], {"PATH": os.environ.get("PATH", ""), **variables})


def test_without_credentials_check_ends_with_code_2_and_two_sentences(tmp_path: Path) -> None:
    code, said = command(tmp_path, "check")
    assert code == WRONG_SETTING
    assert [line.split(" ", 1)[0] for line in said.splitlines()] == ["API_ID", "API_HASH"]


@pytest.mark.parametrize("name", ["run", "login"])
@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        ("192.0.2.1:4430", "MTPROTO_SERVER must be on this machine"),
        ("0.0.0.0:4430", "MTPROTO_SERVER must be on this machine"),
        ("localhost", "it must be like 127.0.0.1:4430"),
        ("127.0.0.1:4430", "MTPROTO_SERVER needs MTPROTO_PUBLIC_KEY_FILE"),
    ],
)
def test_another_server_than_telegram_ends_with_code_2_unless_it_is_here_and_has_a_key(
    tmp_path: Path, name: str, server: str, sentence: str
) -> None:
    start = time.monotonic()
    code, said = command(tmp_path, name, **GOOD, MTPROTO_SERVER=server)
    assert code == WRONG_SETTING, said
    assert sentence in said
    assert "Traceback" not in said
    assert time.monotonic() - start < PATIENCE / 2, "it ends by itself"


def test_a_key_file_that_is_not_there_is_a_sentence_and_check_says_it_too(tmp_path: Path) -> None:
    variables = GOOD | {"MTPROTO_SERVER": "127.0.0.1:4430", "MTPROTO_PUBLIC_KEY_FILE": "nowhere.pem"}
    code, said = command(tmp_path, "run", **variables)
    assert code == WRONG_SETTING
    assert "MTPROTO_PUBLIC_KEY_FILE: nowhere.pem cannot be read" in said
    code, said = command(tmp_path, "check", **variables)
    assert code == 1
    assert "✗ MTPROTO_PUBLIC_KEY_FILE: nowhere.pem cannot be read" in said


def test_a_key_file_that_holds_no_key_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("no key")
    variables = GOOD | {"MTPROTO_SERVER": "127.0.0.1:4430", "MTPROTO_PUBLIC_KEY_FILE": "server.pem"}
    code, said = command(tmp_path, "check", **variables)
    assert code == 1
    assert "Traceback" not in said, said


def test_a_queue_or_a_store_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    code, said = command(tmp_path, "check", **GOOD, REDIS_URL="redis://127.0.0.1:1")
    assert code == 1
    assert "✗ REDIS_URL: the server does not answer" in said
    code, said = command(tmp_path, "run", **GOOD, DATABASE_URL="mysql://u:hunter2@h/d")
    assert code == WRONG_SETTING
    assert "DATABASE_URL is wrong (it should begin with sqlite:// or postgresql://)" in said
    assert "hunter2" not in said


def test_a_key_file_of_garbage_and_a_folder_that_cannot_be_made_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_text("no key\n")
    code, said = command(tmp_path, "login", **GOOD, SESSION_KEY_FILE="garbage")
    assert code == WRONG_SETTING
    assert "SESSION_KEY_FILE: garbage cannot be used as a key file" in said
    code, said = command(tmp_path, "run", **GOOD, DATA_DIR="garbage/data")
    assert code == WRONG_SETTING
    assert "is in the way, a folder is needed" in said


@pytest.mark.parametrize("url", ["http://h:1", "no url", "redis://h:port"])
def test_a_queues_url_that_is_none_is_a_sentence(tmp_path: Path, url: str) -> None:
    code, said = command(tmp_path, "check", **GOOD, REDIS_URL=url)
    assert code in (1, WRONG_SETTING)
    assert "REDIS_URL" in said
    assert "Traceback" not in said, said


def test_help_waits_for_nothing_and_names_every_command(tmp_path: Path) -> None:
    code, said = command(tmp_path, "--help")
    assert code == 0
    assert all(name in said for name in ("run", "login", "check"))


@pytest.mark.parametrize(
    ("registration", "operators", "unheard"),
    [("approval", "", True), ("approval", "1002, 1003", False), ("open", "", False), ("closed", "", False)],
)
def test_channels_that_would_wait_for_nobody_are_noticed(registration: str, operators: str, unheard: bool) -> None:
    settings = BridgeSettings.model_validate(
        {"api_id": 1, "api_hash": "0" * 32, "registration": registration, "operator_ids": operators}
    )
    assert settings.nobody_approves is unheard
    assert settings.operator_ids == ({1002, 1003} if operators else set())
