"""How long it takes until a browser shows the first of a page: Chromium, from the click to the first letters."""

import shutil
from collections.abc import Mapping
from statistics import median

from tests.web.chromium import started

REPEATS = 5
_PAINT = """
const [done] = arguments;
const look = () => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  paint ? done(paint.startTime) : setTimeout(look, 5);
};
look();
"""


def first_paints(url: str, pages: Mapping[str, str]) -> Mapping[str, float] | None:
    """Return the median milliseconds of each page; None where there is no Chromium."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return None
    found = {}
    with started() as chrome:
        for name, path in pages.items():
            took = []
            for _ in range(REPEATS):
                chrome.get(url.rstrip("/") + path)
                took.append(float(chrome.execute_async_script(_PAINT)))
            found[name] = round(median(took), 1)
    return found
