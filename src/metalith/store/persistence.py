"""A store as one file, written whole or not at all and used in place.

    header     64 bytes: magic, version, byte order, size of the file and of the manifest, digest of all this and the
               manifest
    manifest   JSON, filled up with spaces to a multiple of 64 bytes: sizes of the blocks, studies and series with what
               was given for them and which rows of which tables are theirs, image ids
    blocks     a table each (csrc/freeze.h), the least recently used first

Blocks follow each other without gaps, so that there are no offsets which could be wrong; they have checksums of their
own. All sizes are known before the first byte is written, as tables never change.

Opening reads the manifest, and of each block what grows with the number of its attributes, not of its values; then it
fills the index, which grows with the number of instances.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from metalith import _core
from metalith._core import InstanceTable
from metalith.errors import StoreError, StoreFileError
from metalith.store.given import from_json, to_json
from metalith.store.replacing import replacing
from metalith.store.series import Series, State, Study

if TYPE_CHECKING:
    from metalith.store.store import MetadataStore

__all__ = ["restore", "save"]

MAGIC = b"\x89MLST\r\n\x1a"  # what text mode or seven bits would mangle
VERSION = 1
ALIGNMENT = 64

_HEADER = struct.Struct("<8sI4sQQ32s")
_DIGESTED = _HEADER.size - 32
_ORDER = sys.byteorder[:4].encode()
_ORDERS = (b"litt", b"big\0")


# ---- saving ----


class _Saved(NamedTuple):
    """A series as it was at the moment of saving."""

    series: Series
    state: State
    given: dict[str, Any]
    pinned: bool
    evicted: bool
    used: tuple[int, ...]
    hidden: bool  # another study has a series of the same UID, which is the one that is found by it


def save(store: MetadataStore, path: str | os.PathLike[str]) -> None:
    """`MetadataStore.save`."""
    tables, manifest = _manifest(store)
    sizes = [size for size, _ in manifest["tables"]]
    text = _dumps(manifest)
    text += b" " * (-len(text) % ALIGNMENT)
    start = _HEADER.pack(MAGIC, VERSION, _ORDER, _HEADER.size + len(text) + sum(sizes), len(text), bytes(32))[
        :_DIGESTED
    ]
    with replacing(path) as file:
        file.write(start + hashlib.blake2b(start + text, digest_size=32).digest())
        file.write(text)
        # anonymous memory, as it is aligned; only what is written to takes room
        with mmap.mmap(-1, max(sizes, default=ALIGNMENT)) as room, memoryview(room) as view:
            for table in tables:
                with view[: _core.freeze(table, room)] as block:
                    file.write(block)


def _manifest(store: MetadataStore) -> tuple[list[InstanceTable], dict[str, Any]]:
    """The tables of a store, and all else that it has, at one moment."""
    with store._lock:
        if store._journal is not None:
            raise StoreError("a transaction is open: save when it has ended")
        found = [
            (study, dict(study._summary), [_snapshot(store, series) for series in study.series]) for study in store
        ]
        image_ids = dict(store._image_ids)
    tables = _tables(saved for _, _, several in found for saved in several)
    numbers = {id(table): number for number, table in enumerate(tables)}
    studies = [
        {
            "uid": study.study_instance_uid,
            "given": to_json(given),
            "series": [
                {
                    "uid": saved.series.series_instance_uid,
                    "given": to_json(saved.given),
                    "pinned": saved.pinned,
                    "evicted": saved.evicted,
                    "hidden": saved.hidden,
                    "tables": [[numbers[id(table)], _runs(rows)] for table, _, rows in saved.state.pieces()],
                }
                for saved in several
            ],
        }
        for study, given, several in found
    ]
    sizes = [[_core.frozen_size(table), _core.is_local(table)] for table in tables]
    count = sum(saved.state.count for _, _, several in found for saved in several)
    return tables, {"instances": count, "tables": sizes, "studies": studies, "image_ids": list(image_ids.items())}


def _snapshot(store: MetadataStore, series: Series) -> _Saved:
    state = series._state
    return _Saved(
        series,
        state,
        dict(series._summary),
        bool(series.pinned),
        series.is_evicted,
        tuple(map(store._places.used, state.slots)),
        store._series.get(series.series_instance_uid) is not series,
    )


def _tables(several: Any) -> list[InstanceTable]:
    """The tables of some series, each once, the least recently used first."""
    found: dict[int, tuple[int, InstanceTable]] = {}
    for saved in several:
        for table, used in zip(saved.state.tables, saved.used, strict=True):
            if id(table) not in found or found[id(table)][0] < used:
                found[id(table)] = used, table
    return [table for _, table in sorted(found.values(), key=lambda one: one[0])]


def _runs(rows: Any) -> list[int] | None:
    """Ascending rows as where each run of them begins and ends; None for all."""
    if rows is None:
        return None
    breaks = np.flatnonzero(np.diff(rows) != 1)
    first, last = rows[np.r_[0, breaks + 1]], rows[np.r_[breaks, len(rows) - 1]]
    found: list[int] = np.column_stack((first.astype(np.int64), last.astype(np.int64) + 1)).ravel().tolist()
    return found


def _dumps(manifest: Any) -> bytes:
    try:
        return orjson.dumps(manifest)
    except (TypeError, ValueError):  # half a surrogate pair, as in names of files that are not UTF-8
        try:
            return json.dumps(manifest, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise StoreError(f"what was given for studies, series or image ids cannot be saved: {error}") from None


# ---- opening ----


def restore(store: MetadataStore, path: str | os.PathLike[str], verify: bool) -> None:
    """Fills a new store with what was saved: `MetadataStore.open`."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        manifest, start = _read_manifest(file.read, size)
        mapping = _map(file.fileno(), size)
    try:
        sizes = [(int(length), bool(local)) for length, local in manifest["tables"]]
        if any(length <= 0 for length, _ in sizes) or start + sum(length for length, _ in sizes) != size:
            raise ValueError
        pieces = _studies(store, manifest)
        store._image_ids = dict(manifest["image_ids"])
        count = int(manifest["instances"])
        if not 0 <= count <= size:
            raise ValueError
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise _odd_manifest() from None
    _core.reserve_places(store._places, count)
    _advise(mapping, "MADV_SEQUENTIAL")
    _thaw(store, _core.Mapped(mapping), start, sizes, pieces, verify)
    _advise(mapping, "MADV_NORMAL")
    if len(store) != count:
        raise _odd_manifest()
    with store.transaction():
        pass  # now the budget is kept


