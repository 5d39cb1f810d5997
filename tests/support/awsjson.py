"""A service of AWS's on loopback, as a test wants it: botocore asks it over real HTTP.

    with serving({"PutItem": lambda request: raises("ThrottlingException")}) as service:
        client = service.client("dynamodb")  # the code under test asks this
        service.asked                        # [("PutItem", {…}), …]

An answer is a function of the request, both as in the service's JSON protocol. It may raise Failure
for an error of the service, or HangUp for a connection that breaks. What has no function goes to
``upstream``, an emulator; a function can ask it too, by ``service.forward``.
"""

from __future__ import annotations

import functools
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

Request = dict[str, Any]
Answer = Callable[[Request], Request]
_TYPE: Final = "application/x-amz-json-1.0"


class Failure(Exception):
    """The service answers with an error."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class HangUp(Exception):
    """The connection breaks without an answer."""


class Service:
    """What is asked, and what answers."""

    def __init__(self, answers: dict[str, Answer], upstream: str | None) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Request]] = []
        self.endpoint = ""
        self._upstream = upstream

    def client(self, name: str) -> Any:
        """botocore's own client of it; it tries nothing twice."""
        from botocore.config import Config

        return _session().create_client(
            name,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            config=Config(
                retries={"total_max_attempts": 1}, read_timeout=5, max_pool_connections=50
            ),
        )

    def times(self, operation: str) -> int:
        """How often it was asked so."""
        return sum(name == operation for name, _ in self.asked)

    def answer(self, target: str, request: Request) -> Request:
        """By the test's function, or by upstream."""
        operation = target.rpartition(".")[2]
        self.asked.append((operation, request))
        if operation in self.answers:
            return self.answers[operation](request)
        return self.forward(target, request)

    def forward(self, target: str, request: Request) -> Request:
        """What upstream answers to ``Service_Version.Operation``."""
        assert self._upstream is not None, f"nothing answers {target}"
        # It checks no signature, but asks for whose it is.
        scope = "Credential=test/20260101/us-east-1/dynamodb/aws4_request"
        headers = {
            "Content-Type": _TYPE,
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        }
        asked = urllib.request.Request(self._upstream, json.dumps(request).encode(), headers)
        try:
            with urllib.request.urlopen(asked) as response:
                answer: Request = json.load(response)
        except urllib.error.HTTPError as error:
            failed = json.load(error)
            raise Failure(failed["__type"].rpartition("#")[2], error.code) from None
        return answer


@functools.cache
def _session() -> Any:
    """One for all, since it reads the services' descriptions."""
    import botocore.session

    session = botocore.session.Session()
    session.set_credentials("test", "test")
    return session


@contextmanager
def serving(answers: dict[str, Answer], *, upstream: str | None = None) -> Iterator[Service]:
    """The service while the block runs."""
    service = Service(answers, upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, answer = 200, service.answer(self.headers["X-Amz-Target"], request)
            except Failure as failure:
                status, answer = failure.status, {"__type": failure.code, "message": "as told"}
            except HangUp:
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", _TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def raises(code: str, status: int = 400) -> Request:
    """For a lambda: fail."""
    raise Failure(code, status)


def in_turn(*answers: Answer, then: Answer) -> Answer:
    """Each answers once, in their order; then one answers the rest."""
    left = list(answers)
    lock = threading.Lock()

    def answer(request: Request) -> Request:
        with lock:
            turn = left.pop(0) if left else then
        return turn(request)

    return answer
