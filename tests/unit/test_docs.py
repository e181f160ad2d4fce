"""The documentation, held against what it speaks of."""

import re
import tomllib
from pathlib import Path

import pytest

from bot.settings import Settings
from mtproto_bridge.__main__ import COMMANDS
from mtproto_bridge.settings import BridgeSettings
from processes.environment import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
NEEDED = {
    "BOT_TOKEN": "7000001:AAStarlingTokenThatOpensNothingAtAll01",
    "API_ID": "1",
    "API_HASH": "0" * 32,
}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _headings(page: Path) -> set[str]:
    return {_slug(title) for title in re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)}


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


# -- what pages point at ---------------------------------------------------------------------------------------


@pages
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(ROOT), target
        assert file.exists(), target
        assert not anchor or anchor in _headings(file), target


@pages
def test_every_file_that_is_named_with_its_folder_exists(page: Path) -> None:
    """Those of the project; what a running Starling makes (data, keys) is not there yet."""
    for name in re.findall(r"`([\w.-]+/[\w./-]+\.(?:py|lua|json|toml|txt|yaml|md))`", page.read_text("utf-8")):
        places = (ROOT / name, ROOT / "mtproto_bridge" / name)
        assert any(place.exists() for place in places), name


@pages
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= _make_targets()


@pages
def test_every_command_that_is_named_exists(page: Path) -> None:
    known = {"mtproto_bridge": set(COMMANDS), "bot": {"run", "check"}, "sandbox": {"demo", "serve"}}
    named = re.findall(r"python -m (mtproto_bridge|bot|sandbox) ([a-z-]+)", page.read_text("utf-8"))
    for module, command in named:
        assert command in known[module], f"{module} {command}"


# -- the README ---------------------------------------------------------------------------------------------------


def test_the_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(r"^```\n(make .+?)\n```$", README, re.MULTILINE)
    assert blocks == ["make demo", "make test"]


def test_the_readme_leads_to_every_page_and_decision() -> None:
    for page in PAGES:
        if page.name != "README.md":
            assert f"]({page.relative_to(ROOT)})" in README, page.name


# -- .env.example ---------------------------------------------------------------------------------------------------


def test_the_example_names_every_variable_once_and_no_other() -> None:
    """Those of the two processes, and what compose.yaml fills in besides."""
    named = re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    filled_in = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text("utf-8")))
    assert len(named) == len(set(named))
    assert set(named) == {*VARIABLES["bridge"], *VARIABLES["bot"]} | filled_in


@pytest.mark.parametrize("kind", [BridgeSettings, Settings])
def test_the_example_works_once_the_needed_values_are_filled_in(
    kind: type[BridgeSettings | Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {*VARIABLES["bridge"], *VARIABLES["bot"]}:
        monkeypatch.delenv(name, raising=False)
    text = EXAMPLE
    for name, value in NEEDED.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    file = tmp_path / ".env"
    file.write_text(text, "utf-8")
    settings = kind(_env_file=file)
    assert settings.redis_url is None
    assert settings.log_level == "INFO"


def test_the_example_holds_no_secret() -> None:
    assert not re.findall(r"^[A-Z_]+=.+$", EXAMPLE, re.MULTILINE)


# -- the architecture -------------------------------------------------------------------------------------------------


def test_the_architecture_names_every_room() -> None:
    """Every package at the top, and every folder of the two processes."""
    found = {folder.parent for folder in ROOT.glob("*/__init__.py")}
    for process in ("bot", "mtproto_bridge"):
        found |= {folder for folder in (ROOT / process).rglob("*") if folder.is_dir()}
    for folder in found:
        if "__pycache__" not in folder.parts:
            top, *below = folder.relative_to(ROOT).parts
            name = re.escape(f"{'/'.join(below) or top}/")
            assert re.search(rf"(?:^|\s){name}(?:\s|$)", ARCHITECTURE, re.MULTILINE), folder


def test_the_architecture_names_every_contract_the_linter_checks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = [contract["name"] for contract in project["tool"]["importlinter"]["contracts"]]
    listed = re.findall(r"^- (.+)$", ARCHITECTURE, re.MULTILINE)
    assert contracts
    assert [line for line in listed if line in contracts] == contracts


# -- the decisions ----------------------------------------------------------------------------------------------------


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_a_decision_says_what_was_rejected(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.startswith(f"# {file.name[:4]} ")
    for part in ("**Decided.**", "**Rejected.**"):
        assert part in text
