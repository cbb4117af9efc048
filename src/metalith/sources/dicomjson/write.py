"""Manifests are written: of stores, tables and instances, and of files.

What OHIF opens: attributes by their keywords, one value as it is and several as an array. With a study or series stands
what all its instances have alike; with instances stands all that they have.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal

import orjson

from metalith import _core
from metalith._core import Instance, InstanceTable
from metalith.errors import ConfigurationError
from metalith.frames import number_of_frames
from metalith.image_ids import ImageId, to_zero_based
from metalith.sources.dicomjson.file_urls import UrlOfFile
from metalith.sources.dicomjson.naturals import Naturals
from metalith.store import MetadataStore

__all__ = ["MINIMUM", "Written", "write_manifest"]

MINIMUM = """
    StudyInstanceUID SeriesInstanceUID SOPInstanceUID SOPClassUID Modality InstanceNumber NumberOfFrames Rows Columns
    SamplesPerPixel PhotometricInterpretation PlanarConfiguration BitsAllocated BitsStored HighBit PixelRepresentation
    PixelSpacing ImagerPixelSpacing ImagePositionPatient ImageOrientationPatient FrameOfReferenceUID SliceThickness
    RescaleSlope RescaleIntercept RescaleType WindowCenter WindowWidth VOILUTFunction FrameTime
    SequenceOfUltrasoundRegions RadiopharmaceuticalInformationSequence SeriesDate SeriesTime CorrectedImage Units
    DecayCorrection AcquisitionDate AcquisitionTime PatientWeight
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
""".split()  # noqa: SIM905
"""Keywords of what viewers need to show images; written in any case."""

_OF_STUDY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "AccessionNumber", "StudyID", "StudyDescription"),
)
_OF_SERIES = ("SeriesNumber", "Modality", "SeriesDescription", "SeriesDate", "SeriesTime")
_OF_FURTHER_FRAMES = ("SOPInstanceUID", "SOPClassUID", "NumberOfFrames")
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


@dataclass(slots=True)
class Written:
    """What came into a manifest.

    Attributes
    ----------
    studies, series, instances : int
    repeated : int
        Instances that were left out because one with the same SOPInstanceUID is in it.
    without_uids : int
        Instances that were left out for lack of UIDs.
    """

    studies: int = 0
    series: int = 0
    instances: int = 0
    repeated: int = 0
    without_uids: int = 0


def write_manifest(
    data: Any,
    *,
    out: str | os.PathLike[str] | IO[bytes] | None = None,
    url_for: Callable[[Instance], str | None] | None = None,
    url_prefix: str | None = None,
    scheme: str = "dicomweb",
    frames: Literal["entry", "number"] = "entry",
    frame_base: Literal[0, 1] = 1,
    select: Iterable[str | int] | None = None,
) -> bytes | Written:
    """Writes a manifest.

    Parameters
    ----------
    data
        A store, tables, instances, an iterable of these, or folders and files of DICOM, as paths.
    out : path or binary file, optional
        Where to. A path is replaced by a whole manifest, or stays as it was.
    url_for : callable(Instance), optional
        Gives the image id of an instance, without a frame; None for one that has none.
    url_prefix : str, optional
        URL under which the folder is published that `data` is: the URL of a file is this and its path within.
    scheme : str, optional
        With `url_prefix`: what stands before the URL.
    frames : {"entry", "number"}, optional
        Whether an instance of several frames has an entry for each of them, as released versions of OHIF need it, or
        one entry. Of the former the first has all metadata.
    frame_base : {0, 1}, optional
        From which number on the URLs of frames count.
    select : iterable of keywords or tags, optional
        Which attributes are written besides `MINIMUM`; all but bulk data where it is not given.

    Returns
    -------
    bytes or Written
        The manifest; with `out` how much came into it. Of instances with the same SOPInstanceUID only the first does.

    Raises
    ------
    ConfigurationError
        An option is impossible, there is no way to tell a URL, or a file is outside of the folder.
    OSError
        Something cannot be read or written.

    Examples
    --------
    >>> import json
    >>> from metalith.sources.dicomjson import write_manifest
    >>> uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
    >>> table = metalith.naturalize(metalith.dumps([{**uids, "Modality": "CT"}]))
    >>> manifest = json.loads(write_manifest(table, url_for=lambda instance: "dicomweb:https://host/a.dcm"))
    >>> manifest["studies"][0]["series"][0]["instances"][0]["url"]
    'dicomweb:https://host/a.dcm'
    """
    if frames not in ("entry", "number"):
        raise ConfigurationError("frames must be 'entry' or 'number'")
    if frame_base not in (0, 1):
        raise ConfigurationError("frame_base must be 0 or 1")
    tables = _tables_of(data)
    if url_for is None:
        if url_prefix is None:
            raise ConfigurationError("url_for or url_prefix is needed: nothing else tells where the images are")
        if not _is_path(data) and not _are_paths(data):
            raise ConfigurationError("url_prefix is for folders and files; give url_for for anything else")
        url_for = UrlOfFile(url_prefix, data, scheme)
    elif url_prefix is not None:
        raise ConfigurationError("url_for and url_prefix: only one of them can tell the URLs")
    writing = _Writing(url_for, frames == "entry", frame_base, _tags(select))
    studies = _grouped(tables, writing.written)
    if out is None:
        buffer = io.BytesIO()
        writing.write(studies, buffer)
        return buffer.getvalue()
    if hasattr(out, "write"):
        writing.write(studies, out)  # type: ignore[arg-type]
        return writing.written
    from metalith.store.replacing import replacing

    with replacing(out) as file:
        writing.write(studies, file)
    return writing.written


_Rows = list[Instance]
_Studies = dict[str, dict[str, _Rows]]


class _Writing:
    def __init__(
        self, url_for: Callable[[Instance], str | None], by_entry: bool, frame_base: int, only: set[int] | None
    ) -> None:
        self._url_for, self._by_entry, self._frame_base = url_for, by_entry, frame_base
        self._naturals = Naturals(only)
        self.written = Written()

    def write(self, studies: _Studies, out: IO[bytes]) -> None:
        out.write(b'{"studies":[')
        for index, (uid, series) in enumerate(studies.items()):
            self.written.studies += 1
            every = [instance for rows in series.values() for instance in rows]
            modalities = dict.fromkeys(rows[0].get("Modality") for rows in series.values())
            head = {
                "StudyInstanceUID": uid,
                **_alike(every, _OF_STUDY),
                "NumInstances": len(every),
                "Modalities": "/".join(one for one in modalities if isinstance(one, str)),
            }
            out.write(b"," * (index > 0) + orjson.dumps(head)[:-1] + b',"series":[')
            for number, (series_uid, rows) in enumerate(series.items()):
                self._series(series_uid, rows, out, number > 0)
            out.write(b"]}")
        out.write(b"]}\n")

    def _series(self, uid: str, rows: _Rows, out: IO[bytes], further: bool) -> None:
        self.written.series += 1
        self.written.instances += len(rows)
        head = {"SeriesInstanceUID": uid, **_alike(rows, _OF_SERIES)}
        out.write(b"," * further + orjson.dumps(head)[:-1] + b',"instances":[')
        for number, instance in enumerate(rows):
            out.write(b"," * (number > 0) + b",".join(self._entries(instance)))
        out.write(b"]}")

    def _entries(self, instance: Instance) -> Iterator[bytes]:
        metadata = self._naturals.of(instance.to_json("dicom"))
        url, count = self._url_for(instance), number_of_frames(instance)
        if url is None:
            yield b'{"metadata":%b}' % metadata
        elif count < 2 or not self._by_entry:
            yield b'{"metadata":%b,"url":%b}' % (metadata, orjson.dumps(url))
        else:
            image_id = ImageId(url)
            few = orjson.dumps(
                {keyword: instance.get(keyword) for keyword in _OF_FURTHER_FRAMES if keyword in instance}
            )
            for frame in range(1, count + 1):
                text = str(image_id.with_frame(frame))
                text = to_zero_based(text) if self._frame_base == 0 else text
                yield b'{"metadata":%b,"url":%b}' % (metadata if frame == 1 else few, orjson.dumps(text))


def _alike(instances: _Rows, keywords: Iterable[str]) -> dict[str, Any]:
    """Attributes that all instances have, with the same value. Viewers put them over those of the instances."""
    found = {}
    for keyword in keywords:
        first = instances[0].get(keyword)
        if isinstance(first, (str, int, float)) and all(one.get(keyword) == first for one in instances):
            found[keyword] = str(first) if isinstance(first, str) else first
    return found


def _grouped(tables: Iterable[Iterable[Instance]], written: Written) -> _Studies:
    """Instances by study and series, each once."""
    studies: _Studies = {}
    seen: set[str] = set()
    for table in tables:
        for instance in table:
            uids = [instance.get(keyword) for keyword in _UIDS]
            if not all(isinstance(uid, str) and uid for uid in uids):
                written.without_uids += 1
            elif uids[2] in seen:
                written.repeated += 1
            else:
                seen.add(uids[2])
                studies.setdefault(uids[0], {}).setdefault(uids[1], []).append(instance)
    return studies


def _tables_of(data: Any) -> Iterator[Iterable[Instance]]:
    if isinstance(data, MetadataStore):
        return (series.instances for study in data for series in study.series)
    if isinstance(data, InstanceTable):
        return iter([data])
    if isinstance(data, Instance):
        return iter([[data]])
    if _is_path(data) or _are_paths(data):
        from metalith.scanning import scan

        return iter(scan(data))
    if isinstance(data, (Mapping, bytes)) or not isinstance(data, Iterable):
        raise TypeError(f"a manifest is written of a store, tables, instances or paths, not of a {type(data).__name__}")
    return (one if isinstance(one, InstanceTable) else [one] for one in data)


def _is_path(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike))


def _are_paths(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and bool(data) and all(_is_path(one) for one in data)


def _tags(select: Iterable[str | int] | None) -> set[int] | None:
    if select is None:
        return None
    tags = set()
    for name in (*MINIMUM, *([select] if isinstance(select, (str, int)) else select)):
        described = _core.describe_keyword(name) if isinstance(name, str) and name.isascii() else None
        if described is not None:
            tags.add(described[0])
        elif isinstance(name, int):
            tags.add(name)
        elif len(name) == 8 and set(name) <= set("0123456789ABCDEFabcdef"):
            tags.add(int(name, 16))
        else:
            raise ConfigurationError("select: a name that is neither a keyword nor a tag")
    return tags
