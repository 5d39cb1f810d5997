"""``send``: what it posts, what it makes of the answers, and that it tries again under one id."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.support.processes import free_port
from tests.unit.cli.shell import TEXT, lines_of, logweir

ACCEPTED = (202, {"status": "accepted", "tenant_id": "acme", "log_id": "a1"})
BUSY = (503, {"reason": "broker_unavailable", "title": "Unconfirmed.", "detail": "Send it again."})


@dataclass
class Gateway:
    """A gateway that answers as a test says, one answer after the other, the last one for ever."""

    url: str
    answers: list[tuple[int, object]] = field(default_factory=lambda: [ACCEPTED])
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def send(self, *arguments: object, stdin: str | bytes = TEXT) -> Any:
        """Run the command against it."""
        return logweir("send", "acme", "--url", self.url, *arguments, stdin=stdin)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """It listens while the test runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            this.requests.append((headers, body))
            status, members = this.answers.pop(0) if len(this.answers) > 1 else this.answers[0]
            raw = members if isinstance(members, bytes) else json.dumps(members).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        this = Gateway(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield this
        server.shutdown()
        thread.join()


def test_it_sends_text_as_it_is(gateway: Gateway) -> None:
    result = gateway.send("--log-id", "a1", stdin=b"x\r\n\x00\xe2\x82\xac")
    assert (result.exit_code, result.stdout) == (0, "acme a1\n")
    [(headers, body)] = gateway.requests
    assert body == b"x\r\n\x00\xe2\x82\xac"
    assert headers["content-type"] == "text/plain"
    assert (headers["x-tenant-id"], headers["x-log-id"]) == ("acme", "a1")


def test_it_sends_json(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("€")
    result = gateway.send(tmp_path / "log", "--log-id", "a1", "--json-body", "--json")
    assert lines_of(result) == [ACCEPTED[1]]
    [(headers, body)] = gateway.requests
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"tenant_id": "acme", "log_id": "a1", "text": "€"}


def test_json_cannot_carry_what_is_no_utf8(gateway: Gateway) -> None:
    result = gateway.send("--json-body", stdin=b"ab\xff")
    assert result.exit_code == 2
    assert "the first bad byte is at 2" in result.stderr
    assert gateway.requests == []


def test_while_it_is_unavailable_it_is_sent_again_under_the_same_id(gateway: Gateway) -> None:
    gateway.answers = [BUSY, (429, {"reason": "overloaded"}), ACCEPTED]
    result = gateway.send()
    assert result.exit_code == 0
    assert result.stderr.count("trying again in") == 2
    ids = [headers["x-log-id"] for headers, _ in gateway.requests]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert result.stdout == f"acme {ids[0]}\n"


def test_it_gives_up_after_so_many_tries(gateway: Gateway) -> None:
    gateway.answers = [BUSY]
    result = gateway.send("--tries", "2")
    assert (result.exit_code, result.stdout) == (4, "")
    assert len(gateway.requests) == 2
    assert "503 broker_unavailable Unconfirmed. Send it again." in result.stderr
    assert gateway.requests[0][0]["x-log-id"] in result.stderr


def test_a_refusal_is_printed_and_not_sent_again(gateway: Gateway) -> None:
    problem = {"reason": "empty_text", "title": "Empty.", "detail": "Send more.", "limit": 1}
    gateway.answers = [(400, problem)]
    result = gateway.send(stdin="")
    assert result.exit_code == 1
    assert result.stderr == "logweir: 400 empty_text Empty. Send more. (limit 1)\n"
    assert len(gateway.requests) == 1
    assert lines_of(gateway.send("--json", stdin="")) == [problem]


def test_an_answer_that_is_not_ours_cannot_drive_the_terminal(gateway: Gateway) -> None:
    gateway.answers = [(404, b"<h1>\x1b[2J</h1>")]
    result = gateway.send()
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr


def test_a_gateway_that_is_not_there_is_exit_code_4_with_the_id_to_send_again() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = logweir("send", "acme", "--url", url, "--tries", "2", "--log-id", "a1", stdin=TEXT)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "Connection refused. Send it again with --log-id a1." in result.stderr


def test_the_gateway_is_found_by_the_settings(gateway: Gateway) -> None:
    port = gateway.url.rpartition(":")[2]
    assert logweir("send", "acme", stdin=TEXT, LOGWEIR_PORT=port).exit_code == 0
