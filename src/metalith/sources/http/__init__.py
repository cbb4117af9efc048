"""HTTP for data sources."""

from metalith.sources.http.answer import Response
from metalith.sources.http.origins import Origin, origin_of
from metalith.sources.http.transport import Transport

__all__ = ["Origin", "Response", "Transport", "origin_of"]
