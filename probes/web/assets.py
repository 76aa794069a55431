"""Files under static/: their content hash for URLs that never go stale, and their compressed form, made once."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from flask import Flask, Response, abort, current_app, request, url_for

from probes.web.compression import COMPRESSIBLE, SMALLEST_BYTES, wants_gzip

HASH_LENGTH: Final = 12
LEVEL: Final = 9  # paid once per file and process
EXTENSION: Final = "firsttoken.assets"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_EACH_TIME: Final = "no-cache"  # a URL without the hash, as one script imports another

# The system's MIME table differs between machines, and a wrong type for a module script stops the page.
TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain",
    ".md": "text/plain",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    stamp: tuple[int, int]  # mtime_ns and size of the file that this was made from
    hash: str
    mimetype: str
    body: bytes
    compressed: bytes | None  # None where it would not pay


class Assets:
    """Reads each file once, and again when it changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._known: dict[Path, Asset] = {}

    def get(self, path: str) -> Asset:
        """Raises FileNotFoundError for what is no file of the folder, a path that leads out of it included."""
        try:
            file = (self._folder / path).resolve()
            if not file.is_relative_to(self._folder):
                raise FileNotFoundError(path)
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            asset = self._known.get(file)
            if asset is None or asset.stamp != stamp:
                asset = self._known[file] = _read(file, stamp)
        except (OSError, ValueError):  # ValueError: a NUL in the path
            raise FileNotFoundError(path) from None
        return asset


def _read(file: Path, stamp: tuple[int, int]) -> Asset:
    body = file.read_bytes()
    mimetype = TYPES.get(file.suffix, "application/octet-stream")
    pays = mimetype in COMPRESSIBLE and len(body) >= SMALLEST_BYTES
    return Asset(
        stamp=stamp,
        hash=hashlib.sha256(body).hexdigest()[:HASH_LENGTH],
        mimetype=mimetype,
        body=body,
        compressed=gzip.compress(body, LEVEL, mtime=0) if pays else None,
    )


def install_assets(app: Flask) -> None:
    """Give templates `asset()` and serve static/ from memory, under Flask's own URL for it."""
    app.extensions[EXTENSION] = Assets(Path(app.static_folder or "static"))
    app.jinja_env.globals["asset"] = asset
    app.view_functions["static"] = serve_asset


def asset(path: str) -> str:
    """A static file's URL with its content hash: `asset("css/board.css")` -> /static/css/board.css?v=1a2b...

    Raises FileNotFoundError for a file that is not there.
    """
    return url_for("static", filename=path, v=_assets().get(path).hash)


def serve_asset(filename: str) -> Response:
    try:
        found = _assets().get(filename)
    except FileNotFoundError:
        abort(404)
    packed = found.compressed if wants_gzip(request) else None
    response = Response(packed or found.body, mimetype=found.mimetype)
    if packed is not None:
        response.headers["Content-Encoding"] = "gzip"
    if found.compressed is not None:
        response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = FOR_EVER if request.args.get("v") == found.hash else ASK_EACH_TIME
    response.set_etag(found.hash, weak=True)  # weak: one tag for the plain and the packed form
    return response


def _assets() -> Assets:
    return cast(Assets, current_app.extensions[EXTENSION])
