"""Photographs every page of a running service: `python -m tests.e2e.screenshots URL DIRECTORY`.

One PNG for each page, language, theme and width, of the whole page: board-en-light-1280.png.
"""

import sys
from itertools import product
from pathlib import Path
from typing import Final

from tests.e2e.browser import Scheme, Visitor, chromium
from tests.e2e.places import NAMES, path_of
from tests.service_process import Site

LANGUAGES: Final = ("en", "zh")
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
WIDTHS: Final = (375, 768, 1280, 1920)


def photograph(url: str, directory: Path, names: tuple[str, ...] = NAMES) -> int:
    """Number of pictures taken. Pages that the service does not have are pictures of what it says instead."""
    directory.mkdir(parents=True, exist_ok=True)
    taken = 0
    with chromium() as browser:
        for lang, name in product(LANGUAGES, names):
            visitor = Visitor(browser)
            tab = visitor.tab(lang=lang, reduced_motion="reduce")
            tab.open(url + path_of(name, Site(url)))
            for scheme, width in product(SCHEMES, WIDTHS):
                tab.page.set_viewport_size({"width": width, "height": 900})
                tab.page.emulate_media(color_scheme=scheme)
                tab.next_frame()
                file = directory / f"{name.replace(' ', '-')}-{lang}-{scheme}-{width}.png"
                tab.page.screenshot(path=file, full_page=True)
                taken += 1
            visitor.leave()
    return taken


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m tests.e2e.screenshots URL DIRECTORY [PAGE ...]")
    wanted = tuple(sys.argv[3:]) or NAMES
    print(photograph(sys.argv[1].rstrip("/"), Path(sys.argv[2]), wanted), "pictures")
