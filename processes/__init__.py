"""How our processes start, log, read their settings and end: tied to whoever started them."""
