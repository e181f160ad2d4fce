"""One Bot API call: its parameters by name, however they were sent (core.telegram.org/bots/api#making-requests)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.web_request import FileField

from sandbox.botapi.errors import bad_request

TRUE = frozenset({"true", "yes", "1"})


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    filename: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """A method's parameters as text; what each means is decided by the method that reads it."""

    fields: Mapping[str, str]
    files: Mapping[str, Upload] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the parameter was sent, and not empty."""
        return bool(self.fields.get(name)) or name in self.files

    def text(self, name: str) -> str:
        """A string; empty when not sent."""
        return self.fields.get(name, "")

    def flag(self, name: str) -> bool:
        """A Boolean; false when not sent."""
        return self.text(name).lower() in TRUE

    def integer(self, name: str, default: int | None = None) -> int:
        """An Integer.

        Raises:
            ApiError: it is none, or was not sent and has no default.
        """
        sent = self.text(name)
        if not sent and default is not None:
            return default
        try:
            return int(sent)
        except ValueError as error:
            raise bad_request(f"{name} must be an integer" if sent else f"{name} is empty") from error

    def json(self, name: str) -> object:
        """A JSON-serialized parameter; None when not sent.

        Raises:
            ApiError: it is not JSON.
        """
        sent = self.text(name)
        if not sent:
            return None
        try:
            return json.loads(sent)
        except json.JSONDecodeError as error:
            raise bad_request(f"can't parse {name} JSON object") from error

    def upload(self, name: str) -> Upload | None:
        """The file sent as this parameter, directly or as `attach://other_field`."""
        attached = self.text(name)
        return self.files.get(attached.removeprefix("attach://") if attached else name)


async def decode(request: web.Request) -> Call:
    """Read a call from the query string and a JSON, urlencoded or multipart body.

    Raises:
        ApiError: a JSON body that is none.
    """
    fields = dict(request.query)
    files: dict[str, Upload] = {}
    if request.method != "POST":
        return Call(fields)
    if request.content_type == "application/json":
        fields |= await _json_body(request)
        return Call(fields)
    for name, value in (await request.post()).items():
        if isinstance(value, FileField):
            files[name] = Upload(value.filename, value.file.read())
        elif isinstance(value, str):
            fields[name] = value
        else:  # a part with a content type but no file name
            files[name] = Upload(name, bytes(value))
    return Call(fields, files)


async def _json_body(request: web.Request) -> dict[str, str]:
    try:
        body = await request.json()
    except json.JSONDecodeError as error:
        raise bad_request("can't parse JSON object") from error
    if not isinstance(body, dict):
        raise bad_request("object expected")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in body.items()
        if value is not None
    }
