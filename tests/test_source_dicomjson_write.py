"""Manifests are written, and read back as what they were written of."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pydicom.data import get_testdata_file
from pydicom.data.data_manager import DATA_ROOT

import metalith
from metalith.cli.failure import InputError, UsageError
from metalith.cli.manifest import Request, run
from metalith.errors import ConfigurationError, NotSupportedBySource
from metalith.frames import number_of_frames
from metalith.sources.dicomjson import DicomJsonSource, write_manifest
from metalith.sources.dicomjson.file_urls import UrlOfFile

FILES = f"{DATA_ROOT}/test_files"
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def read_back(text: bytes, **options: Any) -> DicomJsonSource:
    source = DicomJsonSource("back", options)
    for uid in source.read(text):
        loading = source.retrieve.series.metadata(uid)
        loading.wait()
        assert loading.failures == []
    return source


def first_of_each_uid(folder: str) -> dict[str, metalith.Instance]:
    found: dict[str, metalith.Instance] = {}
    for table in metalith.scan(folder):
        for instance in table:
            if all(instance.get(keyword) for keyword in UIDS):
                found.setdefault(instance.SOPInstanceUID, instance)
    return found


def plain(value: Any) -> Any:
    """A natural value with its type, without bulk data, and equal to itself where it is NaN."""
    if isinstance(value, metalith.Instance):
        return {key: plain(one) for key, one in value.items() if not isinstance(one, metalith.BulkData)}
    if isinstance(value, metalith.Sequence):
        return [plain(item) for item in value]
    if isinstance(value, tuple):
        return tuple(plain(one) for one in value)
    return (type(value).__name__, repr(value), getattr(value, "ideographic", None))


@pytest.mark.parametrize("frames", ["entry", "number"])
@pytest.mark.parametrize("frame_base", [0, 1])
@pytest.mark.parametrize("folder", [FILES, f"{DATA_ROOT}/charset_files"], ids=["files", "charsets"])
def test_the_same_metadata_come_back(frames: Any, frame_base: Any, folder: str) -> None:
    text = write_manifest(folder, url_prefix="https://host/files", frames=frames, frame_base=frame_base)
    assert isinstance(text, bytes)
    source, expected = read_back(text), first_of_each_uid(folder)
    assert source.problems == []
    assert len(source.metadata_store) == len(expected) >= (100 if folder == FILES else 1)
    for uid, instance in expected.items():
        assert plain(source.metadata_store.instance(uid)) == plain(instance), instance.path
        for number, image_id in enumerate(source.image_ids_of(instance), 1):
            assert source.metadata_store.instance_by_image_id(image_id).SOPInstanceUID == uid
            within = os.path.relpath(instance.path, folder)
            assert unquote(image_id.partition("?")[0]) == f"dicomweb:https://host/files/{within}"
            if number_of_frames(instance) > 1:
                assert metalith.ImageId(image_id).frame == number


def test_what_a_viewer_finds() -> None:
    manifest = json.loads(write_manifest(get_testdata_file("CT_small.dcm"), url_prefix="https://host"))
    (study,) = manifest["studies"]
    (series,) = study["series"]
    (entry,) = series["instances"]
    assert (study["PatientName"], study["NumInstances"], study["Modalities"]) == ("CompressedSamples^CT1", 1, "CT")
    assert (series["SeriesNumber"], series["Modality"]) == (1, "CT")
    assert entry["url"] == "dicomweb:https://host/CT_small.dcm"
    metadata = entry["metadata"]
    assert metadata["PatientName"] == "CompressedSamples^CT1"
    assert metadata["ImagePositionPatient"] == [-158.135803, -179.035797, -75.699997]
    assert metadata["Rows"] == 128
    assert metadata["00091001"] == {"vr": "LO", "Value": ["GE_GENESIS_FF"]}
    assert "PixelData" not in metadata
    assert b"file:" not in json.dumps(manifest).encode()


def test_an_entry_for_each_frame_as_released_viewers_need_it() -> None:
    path = next(one.path for one in first_of_each_uid(FILES).values() if number_of_frames(one) > 1)
    count = metalith.read(path).NumberOfFrames
    for base in (0, 1):
        manifest = json.loads(write_manifest(path, url_prefix="https://host", frame_base=base))  # type: ignore[arg-type]
        entries = manifest["studies"][0]["series"][0]["instances"]
        assert [entry["url"].partition("?")[2] for entry in entries] == [f"frame={k + base}" for k in range(count)]
        assert {entry["metadata"]["NumberOfFrames"] for entry in entries} == {count}
        assert {len(entry["metadata"]) for entry in entries[1:]} == {3}
    manifest = json.loads(write_manifest(path, url_prefix="https://host", frames="number"))
    (entry,) = manifest["studies"][0]["series"][0]["instances"]
    assert "frame=" not in entry["url"]


def test_select_has_the_minimum_and_what_is_asked_for() -> None:
    path = get_testdata_file("CT_small.dcm")
    manifest = json.loads(write_manifest(path, url_prefix="https://host", select=["KVP", "00091001"]))
    metadata = manifest["studies"][0]["series"][0]["instances"][0]["metadata"]
    assert {"KVP", "00091001", "Rows", "PixelSpacing", "RescaleSlope", "SOPClassUID", "Modality"} <= set(metadata)
    assert not {"Manufacturer", "PatientName", "ExposureTime"} & set(metadata)
    with pytest.raises(ConfigurationError, match=r"^select"):
        write_manifest(path, url_prefix="https://host", select=["Rwos"])


NAMES = ["a b.dcm", "Müller#1?.dcm", "50%&x=1.dcm", "frame=3/frames/7.dcm", "日本.dcm", "a+b;c.dcm"]


def test_names_of_files_are_escaped(tmp_path: Path) -> None:
    source = Path(get_testdata_file("MR_small.dcm"))
    instance = metalith.read(source)
    for number, name in enumerate(NAMES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset = metalith.to_pydicom(instance.replace(SOPInstanceUID=f"1.2.{number}", PixelData=...))
        dataset.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=False)
    text = write_manifest(tmp_path, url_prefix="https://host/d/")
    assert isinstance(text, bytes)
    back = read_back(text)
    assert back.problems == []
    for number, name in enumerate(NAMES):
        (image_id,) = back.image_ids_of(back.metadata_store.instance(f"1.2.{number}"))
        assert unquote(image_id) == f"dicomweb:https://host/d/{name}"
        assert not set(" ?#&%") & set(image_id.replace("%", "", image_id.count("%"))[len("dicomweb:") :])
        assert metalith.ImageId(image_id).frame is None


def test_a_name_that_is_no_text() -> None:
    name = os.fsdecode(b"/data/\xff.dcm")
    assert UrlOfFile("https://host", "/data").of_path(name) == "dicomweb:https://host/%FF.dcm"


def test_no_file_outside_of_the_folders(tmp_path: Path) -> None:
    url_for = UrlOfFile("https://host", tmp_path / "a")
    (tmp_path / "a").mkdir()
    url_for = UrlOfFile("https://host", tmp_path / "a")
    for path in (tmp_path / "b.dcm", tmp_path / "ab" / "c.dcm", tmp_path / "a" / ".." / "b.dcm", tmp_path / "a"):
        with pytest.raises(ConfigurationError, match="none of the folders"):
            url_for.of_path(str(path))


def test_several_folders_keep_their_names(tmp_path: Path) -> None:
    for name in ("x/one", "x/two", "y/one"):
        (tmp_path / name).mkdir(parents=True)
    url_for = UrlOfFile("https://host", [tmp_path / "x/one", tmp_path / "x/two"])
    assert url_for.of_path(str(tmp_path / "x/two/a.dcm")) == "dicomweb:https://host/two/a.dcm"
    with pytest.raises(ConfigurationError, match="same name"):
        UrlOfFile("https://host", [tmp_path / "x/one", tmp_path / "y/one"])


def test_files_with_the_same_uid_come_once(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / name)
    out = io.BytesIO()
    written = write_manifest(tmp_path, url_prefix="https://host", out=out)
    assert (written.instances, written.repeated) == (1, 1)  # type: ignore[union-attr]
    assert b"a.dcm" in out.getvalue()
    assert b"b.dcm" not in out.getvalue()


def test_of_a_store_and_of_instances(tmp_path: Path) -> None:
    store = metalith.MetadataStore()
    instances = [metalith.read(get_testdata_file(name)) for name in ("CT_small.dcm", "MR_small.dcm")]
    store.add_instances(instances)
    expected = write_manifest(store, url_for=lambda instance: f"dicomweb:https://host/{instance.SOPInstanceUID}")
    for data in (instances, metalith.naturalize(metalith.dumps(instances))):
        text = write_manifest(data, url_for=lambda instance: f"dicomweb:https://host/{instance.SOPInstanceUID}")
        assert json.loads(text) == json.loads(expected)  # type: ignore[arg-type]
    out = tmp_path / "m.json"
    out.write_text("before")
    assert write_manifest(store, url_for=lambda _: None, out=out).studies == 2  # type: ignore[union-attr]
    assert "url" not in json.loads(out.read_bytes())["studies"][0]["series"][0]["instances"][0]

    def broken(_: metalith.Instance) -> str:
        raise NotSupportedBySource("x", "y")

    before = out.read_bytes()
    with pytest.raises(NotSupportedBySource):
        write_manifest(store, url_for=broken, out=out)
    assert out.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.json"]


def test_what_is_said_of_a_study_is_so_of_all_its_instances() -> None:
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "2"}
    datasets = [
        {**uids, "SOPInstanceUID": "3", "PatientName": "山田^太郎=x", "StudyDescription": "a", "SeriesNumber": 1},
        {**uids, "SOPInstanceUID": "4", "PatientName": "山田^太郎=x", "SeriesNumber": 2},
    ]
    text = write_manifest(metalith.naturalize(metalith.dumps(datasets)), url_for=lambda _: None)
    (study,) = json.loads(text)["studies"]
    assert study["PatientName"] == "山田^太郎"
    assert "StudyDescription" not in study
    assert "SeriesNumber" not in study["series"][0]
    back = read_back(text).metadata_store  # type: ignore[arg-type]
    assert "StudyDescription" not in back.instance("4")
    assert back.instance("4").PatientName.ideographic == "x"


ODD = [
    b'{"00100010":{"vr":"PN","Value":[{"Ideographic":"A"}]}}',
    b'{"00100010":{"vr":"PN","Value":[{"Alphabetic":"a=b\\\\c"}]}}',
    b'{"00101001":{"vr":"PN","Value":[{"Alphabetic":"A"},null,{"Alphabetic":"B","Phonetic":"C"}]}}',
    b'{"00080008":{"vr":"CS","Value":["A",null,"B"]}}',
    b'{"00204000":{"vr":"LT","Value":["a\\\\b \\" \\u00e9 \\n"]}}',
    b'{"00180050":{"vr":"DS","Value":[0.500]},"00200013":{"vr":"IS","Value":["7"]},"00280034":{"vr":"IS","Value":[]}}',
    b'{"00189073":{"vr":"FD","Value":["NaN","-Infinity"]}}',
    b'{"00281052":{"vr":"DS","Value":["+5"]},"00281053":{"vr":"DS","Value":["junk"]}}',
    b'{"00280106":{"vr":"SS","Value":[-3]},"00280103":{"vr":"US","Value":[1]}}',
    b'{"00091001":{"vr":"SQ","Value":[{"00091002":{"vr":"FD","Value":[1.5]},"00080060":{"vr":"CS","Value":["CT"]}}]}}',
    b'{"00081140":{"vr":"SQ"},"00081199":{"vr":"SQ","Value":[{}]}}',
    b'{"00081140":{"vr":"SQ","Value":[{"00091001":{"vr":"LO","Value":["p"]}}]}}',
    b'{"00281201":{"vr":"OW","InlineBinary":"AAEC"},"00091003":{"vr":"OB","InlineBinary":"AAEC"}}',
    b'{"00100020":{"vr":"UN","InlineBinary":"AAEC"},"00209158":{"vr":"UN","InlineBinary":"AAEC"}}',
    b'{"60000010":{"vr":"US","Value":[4]},"60003000":{"vr":"OW","InlineBinary":"AAEC"}}',
    b'{"00280009":{"vr":"AT","Value":["00181063","0018106A"]}}',
    b'{"00081190":{"vr":"UR","Value":["https://h/a\\\\b"]},"00102180":{"vr":"SH","Value":[""]}}',
    b'{"00720064":{"vr":"IS","Value":[1,2]},"00020010":{"vr":"UI","Value":["1.2"]}}',
]


@pytest.mark.parametrize("element", ODD)
def test_odd_values_come_back(element: bytes) -> None:
    uids = b"{" + b"".join(b'"%b":{"vr":"UI","Value":["3"]},' % tag for tag in (b"0020000D", b"0020000E", b"00080018"))
    table = metalith.naturalize(uids + element[1:])
    back = read_back(write_manifest(table, url_for=lambda _: None))  # type: ignore[arg-type]
    assert back.problems == []
    assert plain(back.metadata_store.instance("3")) == plain(table[0])


def test_bulk_data_are_left_out() -> None:
    uids = (
        '"0020000D":{"vr":"UI","Value":["1"]},"0020000E":{"vr":"UI","Value":["2"]},"00080018":{"vr":"UI","Value":["3"]}'
    )
    bulk = '{"vr":"OB","BulkDataURI":"https://host/secret"}'
    nested = f'{{"vr":"SQ","Value":[{{"00091002":{bulk},"00091003":{{"vr":"LO","Value":["x"]}}}}]}}'
    table = metalith.naturalize(f'{{{uids},"00091001":{nested},"00420011":{bulk},"7FE00010":{bulk},"54001010":{bulk}}}')
    text = write_manifest(table, url_for=lambda _: None)
    assert b"secret" not in text  # type: ignore[operator]
    assert b'"00091003"' in text  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "url_for or url_prefix"),
        ({"url_prefix": "host/a"}, "url_prefix: url must begin"),
        ({"url_prefix": "https://u:s3cret@host"}, "url_prefix: url must not have a user"),
        ({"url_prefix": "https://host?a=b"}, "url_prefix must not have a query"),
        ({"url_prefix": "https://host", "url_for": str}, "only one"),
        ({"url_prefix": "https://host", "frames": "all"}, "frames"),
        ({"url_prefix": "https://host", "frame_base": 2}, "frame_base"),
        ({"url_prefix": "https://host", "scheme": "a:b"}, "scheme"),
    ],
)
def test_options_that_are_impossible(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        write_manifest(get_testdata_file("CT_small.dcm"), **options)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="url_prefix is for folders"):
        write_manifest(metalith.MetadataStore(), url_prefix="https://host")
    with pytest.raises(TypeError, match="not of a int"):
        write_manifest(5, url_for=str)


# ---- the command ----


def test_the_command_writes_and_tells(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "a.dcm")
    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "b.dcm")
    run([str(tmp_path)], Request("https://host/files"))
    out, err = capfdbinary.readouterr()
    assert json.loads(out)["studies"][0]["series"][0]["instances"][0]["url"] == "dicomweb:https://host/files/a.dcm"
    assert b"1 study, 1 series; 1 instance; 1 left out that are there already" in err
    assert b"CompressedSamples" not in err


def test_the_command_writes_a_file(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out = tmp_path / "study.json"
    request = Request("https://host", scheme="wadouri", frames="number", select=["KVP"], out=out)
    run([get_testdata_file("CT_small.dcm"), get_testdata_file("MR_small.dcm")], request)
    manifest = json.loads(out.read_bytes())
    urls = {study["series"][0]["instances"][0]["url"] for study in manifest["studies"]}
    assert urls == {"wadouri:https://host/CT_small.dcm", "wadouri:https://host/MR_small.dcm"}
    assert capfdbinary.readouterr().out == b""
    with pytest.raises(UsageError, match="without dots"):
        run([FILES], Request("https://host", select=["ReferencedImageSequence.ReferencedSOPInstanceUID"], out=out))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no DICOM file"):
        run([str(tmp_path / "empty")], Request("https://host", out=tmp_path / "none.json"))
