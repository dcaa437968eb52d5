"""A server on this machine for tests of downloads."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 64
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A server on this machine that misbehaves on demand: ``plan`` holds one behaviour per request, then "whole"."""

    def __init__(self) -> None:
        self.plan: list[str] = []
        self.ranges: list[str | None] = []
        self.version = '"1"'
        self.content = CONTENT
        self.pause = 0.0  # seconds before each quarter of a megabyte
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                server.ranges.append(asked)
                behaviour = server.plan.pop(0) if server.plan else "whole"
                if behaviour.isdigit():
                    self.send_error(int(behaviour))
                    return
                if behaviour == "silent":
                    time.sleep(0.4)
                start = int(asked[6:-1]) if asked and behaviour in ("resume", "break again", "changed") else 0
                if behaviour == "changed" and self.headers.get("If-Range", server.version) != server.version:
                    start = 0
                content = server.content if server.version == '"1"' else server.content[::-1]
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - start))
                self.send_header("ETag", server.version)
                self.end_headers()
                half = start + (len(content) - start) // 2
                end = half if "break" in behaviour else len(content)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client may have given up
                    for at in range(start, end, 1 << 18):
                        time.sleep(server.pause)
                        self.wfile.write(content[at : min(at + (1 << 18), end)])

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/models/weights.pth"


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A running server."""
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()
