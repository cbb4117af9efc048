"""An HTTP server for the benchmarks of data sources, in a process of its own, that costs next to nothing itself.

All answers are made beforehand and sent from memory; it counts requests and bytes.  Of rows, which are told one by one,
it sends those that `offset` and `limit` ask for; of files the bytes that `Range` asks for.
"""

import json
import pickle
import re
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs


@dataclass
class Answer:
    """What is at a path: a body, or rows."""

    body: bytes = b""
    kind: str = "application/dicom+json"
    gzip: bool = False
    rows: list[bytes] | None = None


@dataclass
class Server:
    """The server's process, from `with` to its end.

    Attributes
    ----------
    root : str
        Its URL, without a slash.
    """

    answers: dict[str, Answer]
    root: str = field(default="", init=False)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.source_server"]
        here = Path(__file__).resolve().parents[1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=here)
        assert self._process.stdin
        assert self._process.stdout
        pickle.dump(self.answers, self._process.stdin, protocol=5)
        self._process.stdin.flush()
        self.root = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()  # which it ends with
        self._process.stdout.close()
        self._process.wait(30)

    def counts(self) -> dict[str, float]:
        """Requests, bytes of bodies and seconds at work since this was last asked."""
        with urllib.request.urlopen(f"{self.root}/counts") as answer:
            return json.load(answer)


# ---- in its process ----


class _Counts:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = {"requests": 0, "bytes": 0, "seconds": 0.0}

    def add(self, sent: int, seconds: float) -> None:
        with self._lock:
            self._now["requests"] += 1
            self._now["bytes"] += sent
            self._now["seconds"] += seconds

    def take(self) -> bytes:
        with self._lock:
            taken, self._now = self._now, {"requests": 0, "bytes": 0, "seconds": 0.0}
        return json.dumps(taken).encode()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    disable_nagle_algorithm = True

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answers, self.counts = answers, _Counts()


class _Connection(socketserver.StreamRequestHandler):
    server: _Listener
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            while head := self._head():
                began = time.thread_time()
                path, query, asked = head
                if path == "/counts":
                    self._send(Answer(self.server.counts.take(), "application/json"), "", None)
                    continue
                sent = self._send(self.server.answers.get(path), query, asked)
                self.server.counts.add(sent, time.thread_time() - began)
        except OSError:
            pass  # the client has gone

    def _head(self) -> tuple[str, str, str | None] | None:
        line = self.rfile.readline()
        if not line:
            return None
        asked = None
        while (field := self.rfile.readline().strip()) != b"":
            name, _, value = field.partition(b":")
            if name.lower() == b"range":
                asked = value.strip().decode()
        path, _, query = line.split()[1].decode().partition("?")
        return path, query, asked

    def _send(self, answer: Answer | None, query: str, asked: str | None) -> int:
        status, fields = "200 OK", ""
        if answer is None:
            status, answer = "404 Not Found", Answer(kind="text/plain")
        body = memoryview(answer.body if answer.rows is None else _rows(answer.rows, query))
        if asked and (found := re.fullmatch(r"bytes=(\d+)-(\d*)", asked)) and int(found[1]) < len(body):
            size, first = len(body), int(found[1])
            body = body[first : int(found[2] or size) + 1]
            status = "206 Partial Content"
            fields = f"Content-Range: bytes {first}-{first + len(body) - 1}/{size}\r\n"
        if answer.gzip:
            fields += "Content-Encoding: gzip\r\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: {answer.kind}\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
        self.connection.sendall(head.encode())
        self.connection.sendall(body)
        return len(body)


def _rows(rows: list[bytes], query: str) -> bytes:
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    first = int(asked.get("offset", 0))
    return b"[" + b",".join(rows[first : first + int(asked.get("limit", len(rows)))]) + b"]"


def main() -> None:
    # the class has another name in the parent, which has imported this module
    sys.modules["benchmarks.source_server"] = sys.modules["__main__"]
    with _Listener(pickle.load(sys.stdin.buffer)) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
