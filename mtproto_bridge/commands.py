"""What the commands of `python -m mtproto_bridge` do; imported late, since Telethon and SQLAlchemy take their time."""

import argparse
import asyncio
import os
import sys

import uvloop

from mtproto_bridge import app, check, dead_letters, login, overview, removal, rotation, settings
from mtproto_bridge.console import Terminal
from mtproto_bridge.queue.embedded import EmbeddedServerError
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store.database import StoreError
from mtproto_bridge.telegram.connecting import ServerSettingError
from mtproto_bridge.telegram.sessions import SessionKeyError
from processes import logs
from processes.settings import WRONG_SETTING, SettingsError


def execute(options: argparse.Namespace) -> int:
    """Run one command; answers the exit code. Whatever stops it is a sentence."""
    os.umask(0o077)  # whatever we write, the embedded server's files too, is its owner's only
    try:
        loaded = settings.load()
        logs.set_up(loaded.log_level)
        return _execute(options, loaded)
    except (SettingsError, ServerSettingError, SessionKeyError) as error:
        return _say(str(error), WRONG_SETTING)
    except (EmbeddedServerError, StoreError, app.QueueError) as error:
        return _say(str(error), 1)
    except PermissionError as error:
        return _say(f"DATA_DIR or SESSION_KEY_FILE: {error.filename} may not be written by us.", WRONG_SETTING)
    except (FileExistsError, NotADirectoryError) as error:
        return _say(f"DATA_DIR or SESSION_KEY_FILE: {error.filename} is in the way, a folder is needed.", WRONG_SETTING)
    except KeyboardInterrupt:
        return _say("Stopped.", 130)


def _execute(options: argparse.Namespace, loaded: BridgeSettings) -> int:
    if options.command == "login":
        return asyncio.run(login.login(loaded, Terminal()))
    if options.command == "accounts":
        return asyncio.run(_accounts(options, loaded))
    if options.command == "rotate-keys":
        return asyncio.run(rotation.rotate_keys(loaded, lambda text: _say(text, 0)))
    if options.command == "check":
        return asyncio.run(_check(loaded))
    if options.command == "dead-letters":
        what = options.what or "list"
        which = [] if what == "list" else options.which
        return asyncio.run(dead_letters.dead_letters(loaded, what, which, lambda text: _say(text, 0)))
    uvloop.run(app.run(loaded))
    return 0


async def _accounts(options: argparse.Namespace, loaded: BridgeSettings) -> int:
    if options.what == "remove":
        return await removal.remove(loaded, options.id, Terminal(), yes=options.yes, forget=options.forget)
    return await overview.overview(loaded, lambda text: _say(text, 0), lambda text: _say(text, 1), as_json=options.json)


async def _check(loaded: BridgeSettings) -> int:
    code = 0
    async for fine, sentence in check.findings(loaded):
        _say({True: "✓ ", False: "✗ ", None: "! "}[fine] + sentence, 0)
        code = 1 if fine is False else code
    return code


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr if code else sys.stdout, flush=True)
    return code
