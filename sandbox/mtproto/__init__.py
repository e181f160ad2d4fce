"""The sandbox's MTProto face: a Telegram server that unmodified clients log in to."""
