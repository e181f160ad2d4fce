"""The demo's page, its live events, and the door to the control surface: for this machine only, by token."""
