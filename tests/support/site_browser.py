"""Headless Chromium for tests, driven through its DevTools pipe with the standard library alone."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-sync", "--disable-component-update", "--disable-default-apps", "--remote-debugging-pipe"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)
# The browser reads commands from its file 3 and answers on its file 4: put the two ends there, then become the browser.
PLACE = """
import os, sys
ends = [os.dup(int(end)) for end in sys.argv[1:3]]
high = [os.dup2(end, 60 + i) for i, end in enumerate(ends)]
for i, end in enumerate(high):
    os.dup2(end, 3 + i)
os.execv(sys.argv[3], sys.argv[3:])
"""
# Of one answer, in seconds; a browser that hangs fails the test instead of stopping all of them.
PATIENCE = 30


class Browser:
    """One page of a browser that runs; ``errors`` collects what the console and uncaught exceptions say."""

    def __init__(self, send: int, receive: int) -> None:
        self.pipe, self.source, self.buffer = send, receive, b""
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.number, self.session = 0, ""
        self.events: list[dict] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Result of a DevTools command; AssertionError if the browser refuses it."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.pipe, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            assert time.monotonic() < deadline, "the browser does not answer"
            try:
                self.buffer += os.read(self.source, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:500])
        if method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(json.dumps(params["args"])[:500])
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        if method:
            self.events.append({"method": method})

    def open(self, path: Path, width: int = 1280, height: int = 900, mobile: bool = False) -> None:
        """Open a file of the disk in a window of the given size and wait until it is loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._read()

    def run(self, script: str) -> Any:
        """Value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def point(self, x: float, y: float, click: bool = False) -> None:
        """Move the pointer to a place in the window, and click there if asked."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press and release a key, named as in ``KeyboardEvent.key``."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def screenshot(self, whole: bool = False) -> bytes:
        """PNG of the window, or of the whole page."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with one page, which leaves nothing behind."""
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        ends = (command_read, answer_write)
        place = [sys.executable, "-c", PLACE, *map(str, ends)]
        command = [*place, str(CHROMIUM), *FLAGS, f"--user-data-dir={home}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        process = subprocess.Popen(command, pass_fds=ends, **quiet)
        for end in ends:
            os.close(end)
        os.set_blocking(answer_read, False)
        try:
            yield Browser(command_write, answer_read)
        finally:
            os.close(command_write)  # at the end of its commands the browser leaves
            os.close(answer_read)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
