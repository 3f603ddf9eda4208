"""Names of keys in the store: ordinary keys are their own names, others are written differently.

AWS takes any key of up to 1,024 bytes. A store on a file system refuses empty segments, ``.`` and
``..``, and segments longer than a file name. Such segments are written with U+10FFFF, the last
character there is, so that names sort as their keys do: one that is followed by a slash as
``segment.U+10FFFF``, one at the end with its last character's predecessor and U+10FFFF. What is too
long even then is cut and gets a digest; its key stands in its metadata, and it may sort a little
off among keys that share its first 180 bytes. So may a key that has U+10FFFF, which is no character
of any text, before its end.

The store also shows nothing below a name that is an object. Where ``a`` and ``a/b`` are both
objects, ``a`` is written the second way, too: it steps aside.
"""

from __future__ import annotations

import hashlib
import re

_LAST = "\U0010ffff"
_SEGMENT_BYTES = 246
"""Of the 255 of a file name: room for the nine bytes that mark a key with a slash at its end."""
_NAME_BYTES = 1000
_CUT_SEGMENT_BYTES = 180
_CUT_NAME_BYTES = 800

_DIGEST = re.compile(f"{_LAST}[0-9a-f]{{64}}{_LAST}$")
_DOTS = re.compile(r"\s*\.\.?\s*")
_OWN_FILES = ("xl.meta", "xl.json")
_OWN_SUFFIX = "__XLDIR__"


def name_of_key(key: str) -> str:
    """Return the name under which the store keeps a key."""
    *folders, last = key.split("/")
    segments = [_folder(segment) for segment in folders]
    segments.append(_file(last) if _is_special(last) else last)
    return _fitted("/".join(segments), key)


def aside_of_key(key: str) -> str:
    """Return the name of a key whose own name is needed as a folder."""
    name = name_of_key(key)
    folders, slash, last = name.rpartition("/")
    if not last or last.endswith(_LAST):
        return name  # never a folder's
    return _fitted(folders + slash + _file(last), key)


def _fitted(name: str, key: str) -> str:
    cut, fits = _fitting(name)
    if fits:
        return name
    return f"{_shortened(cut)}{_LAST}{hashlib.sha256(key.encode()).hexdigest()}{_LAST}"


def key_of_name(name: str) -> str | None:
    """Return the key of a name; None where only the object's metadata tells it."""
    if _LAST not in name:
        return name
    if _DIGEST.search(name):
        return None
    *folders, last = name.split("/")
    keys = [segment.removesuffix(f".{_LAST}") for segment in folders]
    if last.endswith(_LAST) and len(last) > 1:
        last = last[:-2] + _moved(last[-2], 1)
    return "/".join([*keys, last])


def name_of_prefix(prefix: str) -> tuple[str, bool]:
    """Return what the names of all keys with a prefix start with, and whether no other's do."""
    *folders, last = prefix.split("/")
    name = "".join(f"{_folder(segment)}/" for segment in folders)
    exact = not _is_special(last)
    if exact:
        name += last
    cut, fits = _fitting(name)
    if fits and len(last.encode()) <= _CUT_SEGMENT_BYTES and len(name.encode()) <= _CUT_NAME_BYTES:
        return name, exact
    return _shortened(cut), False


def _folder(segment: str) -> str:
    return f"{segment}.{_LAST}" if not segment or _is_special(segment) else segment


def _file(segment: str) -> str:
    return segment[:-1] + _moved(segment[-1], -1) + _LAST


def _is_special(segment: str) -> bool:
    return (
        _DOTS.fullmatch(segment) is not None
        or segment.endswith((_LAST, _OWN_SUFFIX))
        or segment in _OWN_FILES
    )


def _moved(character: str, by: int) -> str:
    code = ord(character) + by
    if code == ord("/"):
        code += by  # which may sort a little off, but is no folder
    if 0xD800 <= code <= 0xDFFF:
        code = 0xD7FF if by < 0 else 0xE000
    return chr(code)


def _fitting(name: str) -> tuple[str, bool]:
    """Return the part of a name that a file system takes, and whether that is all of it."""
    taken = []
    size = 0
    for segment in name.split("/"):
        raw = len(segment.encode())
        size += raw + 1
        pieces = segment.split("\\")
        if (
            raw > _SEGMENT_BYTES
            or size > _NAME_BYTES
            or "\0" in segment
            or (len(pieces) > 1 and any(_DOTS.fullmatch(piece) for piece in pieces))
        ):
            # What stands before the piece that does not fit.
            taken.append(re.split(r"[\\\0]", segment)[0])
            return "/".join(taken), False
        taken.append(segment)
    return "/".join(taken), True


def _shortened(name: str) -> str:
    """Cut a name so that a digest fits behind it."""
    raw = name.encode()[:_CUT_NAME_BYTES].decode(errors="ignore")
    folder, slash, last = raw.rpartition("/")
    return folder + slash + last.encode()[:_CUT_SEGMENT_BYTES].decode(errors="ignore")
