"""Transcripts: browsing programs in Telegram's orders, narrowing the list, and finding one by a word."""

from mtproto_bridge.store.programs import KEPT
from tests.e2e.starling import SAM, Someone, Starling
