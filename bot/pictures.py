"""Pictures, made in memory."""

from io import BytesIO

import segno

QUIET_ZONE = 4
"""Empty modules around a QR code, as its standard wants."""
PIXELS_A_MODULE = 12


def qr_code(url: str) -> bytes:
    """The QR code of a URL, as a PNG."""
    drawn = BytesIO()
    segno.make_qr(url, error="m").save(drawn, kind="png", scale=PIXELS_A_MODULE, border=QUIET_ZONE)
    return drawn.getvalue()