def _read_manifest(read: Any, size: int) -> tuple[Any, int]:
    """The manifest, and where the blocks begin."""
    header = read(_HEADER.size)
    if not header or header[: len(MAGIC)] != MAGIC[: len(header)]:
        raise StoreFileError("the file is not a saved store", reason="not a store")
    if len(header) < _HEADER.size:
        raise _truncated(_HEADER.size - len(header))
    _, version, order, whole, length, digest = _HEADER.unpack(header)
    if version != VERSION:
        raise _other_version()
    if order not in _ORDERS:
        raise StoreFileError("the header of the saved store is damaged", reason="damaged")
    if order != _ORDER:
        raise _other_order()
    if whole > size:
        raise _truncated(whole - size)
    if whole != size:
        raise StoreFileError(f"the file has {size - whole:,} bytes more than were saved", reason="damaged")
    text = read(min(length, size))
    if hashlib.blake2b(header[:_DIGESTED] + text, digest_size=32).digest() != digest:
        raise StoreFileError("header or manifest of the saved store are damaged", reason="damaged")
    try:
        manifest = orjson.loads(text)
    except ValueError:  # half a surrogate pair
        try:
            manifest = json.loads(text)
        except (ValueError, RecursionError):
            raise _odd_manifest() from None
    return manifest, _HEADER.size + len(text)


