"""Methods that send, change and fetch pictures; other files the sandbox has not."""

import json
from dataclasses import replace

from sandbox.botapi.call import Call
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.face import BotFace, method
from sandbox.botapi.messages import HARMLESS, Content, edit, inline_keyboard, read_caption, send
from sandbox.botapi.model import JsonObject, Photo
from sandbox.botapi.pictures import read_photo
from sandbox.botapi.targets import editable_message, writable_chat
from sandbox.botapi.wire import photo_sizes

INPUT_PHOTO = frozenset({"type", "media", "caption", "parse_mode"})
OTHER_MEDIA = frozenset({"animation", "audio", "document", "live_photo", "video"})
"""What Telegram takes in a message's place, and the sandbox does not."""


@method("sendPhoto", "chat_id", "photo", "caption", "parse_mode", "reply_markup", *HARMLESS)
def send_photo(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#sendphoto: an upload, or the id of a picture sent before."""
    chat = writable_chat(face, call)
    photo = _photo(face, call, "photo", lacking="there is no photo in the request")
    return send(face, call, chat, Content(read_caption(face, call), photo))


@method(
    "editMessageCaption",
    *("chat_id", "message_id", "inline_message_id", "caption", "parse_mode", "reply_markup"),
)
def edit_caption(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#editmessagecaption."""
    body = read_caption(face, call)
    chat, message = editable_message(face, call)
    if not message.photo:
        raise bad_request("there is no caption in the message to edit")
    return edit(face, chat, message, Content(body, message.photo), inline_keyboard(call))


@method("editMessageMedia", "chat_id", "message_id", "inline_message_id", "media", "reply_markup")
def edit_media(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#editmessagemedia: another picture, or one in a text's place."""
    media = _input_media(face, call)
    caption = read_caption(face, media)
    photo = _photo(face, media, "media", lacking="can't parse InputMedia: media not found")
    chat, message = editable_message(face, call)
    return edit(face, chat, message, Content(caption, photo), inline_keyboard(call))


@method("getFile", "file_id")
def get_file(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#getfile: where the picture can be fetched from."""
    photo = face.photos.get(call.text("file_id"))
    if photo is None:
        wrong = "wrong file_id or the file is temporarily unavailable"
        raise bad_request(wrong if call.has("file_id") else "invalid file_id")
    known = {name: value for name, value in photo_sizes(photo)[-1].items() if name not in ("width", "height")}
    return known | {"file_path": f"photos/{photo.file_id}.{photo.content_type.removeprefix('image/')}"}


def _input_media(face: BotFace, call: Call) -> Call:
    """The InputMedia as a call of its own, whose parameters are its fields."""
    if not call.has("media"):
        raise bad_request('parameter "media" is required')
    try:
        sent = call.json("media")
    except ApiError as error:
        raise bad_request("can't parse input media JSON object") from error
    if not isinstance(sent, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    kind = sent.get("type")
    if kind is None:
        raise bad_request("can't parse InputMedia: Can't find field \"type\"")
    if kind != "photo":
        if kind in OTHER_MEDIA:
            face.unimplemented[f"editMessageMedia({kind})"] += 1
        raise bad_request(f'can\'t parse InputMedia: type "{kind}" is unsupported')
    for name in sent.keys() - INPUT_PHOTO:
        face.unimplemented[f"InputMediaPhoto({name})"] += 1
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()}
    return replace(call, fields=fields)


def _photo(face: BotFace, call: Call, name: str, *, lacking: str) -> Photo:
    upload = call.upload(name)
    if upload is None:
        wanted = call.text(name)
        if wanted in face.photos:
            return face.photos[wanted]
        if wanted.startswith(("http://", "https://")):
            face.unimplemented["a picture by URL"] += 1
        missing = not wanted or wanted.startswith("attach://")
        raise bad_request(lacking if missing else "wrong file identifier/HTTP URL specified")
    photo = read_photo(upload.content, number=len(face.photos) + 1)
    face.photos[photo.file_id] = photo
    return photo
