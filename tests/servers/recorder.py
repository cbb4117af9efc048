"""Another host: says the same to everyone, and remembers who came with what."""

from __future__ import annotations

from servers.base import JSON, Request, Response, Server


class Recorder(Server):
    """A server that credentials and requests should not reach, or only some.

    Parameters
    ----------
    body, media_type
        What it answers, to anything.
    """

    def __init__(self, body: bytes = b"[]", media_type: str = JSON) -> None:
        super().__init__()
        self.body, self.media_type = body, media_type

    def answer(self, request: Request) -> Response:
        return Response(200, self.body, {"Content-Type": self.media_type})

    @property
    def credentials(self) -> list[tuple[str, str]]:
        """Every header that came and may carry a credential, as (name, value)."""
        names = ("authorization", "proxy-authorization", "cookie")
        return [(name, r.headers[name]) for r in list(self.requests) for name in names if name in r.headers]