def _truncated(missing: int) -> StoreFileError:
    return StoreFileError(f"the saved store is truncated: {missing:,} bytes are missing", reason="truncated")


def _odd_manifest() -> StoreFileError:
    return StoreFileError("the manifest of the saved store is not what it should be", reason="damaged")


def _other_version() -> StoreFileError:
    return StoreFileError(
        "the store was saved by another version of Metalith, or its header is damaged", reason="version"
    )


def _other_order() -> StoreFileError:
    return StoreFileError("the store was saved on a machine of the other byte order", reason="byte order")


def _map(descriptor: int, size: int) -> mmap.mmap:
    if sys.version_info >= (3, 13):
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ, trackfd=False)
    return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)


def _advise(mapping: mmap.mmap, how: str) -> None:
    """Tells the system in which order the file is going to be read, where it listens."""
    if hasattr(mmap, how):
        mapping.madvise(getattr(mmap, how))


class _Piece(NamedTuple):
    """Rows of a table that belong to a series."""

    table: int
    rows: Any
    series: Series
    position: int  # among the series' tables


def _studies(store: MetadataStore, manifest: Any) -> list[_Piece]:
    """Makes the studies and series of a manifest, and says which tables they are waiting for, by table."""
    pieces = []
    for entry in manifest["studies"]:
        study = store._studies[entry["uid"]] = Study(entry["uid"])
        study._summary = from_json(entry["given"])
        for one in entry["series"]:
            series = study._series[one["uid"]] = Series(store, study, one["uid"])
            series._summary = from_json(one["given"])
            series.pinned, series.is_evicted = one["pinned"], one["evicted"]
            if one["hidden"]:
                store._shared.add(one["uid"])
            else:
                store._series[one["uid"]] = series
            for position, (table, runs) in enumerate(one["tables"]):
                pieces.append(_Piece(int(table), _rows(runs), series, position))
    return sorted(pieces, key=lambda piece: piece.table)


def _rows(runs: Any) -> Any:
    if runs is None:
        return None
    first, end = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    if first[0] < 0 or (first >= end).any() or (end[:-1] >= first[1:]).any() or end[-1] > 0xFFFFFFFF:
        raise ValueError
    return np.concatenate([np.arange(*run, dtype=np.uint32) for run in zip(first.tolist(), end.tolist(), strict=True)])


def _thaw(
    store: MetadataStore,
    mapped: _core.Mapped,
    start: int,
    sizes: list[tuple[int, bool]],
    pieces: list[_Piece],
    verify: bool,
) -> None:
    """Gives the series of a new store their tables, and fills its index."""
    waiting = iter(pieces)
    piece = next(waiting, None)
    states: dict[Series, list[tuple[int, Any]]] = {}
    for number, (size, local) in enumerate(sizes):
        try:
            if verify:
                mapped.verify(start, size)
            table = mapped.thaw(start, size, local)
            while piece is not None and piece.table == number:
                slot = _place(store, table, piece)
                states.setdefault(piece.series, []).append((piece.position, (table, slot, piece.rows)))
                piece = next(waiting, None)
        except ValueError as error:
            raise _block_error(str(error), number, len(sizes)) from None
        start += size
    if piece is not None:
        raise _odd_manifest()
    for series, found in states.items():
        series._state = State.of([one for _, one in sorted(found, key=lambda item: item[0])])


def _place(store: MetadataStore, table: InstanceTable, piece: _Piece) -> int:
    slot = store._places.hold(table)
    piece.series._slots.add(slot)
    if piece.rows is not None and piece.rows[-1] >= len(table):
        raise ValueError("damaged")
    if not _core.place_thawed(store._places, slot, piece.rows, piece.series):
        raise ValueError("damaged")
    return slot


def _block_error(reason: str, number: int, count: int) -> StoreFileError:
    if reason == "version":
        return _other_version()
    if reason == "byte order":
        return _other_order()
    return StoreFileError(f"table {number + 1:,} of {count:,} of the saved store is damaged", reason="damaged")
