"""One module per contestant. Each is run in its own environment, so it imports its library and nothing of ours.

`asking(url)` opens the client's side and gives a `Trip`; `working(url)` runs the worker's side meanwhile (a
PING has none). `LIBRARY` is the distribution whose version the table shows.
"""
