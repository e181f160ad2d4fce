"""How much a lane holds, how much of it runs at once, and what one person may ask."""

MOST_WAITING, MOST_AT_DESK_WAITING = 1_000, 800
"""Requests one lane holds before it refuses more; what is bound to no balance leaves room for who joins or revokes."""
MOST_AT_ONCE, MOST_AT_DESK = 8, 6
"""Requests of one account that run side by side, and how many of these may be bound to no balance.

With fewer in its lane, one more is begun on its way there.
"""
SHARE, SHARE_PER_SECOND = 60, 3
"""What one person may ask of the desk at once, and how fast that comes back."""
MOST_ATTEMPTS = 3
"""How often a request is begun before it is a dead letter."""
MOST_REPLIES, MOST_LETTERS, MOST_EVENTS = 10_000, 1_000, 10_000
"""Replies kept for one client that does not take them, dead letters kept for the operator, events kept for a bot."""
