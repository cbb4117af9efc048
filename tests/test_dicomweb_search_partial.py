"""Searches whose answers come in parts: what one request brings is not asked for again."""

from __future__ import annotations

import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

import metalith

STUDIES = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{k}"]}} for k in range(7)]


@pytest.fixture
def partial(monkeypatch):
    """A server that sends three studies at a time, under 206 while there are more; and what it was asked."""
    monkeypatch.setenv("NO_PROXY", "*")
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            offset = int(parse_qs(urlsplit(self.path).query).get("offset", ["0"])[0])
            asked.append(offset)
            body = json.dumps(STUDIES[offset : offset + 3]).encode()
            self.send_response(206 if offset + 3 < len(STUDIES) else 200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_part_of_the_results_is_taken_as_it_came(partial):
    root, asked = partial
    source = metalith.data_source("dicomweb", {"wado_root": root, "timeout": 20})
    results = source.query.studies.search()
    assert [row.study_instance_uid for row in results] == [f"1.2.{k}" for k in range(7)]
    assert len(asked) == len(set(asked))
    assert results.complete
    source.close()
