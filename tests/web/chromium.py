"""A real browser: Debian's Chromium without a screen, and the few things that people do with it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PATIENCE_SECONDS = 30
SERIOUS = ("serious", "critical")


def executables() -> tuple[str, str]:
    """Return where the browser and its driver are; without them the test is skipped, or fails when they have to be."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if found[0] is None or found[1] is None:
        message = "there is no Chromium here: apt-get install chromium chromium-driver"
        if os.environ.get("LEDGER_TEST_BROWSER") == "required":
            pytest.fail(message)
        pytest.skip(message)
    return found[0], found[1]


@contextmanager
def started() -> Iterator[Chrome]:
    """Start a browser with a profile of its own."""
    browser, driver = executables()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        service = Service(driver)
        chrome = Chrome(options=options, service=service)
        try:
            yield chrome
        finally:
            chrome.quit()


class Browser:
    """A browser as one person uses it, with their language and screen, from no cookies on."""

    def __init__(
        self, chrome: Chrome, url: str, *, language: str, width: int = 1280, height: int = 900, is_dark: bool = False
    ) -> None:
        self._chrome, self.url = chrome, url
        self.clicks = 0
        chrome.get("about:blank")
        self._tell("Network.enable")
        self._tell("Network.clearBrowserCookies")
        agent = chrome.execute_script("return navigator.userAgent")
        self._tell("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        self._tell("Emulation.setTimezoneOverride", timezoneId="Asia/Shanghai")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._tell("Emulation.setEmulatedMedia", features=[scheme])
        self.resize(width, height)
        self.complaints()

    def _tell(self, command: str, **parameters: Any) -> None:
        self._chrome.execute_cdp_cmd(command, parameters)

    def resize(self, width: int, height: int = 900) -> None:
        """Look through a screen of another size; a narrow one is a phone's."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._tell("Emulation.setDeviceMetricsOverride", **size)

    def open(self, path: str) -> None:
        """Go to a page."""
        self._chrome.get(self.url + path)

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self._chrome.current_url).removeprefix(self.url)

    def one(self, selector: str) -> WebElement:
        """Return the first element that fits, once it is there."""
        found: WebElement = self.until(lambda: next(iter(self.every(selector)), None))
        return found

    def every(self, selector: str) -> list[WebElement]:
        """Return all elements that fit."""
        return self._chrome.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Click on something."""
        self.clicks += 1
        self.one(selector).click()

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.one(selector).send_keys(text)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        self._chrome.switch_to.active_element.send_keys(*keys)

    def hold_enter(self, times: int) -> None:
        """Keep Enter pressed: the keyboard repeats it."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for time in range(times):
            self._tell("Input.dispatchKeyEvent", type="keyDown", autoRepeat=time > 0, **key)

    def release_enter(self) -> None:
        """Let go of it."""
        self._tell("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)

    def lose_session(self) -> None:
        """Lose the cookies, as after hours."""
        self._tell("Network.clearBrowserCookies")

    def without_scripts(self, is_without: bool) -> None:
        """Let pages run no scripts from now on, or again."""
        self._tell("Emulation.setScriptExecutionDisabled", value=is_without)

    def has_focus(self, selector: str) -> bool:
        """Say whether the first element that fits has the focus."""
        return bool(self._chrome.switch_to.active_element == self.one(selector))

    def is_in_sight(self, selector: str) -> bool:
        """Say whether an element is within the screen as it is scrolled now, and nothing lies over its middle."""
        script = """
            const all = document.querySelector(arguments[0]), box = all.getBoundingClientRect();
            const over = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            return box.top >= -1 && box.bottom <= innerHeight + 1 && (over === all || all.contains(over));
        """
        return bool(self._chrome.execute_script(script, selector))

    def tab_to(self, selector: str) -> None:
        """Press the tabulator until something has the focus, which has to be visible."""
        for _ in range(60):
            self.press("\ue004")
            focused = self._chrome.switch_to.active_element
            if focused in self.every(selector):
                assert focused.value_of_css_property("outline-style") == "solid"
                return
        raise AssertionError(f"{selector} cannot be reached by the keyboard")

    def until(self, found: Callable[[], Any]) -> Any:
        """Wait until something is there, and return it; what a live page takes away meanwhile is looked for again."""
        wait = WebDriverWait(self._chrome, PATIENCE_SECONDS, 0.05, (StaleElementReferenceException,))
        return wait.until(lambda _: found(), f"{self.path} shows: {self.text}")

    def until_text(self, text: str) -> None:
        """Wait until a text is on the page."""
        self.until(lambda: text in self.text)

    @property
    def text(self) -> str:
        """What is seen."""
        return str(self._chrome.execute_script("return document.body.innerText"))

    def run(self, script: str, *arguments: object) -> Any:
        """Return what a script says."""
        return self._chrome.execute_script(script, *arguments)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of this person."""
        return {cookie["name"]: cookie["value"] for cookie in self._chrome.get_cookies()}

    def complaints(self) -> list[str]:
        """Return what the browser complained of: errors of scripts, and what the policy of the page refused."""
        entries = self._chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def barriers(self) -> list[str]:
        """Return what would keep somebody out of this page, as axe finds it."""
        self._chrome.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
        found = self._chrome.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        return [
            f"{one['id']}: {node['html']}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]
