"""Compressed answers, undone piece by piece: never more at a time than was asked for, whatever they inflate to.

All of it is done here, since urllib3 does not mind when compressed data end early. gzip and deflate are always there,
others are offered to servers where the packages that urllib3 uses for them are installed.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from functools import cache
from typing import Any, Protocol

from metalith.errors import MetalithError

__all__ = ["Damaged", "Inflater", "UnknownEncoding", "accepted", "inflater"]

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class UnknownEncoding(MetalithError):
    """The answer is compressed in a way that was not asked for."""


class Damaged(MetalithError):
    """What is to be inflated is damaged."""


class Inflater(Protocol):
    """Undoes one encoding."""

    @property
    def is_complete(self) -> bool:
        """Whether what came so far may be all: it ends where the compressed data end, or nothing came at all."""

    def put(self, data: bytes) -> None:
        """Some more compressed bytes, when `take` has no more."""

    def take(self, most: int) -> bytes:
        """Some of what they inflate to; empty when more must be put. Raises `Damaged`."""


def accepted() -> str:
    """What Accept-Encoding says."""
    return ", ".join(["gzip", *(name for name, module in (("br", _brotli()), ("zstd", _zstd())) if module)])


def inflater(encoding: str) -> Inflater | None:
    """What undoes a Content-Encoding; None where nothing is to be done.

    Raises
    ------
    UnknownEncoding
        It is none that was asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Zlib(encoding)
    if encoding == "br" and _brotli():
        return _Brotli()
    if encoding == "zstd" and _zstd():
        return _Zstd()
    raise UnknownEncoding("the answer is compressed in a way that was not asked for")


class _Zlib:
    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding != "deflate"
        self._engine = zlib.decompressobj(_GZIP) if self._is_gzip else None
        self._rest = b""
        self._begun = self._full = False

    @property
    def is_complete(self) -> bool:
        return not self._begun or (self._engine is not None and self._engine.eof)

    def put(self, data: bytes) -> None:
        self._rest += data

    def take(self, most: int) -> bytes:
        while self._rest or self._full:
            if self._engine is None:
                # what HTTP calls deflate is zlib's format; servers that take it at its word leave out zlib's header
                self._engine = zlib.decompressobj(_ZLIB if self._rest[0] & 0x0F == 8 else _RAW)
            if self._engine.eof:
                if self._rest == b"\x1f":
                    return b""  # half of what may begin another member
                if not self._is_gzip or self._rest[:2] != b"\x1f\x8b":
                    self._rest = b""  # padding
                    return b""
                self._engine = zlib.decompressobj(_GZIP)
            self._begun = True
            try:
                made = self._engine.decompress(self._rest, most)
            except zlib.error:
                raise Damaged("the answer is not compressed as it says, or damaged") from None
            self._full = len(made) == most and not self._engine.eof  # zlib may hold more back
            self._rest = self._engine.unconsumed_tail or self._engine.unused_data
            if made:
                return made
        return b""


class _Buffered:
    """Engines that keep what they were given and have not inflated yet."""

    def __init__(self) -> None:
        self._rest, self._begun = b"", False
        self._engine = self._new()

    @property
    def is_complete(self) -> bool:
        return not self._begun or (self._has_ended() and not self._rest)

    def put(self, data: bytes) -> None:
        self._rest += data

    def take(self, most: int) -> bytes:
        while self._rest or (self._begun and self._has_more()):
            self._begun = True
            given, self._rest = self._rest, b""
            try:
                made = self._inflate(given, most)
            except Exception:  # of a type that each version of the packages names otherwise
                raise Damaged("the answer is not compressed as it says, or damaged") from None
            if made:
                return made
        return b""

    def _new(self) -> Any:
        raise NotImplementedError

    def _inflate(self, data: bytes, most: int) -> bytes:
        raise NotImplementedError

    def _has_more(self) -> bool:
        raise NotImplementedError

    def _has_ended(self) -> bool:
        raise NotImplementedError


class _Zstd(_Buffered):
    def _new(self) -> Any:
        return _zstd().ZstdDecompressor()

    def _inflate(self, data: bytes, most: int) -> bytes:
        if self._engine.eof:  # another frame
            self._engine = self._new()
        made: bytes = self._engine.decompress(data, most)
        if self._engine.eof:
            self._rest = self._engine.unused_data
        return made

    def _has_more(self) -> bool:
        return not self._engine.eof and not self._engine.needs_input

    def _has_ended(self) -> bool:
        return bool(self._engine.eof)


class _Brotli(_Buffered):
    def _new(self) -> Any:
        return _brotli().Decompressor()

    def _inflate(self, data: bytes, most: int) -> bytes:
        made: bytes = self._engine.process(data, output_buffer_limit=most)
        return made

    def _has_more(self) -> bool:
        return not self._engine.can_accept_more_data()

    def _has_ended(self) -> bool:
        return bool(self._engine.is_finished())


@cache
def _zstd() -> Any:
    return _module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


@cache
def _brotli() -> Any:
    """From its release 1.2 on: earlier ones do not bound what comes of one piece."""
    module = _module("brotli")
    return module if hasattr(getattr(module, "Decompressor", None), "can_accept_more_data") else None


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
