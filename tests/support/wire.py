"""HTTP over a bare socket, so that a test can say what no client library would."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str | None:
        """The reason of a refusal; None where the server refused before the application saw it."""
        return self.json["reason"] if self.body[:1] == b"{" and self.status != 202 else None


class Wire:
    """One connection to 127.0.0.1, byte by byte."""

    def __init__(self, port: int, *, timeout: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, *pieces: bytes, pause: float = 0.0) -> bool:
        """Send the pieces; False where the other side stopped listening before the end."""
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            try:
                self._socket.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                return False
        return True

    def half_close(self) -> None:
        """Say that nothing more comes; answers can still be received."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection off with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def answer(self, *, of_head: bool = False) -> Answer | None:
        """The next response; None where the connection ended without one. Raises TimeoutError."""
        while b"\r\n\r\n" not in self._received:
            if not self._receive():
                return None
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        if status < 200 or of_head:
            return Answer(status, headers, b"")
        size = int(headers.get("content-length", 0))
        while len(self._received) < size and self._receive():
            pass
        body, self._received = self._received[:size], self._received[size:]
        return Answer(status, headers, body)

    def has_ended(self, within_seconds: float) -> bool:
        """Does the other side end the connection within so many seconds? What comes is kept."""
        patience = self._socket.gettimeout()
        deadline = time.monotonic() + within_seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._receive():
                    return True
        except TimeoutError:
            pass
        finally:
            self._socket.settimeout(patience)
        return False

    @property
    def received(self) -> bytes:
        """What has come and was not taken as an answer."""
        return self._received

    def _receive(self) -> bool:
        try:
            piece = self._socket.recv(65536)
        except ConnectionResetError:
            return False
        self._received += piece
        return bool(piece)


def request(
    *headers: bytes | str, body: bytes = b"", line: bytes = b"POST /ingest HTTP/1.1"
) -> bytes:
    """A request whose length is declared, with just these headers beside Host."""
    return head(*headers, f"Content-Length: {len(body)}", line=line) + body


def head(*headers: bytes | str, line: bytes = b"POST /ingest HTTP/1.1") -> bytes:
    """A request's first line and headers, as they are given."""
    lines = [line, b"Host: x", *(h.encode() if isinstance(h, str) else h for h in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def ask(port: int, *pieces: bytes, timeout: float = 10.0) -> Answer | None:
    """Send bytes on a new connection: the first answer."""
    with Wire(port, timeout=timeout) as wire:
        wire.send(*pieces)
        return wire.answer()


def upload(port: int, tenant: str, text: str | bytes, log: str | None = None) -> Answer:
    """Send a text as a good client does."""
    headers = ["Content-Type: text/plain", f"X-Tenant-ID: {tenant}"]
    if log is not None:
        headers.append(f"X-Log-ID: {log}")
    answer = ask(port, request(*headers, body=text.encode() if isinstance(text, str) else text))
    assert answer is not None, "the connection ended without an answer"
    return answer
