"""Serve what `web/` was built to: every file is read once, with its compressed twins, and answered from memory.

Only what is no route of the API comes here. Names below `/assets/` carry a hash of their content and are kept for ever;
everything else is asked for again. An address without a file is a page's own: it gets the page of the entry above it.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.auth import Audience
from gateway.routes.matching import Route

PAGES: Final = Route("pages", "gateway", Audience.PUBLIC, methods="GET HEAD", rate=None)
"""What the access line and the figures call them."""

ENTRIES: Final = {"console": "console.html", "partner": "partner.html"}
"""First step of an address → its page. The storefront has all others."""

STOREFRONT: Final = "index.html"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; font-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere but pictures of goods, and no script or style that is not a file of ours."""

_FOR_EVER: Final = b"public, max-age=31536000, immutable"
_ASK_AGAIN: Final = b"no-cache"
_ENCODINGS: Final = ((b"br", ".br"), (b"gzip", ".gz"))
_PAGE_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_OK, _NOT_MODIFIED = 200, 304


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """One answer, whole."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class _File:
    """A file in its encodings. The tag names the content, so it is the same for all of them but for its suffix."""

    bodies: Mapping[bytes, bytes]
    media_type: bytes
    kept: bytes
    tag: str
    is_page: bool

    def answer(self, accepted: bytes, known: bytes) -> PageAnswer:
        encoding = next((name for name, _ in _ENCODINGS if name in self.bodies and name in accepted), b"")
        tag = f'"{self.tag}{"-" + encoding.decode() if encoding else ""}"'.encode()
        headers = [(b"etag", tag), (b"cache-control", self.kept), (b"vary", b"accept-encoding")]
        if self.is_page:
            headers += _PAGE_HEADERS
        if tag in known:
            return PageAnswer(_NOT_MODIFIED, headers, b"")
        body = self.bodies[encoding]
        headers += [(b"content-type", self.media_type), (b"content-length", b"%d" % len(body))]
        if encoding:
            headers.append((b"content-encoding", encoding))
        return PageAnswer(_OK, headers, body)


class Pages:
    """The files below a directory; none where it is not given or not there, and then every address is the API's."""

    def __init__(self, directory: Path | None) -> None:
        self._files = _read_all(directory) if directory is not None and directory.is_dir() else {}

    def find(self, path: str, headers: Mapping[bytes, bytes]) -> PageAnswer | None:
        """The file at an address, or the page that draws it; `None` for what is neither."""
        file = self._files.get(path.lstrip("/"))
        if file is None and b"text/html" in headers.get(b"accept", b"") and _is_drawn(path):
            file = self._files.get(ENTRIES.get(path.split("/")[1], STOREFRONT))
        if file is None:
            return None
        return file.answer(headers.get(b"accept-encoding", b""), headers.get(b"if-none-match", b""))


def _is_drawn(path: str) -> bool:
    """An address of a page looks like none of the API's and like no file's."""
    return not path.startswith(("/v1/", "/assets/")) and "." not in path.rsplit("/", 1)[-1]


def _read_all(directory: Path) -> dict[str, _File]:
    suffixes = tuple(suffix for _, suffix in _ENCODINGS)
    files = (file for file in sorted(directory.rglob("*")) if file.is_file() and not file.name.endswith(suffixes))
    return {file.relative_to(directory).as_posix(): _read(file, directory) for file in files}


def _read(file: Path, directory: Path) -> _File:
    body = file.read_bytes()
    bodies = {b"": body}
    for encoding, suffix in _ENCODINGS:
        twin = file.with_name(file.name + suffix)
        if twin.exists():
            bodies[encoding] = twin.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    is_text = media_type.startswith("text/") or media_type in {"application/javascript", "image/svg+xml"}
    return _File(
        bodies=bodies,
        media_type=f"{media_type}; charset=utf-8".encode() if is_text else media_type.encode(),
        kept=_FOR_EVER if file.relative_to(directory).parts[0] == "assets" else _ASK_AGAIN,
        tag=hashlib.sha256(body).hexdigest()[:20],
        is_page=media_type == "text/html",
    )
