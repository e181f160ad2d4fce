"""Who may come in: this machine, by the right name, with the token that is in the printed URL."""

import secrets
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass
class Guard:
    """Checks every request of the page and the control surface; the port is known once the server listens."""

    host: str
    """Where it listens, as URLs write it."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    port: int = 0

    @property
    def cookie(self) -> str:
        """Named after the port: browsers send the cookies of one host to all its ports."""
        return f"starling_sandbox_{self.port}"

    def middleware(self) -> Middleware:
        """For web.Application; refuses before any handler runs."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            reason = self.refuses(request)
            response = await handler(request) if reason is None else _refused(reason)
            if not response.prepared:
                response.headers.update(HEADERS)
                self._remember(request, response, allowed=reason is None)
            return response

        return check

    def refuses(self, request: web.Request) -> str | None:
        """Why this request may not pass, as a sentence; None when it may."""
        names = {f"{name}:{self.port}" for name in (*OWN_NAMES, self.host)}
        if request.host not in names:  # a foreign name that resolves to 127.0.0.1 is DNS rebinding
            return "This server answers to 127.0.0.1 and localhost only."
        origin = request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{name}" for name in names}:
            return "Another site's page may not use this server."
        if request.method not in ("GET", "HEAD") and request.content_type != "application/json":
            return "Send a JSON body with Content-Type: application/json."
        if not any(secrets.compare_digest(one.encode(), self.token.encode()) for one in self._offered(request)):
            return "This needs the token: open the URL that the sandbox printed when it started."
        return None

    def _offered(self, request: web.Request) -> list[str]:
        header = request.headers.get("Authorization", "")
        return [
            header.removeprefix("Bearer ") if header.startswith("Bearer ") else "",
            request.query.get("token", ""),
            request.cookies.get(self.cookie, ""),
        ]

    def _remember(self, request: web.Request, response: web.StreamResponse, *, allowed: bool) -> None:
        """The page swaps the token in its URL for a cookie no script can read."""
        if allowed and request.path == "/" and "token" in request.query:
            response.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")


def _refused(reason: str) -> web.Response:
    return web.json_response({"ok": False, "error": reason}, status=403)
