"""What comes back: a requests.Response that raises our errors and keeps no credentials."""

from __future__ import annotations

import copy
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from metalith.errors import DataSourceError
from metalith.sources.http.body import Body
from metalith.sources.http.failures import refusal
from metalith.sources.http.origins import harmless

__all__ = ["Response"]


class Response(requests.Response):
    """An answer. What reads its body is limited, and raises DataSourceError where that is not whole.

    Attributes
    ----------
    raw : Body
    location : str or None
        Where it redirects to.
    """

    raw: Body
    location: str | None = None

    @classmethod
    def of(cls, answer: requests.Response) -> Response:
        """The answer of another session; its `raw` is a Body already."""
        response = cls()
        response.__dict__.update(answer.__dict__)
        request = copy.copy(answer.request)
        request.headers = CaseInsensitiveDict(harmless(request.headers or {}))
        response.request = request
        response.history = []
        return response

    @property
    def method(self) -> str:
        return self.request.method or ""

    @property
    def is_redirect(self) -> bool:
        return self.location is not None and self.status_code in (301, 302, 303, 307, 308)

    def load(self) -> Response:
        """Reads the body, so that `content` has it."""
        self._content: Any = self.raw.read()
        self._content_consumed = True
        return self

    def raise_for_status(self) -> None:
        """Raises DataSourceError for 400 and above."""
        if self.status_code >= 400:
            raise self.error(refusal(self.status_code))

    def error(self, reason: str) -> DataSourceError:
        """An error about this answer."""
        return DataSourceError(reason, method=self.method, url=self.url, status=self.status_code)
