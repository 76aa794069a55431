"""`app.py probe` against a server that refuses a parameter: the record on stdout, the proposed cure on stderr."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.test_cli import app

REFUSAL = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
}


class Refusing(BaseHTTPRequestHandler):
    """Takes the limit of tokens under its new name only."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(REFUSAL if "max_tokens" in body else {"error": {"message": "busy"}}).encode()
        self.send_response(400 if "max_tokens" in body else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def config(tmp_path: Path, server: str, model: str) -> Path:
    path = tmp_path / "local.yaml"
    path.write_text(
        f"apis:\n  acme:\n    main:\n      base_url: {server}\n      models:\n        - {model}\n"
    )
    return path


def test_a_refusal_proposes_the_line_that_cures_it(server: str, tmp_path: Path) -> None:
    path = config(tmp_path, server, "{model: o9}")

    ran = app("probe", "o9", "--json", "--config", str(path))

    assert ran.returncode == 1
    assert json.loads(ran.stdout)["outcome"] == "bad_request"
    assert "In apis.acme.main.models[o9]:\n    token_parameter: max_completion_tokens\n" in ran.stderr


def test_the_proposed_line_cures_it(server: str, tmp_path: Path) -> None:
    path = config(tmp_path, server, "{model: o9, token_parameter: max_completion_tokens}")

    ran = app("probe", "o9", "--json", "--config", str(path))

    assert json.loads(ran.stdout)["outcome"] == "overloaded"
    assert "models[o9]" not in ran.stderr
