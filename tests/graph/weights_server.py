"""A server on this computer that serves one file, or misbehaves."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server:
    """Serves ``content`` under every path, or misbehaves as ``mode`` says; counts requests."""

    def __init__(self, content: bytes) -> None:
        self.content, self.mode, self.requests = content, "good", 0
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                if outer.mode == "silent":
                    outer.released.wait(20)
                    return
                self.send_response(404 if outer.mode == "missing" else 200)
                self.end_headers()
                if outer.mode == "drip":
                    for _ in range(200):
                        if outer.released.wait(0.05):
                            return
                        self.wfile.write(b"x")
                        self.wfile.flush()
                elif outer.mode == "cut":
                    self.wfile.write(outer.content[:1000])
                elif outer.mode != "missing":
                    self.wfile.write(outer.content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    super().handle()

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/models"
