"""Chromium, driven: the designer's server as its command starts it, and its page as a person uses it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

from lrsched.designer import Session
from lrsched.designer.server import Server

__all__ = ["IDLE", "Command", "Keys", "Opened", "Page", "Served", "chromium"]

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu --hide-scrollbars --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --disable-default-apps "
    "--disable-extensions --force-device-scale-factor=1 --force-prefers-reduced-motion --lang=en-US"
)
IDLE = "return typeof page === 'object' && page.last !== null && !busy && !queue.length && !lookNeeded && !peekNeeded"


def chromium(profile: Path) -> Any:
    """Debian's Chromium, to which no address but this machine's exists."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_argument(
        "--host-resolver-rules=MAP rebound.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    )
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(20)
    return driver


class Served:
    """The designer's server in a thread."""

    def __init__(self, *sources: object, **options: Any) -> None:
        self.server = Server(Session.of(sources, **options))
        self.address = self.server.address
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Answer nothing any more."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Command:
    """``lrsched design ... --no-browser`` as a process; its first line is the address."""

    def __init__(self, *arguments: object) -> None:
        # a shell may have told its background jobs to ignore interrupts
        code = "import signal, lrsched.cli; signal.signal(signal.SIGINT, signal.default_int_handler); lrsched.cli.run()"
        command = [sys.executable, "-c", code, "design", *map(str, arguments), "--no-browser"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def end(self) -> None:
        """Ctrl-C, once."""
        with self.process:  # a pipe that stays open fails the test during which it is collected, which may be any
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.communicate(timeout=10)
            finally:
                self.process.kill()


class Opened:
    """A page that has no server."""

    def __init__(self, address: str) -> None:
        self.address = address

    def end(self) -> None:
        """There is nothing to end."""


class Page:
    """The page in the browser, by what a person sees and does."""

    def __init__(
        self,
        driver: Any,
        server: Served | Command | Opened,
        *,
        size: tuple[int, int] = (1280, 800),
        dark: bool = False,
        scale: float = 1,
    ) -> None:
        self.driver, self.server = driver, server
        self.expected: tuple[str, ...] = ()
        driver.get("about:blank")
        for log in ("browser", "performance"):
            driver.get_log(log)
        self.look(size, dark, scale)
        driver.get(server.address)
        if not isinstance(server, Opened):
            self.wait(IDLE)

    def look(self, size: tuple[int, int], dark: bool, scale: float) -> None:
        """Set the size of the window and the colours the person likes."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        liked = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": liked})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: Callable[[], Any], seconds: float = 10) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "in vain"
            time.sleep(0.01)

    def wait(self, script: str) -> None:
        """Wait until a script returns something true."""
        self.until(lambda: self.run(script))

    def settled(self) -> Page:
        """Wait until nothing is asked any more."""
        self.wait(IDLE)
        return self

    def find(self, selector: str) -> Any:
        """The element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        """The text a person reads there."""
        return str(self.find(selector).text)

    def click(self, selector: str) -> None:
        """Click, and wait for what comes of it."""
        self.find(selector).click()
        self.settled()

    def button(self, name: str) -> None:
        """Click the button with a text or an accessible name, whatever it leads to."""
        self.driver.find_element("xpath", f"//button[.='{name}' or @aria-label='{name}']").click()

    def write(self, selector: str, text: str) -> None:
        """Write into a field as one does: select all, type, Enter."""
        self.find(selector).click()
        self.keys("a", holding=Keys.CONTROL)
        self.keys(text, Keys.ENTER)

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list."""
        self.run(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
            self.find(selector),
            value,
        )
        self.settled()

    def keys(self, *keys: str, holding: str = "") -> None:
        """Press keys one after the other, wherever the focus is, and meanwhile hold others."""
        chain = ActionChains(self.driver, duration=0)
        for held in holding:
            chain.key_down(held)
        chain.send_keys(*keys)
        for held in holding:
            chain.key_up(held)
        chain.perform()
        self.settled()

    def drag(self, selector: str, dx: int, dy: int, kind: str = "mouse") -> None:
        """Drag the middle of an element, in five moves."""
        x, y = self.run(
            "const b = arguments[0].getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
            self.find(selector),
        )
        chain = ActionChains(self.driver, duration=20, devices=[PointerInput(kind, kind)])
        pointer = chain.w3c_actions.pointer_action
        pointer.move_to_location(int(x), int(y)).pointer_down()
        for part in range(1, 6):
            pointer.move_to_location(int(x + dx * part / 5), int(y + dy * part / 5))
        pointer.pointer_up()
        chain.perform()
        self.settled()

    def wheel(self, selector: str, dy: int) -> None:
        """Turn the wheel over the middle of an element."""
        origin = ScrollOrigin.from_element(self.find(selector))
        ActionChains(self.driver, duration=0).scroll_from_origin(origin, 0, dy).perform()
        self.settled()

    @property
    def state(self) -> dict[str, Any]:
        """What Python says that was asked for."""
        return dict(self.run("return page.states[page.file]"))

    @property
    def changes(self) -> dict[str, Any]:
        """The values that differ from the file."""
        return dict(self.state["changes"])

    def messages(self) -> list[str]:
        """What the console says, without what the test expects there."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in said if not any(part in message for part in self.expected)]

    def addresses(self) -> Iterator[str]:
        """The address of every request the page made."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                yield message["params"]["request"]["url"]

    def close(self) -> None:
        """Nothing wrong in the console, and no request has left this machine."""
        own = self.server.address.partition("#")[0]
        assert self.messages() == []
        assert [
            address for address in self.addresses() if not address.startswith((own, "data:", "blob:", "about:"))
        ] == []
