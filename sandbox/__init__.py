"""A local Telegram: one World with two faces (MTProto and Bot API). For tests and the demo only."""
