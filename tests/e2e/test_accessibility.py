"""axe-core finds nothing, on every page, in both languages and themes, on a phone and on a desk."""

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.browser import Tab, Visitor
from tests.e2e.places import NAMES, path_of
from tests.service_process import Service

pytestmark = pytest.mark.browser

# The package brings axe-core itself; its Python side is not needed.
AXE: Final = Path(str(files("axe_playwright_python") / "axe.min.js"))
RUN: Final = "() => axe.run(document, { resultTypes: ['violations'] }).then((results) => results.violations)"


def violations(tab: Tab) -> list[str]:
    """The rule that is broken and the first elements that break it."""
    found: list[dict[str, Any]] = tab.page.evaluate(RUN)
    return [
        f"{rule['id']} ({rule['impact']}): "
        + " | ".join(
            str(node["html"])[:120] + " -> " + " ".join(why(node))[:200] for node in rule["nodes"][:3]
        )
        for rule in found
    ]


def why(node: dict[str, Any]) -> list[str]:
    return [str(check["message"]) for kind in ("any", "all", "none") for check in node[kind]]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(name: str, lang: str, demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(lang=lang, bypass_csp=True, reduced_motion="reduce")
    tab.open(demo.url + path_of(name, demo))
    tab.page.add_script_tag(path=AXE)
    found = []
    for width in (1280, 375):
        tab.page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            tab.next_frame()
            found += [f"{width} px, {scheme}: {violation}" for violation in violations(tab)]
    assert not found, "\n".join(found)


def test_axe_would_find_something(demo: Service, visitor: Visitor) -> None:
    tab = visitor.tab(bypass_csp=True)
    tab.open(demo.url)
    tab.page.add_script_tag(path=AXE)
    tab.page.evaluate("() => document.querySelector('h1').append(document.createElement('button'))")
    assert any(violation.startswith("button-name") for violation in violations(tab))
