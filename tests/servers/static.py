"""A static DICOMweb server: a tree of files, written once, and a server that only looks them up.

It is what the static-wado tools make and what object stores serve: no searching, every query parameter is ignored, bulk
data has URIs relative to the metadata it stands in.

    studies/index.json                                       all studies, as QIDO-RS has them
    studies/{}/index.json, series/index.json                 the study, its series
    studies/{}/metadata                                      all instances
    studies/{}/bulkdata/{hash}                               large values, each once
    studies/{}/series/{}/index.json, metadata                the series, its instances
    studies/{}/series/{}/instances/index.json                its instances as QIDO-RS has them
    studies/{}/series/{}/instances/{}/metadata               the instance
    studies/{}/series/{}/instances/{}/frames/{number}        a frame

A file with `.gz` at its end is sent as it is, with `Content-Encoding: gzip`, to everyone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.encaps import generate_frames

from servers.archive import INSTANCE, SERIES, STUDY, Archive, Entity, Json, dicom_json, read
from servers.base import JSON, Request, Response, Server

_STUDY_LEVEL = (
    "00080005 00080020 00080030 00080050 00080061 00080062 00080090 00081030 00100010 00100020 00100030 00100040"
    " 0020000D 00200010 00201206 00201208"
)
_SERIES_LEVEL = "00080005 00080021 00080031 00080060 00080070 0008103E 00181030 0020000D 0020000E 00200011 00201209"
_INSTANCE_LEVEL = "00080005 00080016 00080018 0020000D 0020000E 00200013 00280008 00280010 00280011 00280100"
_FRAME_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
_BOUNDARY = "part-of-a-static-file"


class StaticServer(Server):
    """Serves a tree that `write_tree` wrote. `root` is its DICOMweb service, `folder` the tree."""

    def __init__(self, folder: Path, prefix: str = "/dicomweb") -> None:
        super().__init__()
        self.folder, self.prefix = folder, prefix
        self._paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}

    @property
    def root(self) -> str:
        return self.origin + self.prefix

    def answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"", {"Allow": "GET, HEAD"})
        path = request.path.removeprefix(self.prefix).strip("/")
        if not request.path.startswith(f"{self.prefix}/"):
            return Response(404)
        for name in (path, f"{path}.gz", f"{path}/index.json", f"{path}/index.json.gz"):
            if name in self._paths:
                return self._file(self._paths[name])
        return Response(404, b"no such file", {"Content-Type": "text/plain"})

    def _file(self, path: Path) -> Response:
        data = path.read_bytes()
        headers = {"Content-Type": _media_type(path.name, data)}
        if path.suffix == ".gz":
            headers["Content-Encoding"] = "gzip"
        return Response(200, data, headers)


@contextmanager
def static_dicomweb(files: Iterable[Path], *, zipped: bool = True, multipart: bool = True) -> Iterator[StaticServer]:
    """Runs a static DICOMweb server of these DICOM files; parameters as for `write_tree`."""
    with tempfile.TemporaryDirectory(prefix="static-") as name:
        write_tree(Path(name), files, zipped=zipped, multipart=multipart)
        with StaticServer(Path(name)) as server:
            yield server


def write_tree(folder: Path, files: Iterable[Path], *, zipped: bool = True, multipart: bool = True) -> None:
    """Writes the tree of a static server.

    Parameters
    ----------
    folder
        Where to.
    files
        DICOM files.
    zipped : bool
        JSON is compressed.
    multipart : bool
        Frames and bulk data are multipart messages of one part, as static-wado writes them by default; else bare.
    """
    tree = _Tree(folder, zipped, multipart)
    by_place: dict[str, list[Json]] = {}
    for path in files:
        dataset = read(path)
        study = f"studies/{dataset.StudyInstanceUID}"
        series = f"{study}/series/{dataset.SeriesInstanceUID}"
        instance = f"{series}/instances/{dataset.SOPInstanceUID}"
        tree.frames(dataset, instance)
        for place in (study, series, instance):
            by_place.setdefault(place, []).append(tree.metadata(dataset, place, study, instance))
    for place, instances in by_place.items():
        tree.json(f"{place}/metadata", instances)

    archive = Archive(item for place, items in by_place.items() if place.count("/") == 1 for item in items)
    studies = archive.studies()
    tree.json("studies/index.json", [_only(entity, _STUDY_LEVEL) for entity in studies])
    for entity in studies:
        place, series_of_it = f"studies/{entity.uid(STUDY)}", archive.series(entity.uid(STUDY))
        tree.json(f"{place}/index.json", [_only(entity, _STUDY_LEVEL)])
        tree.json(f"{place}/series/index.json", [_only(one, _SERIES_LEVEL) for one in series_of_it])
    for entity in archive.series():
        place = f"studies/{entity.uid(STUDY)}/series/{entity.uid(SERIES)}"
        instances_of_it = archive.instances(entity.uid(STUDY), entity.uid(SERIES))
        tree.json(f"{place}/index.json", [_only(entity, _SERIES_LEVEL)])
        tree.json(f"{place}/instances/index.json", [_only(one, _INSTANCE_LEVEL) for one in instances_of_it])
        for one in instances_of_it:
            tree.json(f"{place}/instances/{one.uid(INSTANCE)}/index.json", [_only(one, _INSTANCE_LEVEL)])


class _Tree:
    def __init__(self, folder: Path, zipped: bool, multipart: bool) -> None:
        self.folder, self.zipped, self.multipart = folder, zipped, multipart

    def json(self, place: str, content: Any) -> None:
        data = json.dumps(content).encode()
        self._write(*((f"{place}.gz", gzip.compress(data, 6, mtime=0)) if self.zipped else (place, data)))

    def metadata(self, dataset: Dataset, base: str, study: str, instance: str) -> Json:
        """The metadata of an instance, as it stands in `{base}/metadata`: URIs are relative to that."""

        def bulk(tag: str, vr: str, value: bytes) -> str:
            place = f"{study}/bulkdata/{hashlib.sha256(value).hexdigest()[:32]}"
            self._body(place, value, "application/octet-stream")
            return posixpath.relpath(place, base)

        item = dicom_json(dataset, bulk)
        if "PixelData" in dataset:
            item["7FE00010"] = {"vr": "OW", "BulkDataURI": posixpath.relpath(f"{instance}/frames", base)}
        return dict(sorted(item.items()))

    def frames(self, dataset: Dataset, instance: str) -> None:
        if "PixelData" not in dataset:
            return
        syntax = dataset.file_meta.TransferSyntaxUID
        count = int(dataset.get("NumberOfFrames") or 1)
        if syntax.is_compressed:
            pieces = list(generate_frames(dataset.PixelData, number_of_frames=count))
        else:
            size = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
            if dataset.BitsAllocated == 1:  # frames of bits need not begin with a byte: only one frame is served
                size, count = len(dataset.PixelData), 1
            pieces = [dataset.PixelData[size * frame : size * (frame + 1)] for frame in range(count)]
        media_type = f"{_FRAME_TYPES.get(syntax, 'application/octet-stream')}; transfer-syntax={syntax}"
        for number, piece in enumerate(pieces, 1):
            self._body(f"{instance}/frames/{number}", piece, media_type)

    def _body(self, place: str, data: bytes, media_type: str) -> None:
        if self.multipart:
            head = f"--{_BOUNDARY}\r\nContent-Type: {media_type}\r\n\r\n".encode()
            data = head + data + f"\r\n--{_BOUNDARY}--\r\n".encode()
        self._write(place, data)

    def _write(self, place: str, data: bytes) -> None:
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _only(entity: Entity, tags: str) -> Json:
    return {tag: entity.attributes[tag] for tag in tags.split() if tag in entity.attributes}


def _media_type(name: str, data: bytes) -> str:
    if name == "metadata" or name.endswith((".json", ".gz")):
        return JSON
    if not data.startswith(f"--{_BOUNDARY}".encode()):
        return "application/octet-stream"
    part = data.split(b"\r\n", 2)[1].decode().partition(": ")[2].partition(";")[0]
    return f'multipart/related; type="{part}"; boundary={_BOUNDARY}'
