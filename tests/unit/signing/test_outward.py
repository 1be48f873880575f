"""What is sent to a service goes to that service, encrypted, and is printed without its secrets."""

from __future__ import annotations

import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from auditkit.signing.outward import address_problem, ask, shown_address

SEEN: list[str] = []
"""Which paths were asked for."""


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody on to another place, but for those who ask there."""

    def do_POST(self) -> None:
        """A redirect to ``/elsewhere``, or an answer there."""
        SEEN.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/ok":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"yes")
            return
        self.send_response(int(self.path.removeprefix("/")))
        self.send_header("Location", "/ok")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server on this machine."""
    SEEN.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: str, status: int) -> None:
    """The token in the headers would go along to whoever is named."""
    with pytest.raises(urllib.error.HTTPError) as told:
        ask(f"{server}/{status}", b"x", {"Authorization": "Bearer t"}, timeout=5, largest=10)
    told.value.close()
    assert (told.value.code, SEEN) == (status, [f"/{status}"])


def test_an_answer_is_read_up_to_the_bound(server: str) -> None:
    """No more than was said to be enough."""
    assert ask(f"{server}/ok", b"x", {}, timeout=5, largest=2) == b"ye"


@pytest.mark.parametrize(
    ("url", "secret", "problem"),
    [
        ("https://sign.example.com/csc", True, ""),
        ("http://127.0.0.1:8080/csc", True, ""),
        ("http://[::1]/csc", True, ""),
        ("http://localhost/csc", True, ""),
        ("http://sign.example.com/csc", True, "is not encrypted: write https"),
        ("http://127.0.0.1.example.com/", True, "is not encrypted: write https"),
        ("http://tsa.example.com/", False, ""),
        ("https://user:word@sign.example.com/", True, "holds a name or a password"),
        ("https://user@tsa.example.com/", False, "holds a name or a password"),
        ("ftp://sign.example.com/", False, "is not a web address"),
        ("https:///x", False, "is not a web address"),
        ("https://[x", False, "is not a web address"),
    ],
)
def test_an_address_is_one_to_ask(url: str, problem: str, *, secret: bool) -> None:
    """Encrypted where a secret is sent to another machine, and without a secret in itself."""
    found = address_problem(url, secret=secret)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_an_address_is_shown_without_its_query() -> None:
    """Some services take a key there."""
    assert shown_address("https://tsa.example.com/q?key=1#x") == "https://tsa.example.com/q"
    assert shown_address(None) is None
