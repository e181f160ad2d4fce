"""The bridge: carries out what the bot asks, at Telegram, on accounts the operator logged in."""
