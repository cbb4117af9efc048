"""Sending instances, and rejecting series."""

import io
import json
import os
import pickle
import socket
import struct
import threading
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from servers.base import JSON, Request, Response, Server

import metalith
from metalith.bulk import BulkData
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, NotSupportedBySource
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb import DicomWebOptions
from metalith.sources.dicomweb.parts import split
from metalith.sources.dicomweb.reject import reject_series
from metalith.sources.dicomweb.stow import StoreInterrupted, store
from metalith.sources.dicomweb.stow_answer import StoreResult, meaning_of
from metalith.sources.dicomweb.stow_items import Item, Message, items_of, part10_of
from metalith.sources.http import Transport

pytest_plugins = ["servers.fixtures"]

CT = Path(get_testdata_file("CT_small.dcm"))
MR = Path(get_testdata_file("MR_small.dcm"))
JPEG = Path(get_testdata_file("SC_rgb_jpeg_dcmtk.dcm"))


def uids(file: bytes | Path) -> tuple[str, str]:
    dataset = pydicom.dcmread(io.BytesIO(file) if isinstance(file, bytes) else file, stop_before_pixels=True)
    return str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)


def answer(stored=(), failed=(), other=()) -> bytes:
    """What a server answers."""

    def item(one: tuple) -> dict:
        kind, uid, *rest = one
        made = {"00081150": {"vr": "UI", "Value": [kind]}, "00081155": {"vr": "UI", "Value": [uid]}}
        return {**made, **{tag: element for more in rest for tag, element in more.items()}}

    made = {
        "00081190": {"vr": "UR", "Value": ["http://host/studies/1"]},
        "00081199": {"vr": "SQ", "Value": [item(one) for one in stored]},
        "00081198": {"vr": "SQ", "Value": [item(one) for one in failed]},
        "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [code]}} for code in other]},
    }
    return json.dumps({tag: element for tag, element in made.items() if element["Value"]}).encode()


def failing(code: int) -> dict:
    return {"00081197": {"vr": "US", "Value": [code]}}


class Archive(Server):
    """Takes everything, or answers as a function says."""

    say: Callable[[Request], Response] | None = None

    def answer(self, request: Request) -> Response:
        if self.say is not None:
            return self.say(request)
        stored = [uids(part.data) for part in parts_of(request)]
        return Response(
            200,
            answer([(*one, {"00081190": {"vr": "UR", "Value": [one[1]]}}) for one in stored]),
            {"Content-Type": JSON},
        )


def parts_of(request: Request) -> list:
    return split(request.body, request.headers["content-type"])


@pytest.fixture
def server():
    with Archive() as running:
        yield running


@pytest.fixture
def transport(server):
    with Transport([server.origin], retries=0, timeout=5) as made:
        yield made


def send(transport, server, data, **given) -> StoreResult:
    options = DicomWebOptions(wado_root=f"{server.origin}/wado", stow_root=f"{server.origin}/stow")
    return store(transport, options, data, **given)


def sent(server) -> list[bytes]:
    return [part.data for request in server.requests for part in parts_of(request)]


# ---- what goes over the wire ----


def test_files_go_as_they_are(transport, server):
    result = send(transport, server, [CT, str(MR), JPEG.read_bytes(), bytearray(CT.read_bytes())])
    assert sent(server) == [CT.read_bytes(), MR.read_bytes(), JPEG.read_bytes(), CT.read_bytes()]
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/stow/studies")
    assert request.headers["accept"] == "application/dicom+json"
    assert request.headers["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')
    assert int(request.headers["content-length"]) == len(request.body)
    assert "transfer-encoding" not in request.headers
    assert {part.media_type for part in parts_of(request)} == {"application/dicom"}
    assert [one.sop_instance_uid for one in result.stored] == [uids(one)[1] for one in (CT, MR, JPEG, CT)]
    assert [one.retrieve_url for one in result.stored] == [one.sop_instance_uid for one in result.stored]
    assert (result.failures, result.warnings, str(result)) == ((), (), "4 stored, 0 not")


def test_one_thing_need_not_be_in_a_list(transport, server):
    for one in (CT, str(CT), CT.read_bytes(), pydicom.dcmread(CT), metalith.read(CT)):
        assert len(send(transport, server, one).stored) == 1
    assert len(server.requests) == 5
    assert send(transport, server, []) == StoreResult()
    assert len(server.requests) == 5


def test_open_files_are_files_and_not_their_lines(transport, server):
    with CT.open("rb") as file:
        (stored,) = send(transport, server, file).stored
    assert stored.sop_instance_uid == uids(CT)[1]
    with CT.open("rb") as file, MR.open(encoding="latin-1") as text:
        result = send(transport, server, [file, text])
    assert [one.sop_instance_uid for one in result.stored] == [uids(CT)[1]]
    assert [(one.index, one.meaning) for one in result.failures] == [(1, "the file is not open for binary reading")]


def test_a_study_may_be_named(transport, server):
    send(transport, server, CT, study_instance_uid="1.2/3")
    assert server.requests[-1].target == "/stow/studies/1.2%2F3"


def test_requests_are_of_bounded_size(transport, server):
    def files():
        for _ in range(10):
            yield CT.read_bytes()

    size = CT.stat().st_size
    result = send(transport, server, files(), max_bytes_per_request=3 * size)
    assert [len(parts_of(request)) for request in server.requests] == [3, 3, 3, 1]
    assert len(result.stored) == 10
    server.clear()
    send(transport, server, [CT] * 3, max_bytes_per_request=1)
    assert [len(parts_of(request)) for request in server.requests] == [1, 1, 1]
    with pytest.raises(ConfigurationError, match="max_bytes_per_request"):
        send(transport, server, CT, max_bytes_per_request=0)


def test_what_is_sent_first_is_not_held_by_what_comes_later(transport, server):
    def files():
        yield CT
        yield CT
        assert len(server.requests) == 1
        yield CT

    assert len(send(transport, server, files(), max_bytes_per_request=CT.stat().st_size).stored) == 3


def test_large_files_are_not_read_into_memory(tmp_path):
    big = tmp_path / "big.dcm"
    big.write_bytes(CT.read_bytes())
    size = 400 << 20
    os.truncate(big, size)
    received = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            due = next(int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
            count, buffer = 0, bytearray(1 << 20)
            while count < due:
                count += connection.recv_into(buffer)
            received.append((due, count))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        root = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Transport([root], retries=0) as transport:
            tracemalloc.start()
            result = store(transport, DicomWebOptions(wado_root=root), [big], max_bytes_per_request=1 << 20)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        thread.join()
    assert received[0][0] == received[0][1] > size
    assert len(result.stored) == 1
    assert peak < 20 << 20


def test_messages_can_be_sent_again(server):
    busy = [Response(503, b"", {"Retry-After": "0"})]
    server.say = lambda request: busy.pop() if busy else Response(200, answer([uids(CT)]), {"Content-Type": JSON})
    with Transport([server.origin], backoff=0.01) as transport:
        assert len(send(transport, server, [CT, MR.read_bytes()]).stored) == 1
    bodies = {request.body for request in server.requests}
    assert (len(server.requests), len(bodies)) == (2, 1)


def test_a_file_that_changes_meanwhile(transport, server, tmp_path):
    server.say = lambda request: Response(200)
    path = tmp_path / "Doe.dcm"
    for change in (
        lambda: path.write_bytes(CT.read_bytes()[:-10]),
        lambda: path.write_bytes(CT.read_bytes() + b"1"),
        path.unlink,
    ):
        path.write_bytes(CT.read_bytes())

        def files(change=change):
            yield path
            change()

        with pytest.raises(StoreInterrupted) as caught:
            send(transport, server, files())
        assert "number 1" in str(caught.value)
        assert "Doe" not in str(caught.value)


def test_the_length_of_a_message_is_what_it_has(tmp_path):
    items = [
        Item(0, "1", "2", b"x" * 700_000, 700_000),
        Item(1, "1", "3", b"", 0),
        Item(2, "1", "4", str(CT), CT.stat().st_size),
    ]
    message = Message(items)
    assert len(message) == sum(map(len, message)) == sum(map(len, message))
    assert max(map(len, message)) <= 1 << 18


# ---- datasets ----


def memory_dataset() -> pydicom.Dataset:
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    dataset.PatientName, dataset.Rows = "Doe^Jane", 2
    return dataset


def test_datasets_without_file_meta_information_get_it(transport, server):
    dataset = memory_dataset()
    before = dataset.to_json()
    assert send(transport, server, dataset).failures == ()
    (file,) = sent(server)
    read = pydicom.dcmread(io.BytesIO(file))
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert read.file_meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert read.file_meta.MediaStorageSOPClassUID == dataset.SOPClassUID
    (length,) = struct.unpack("<I", file[140:144])
    assert file[144 + length : 146 + length] == b"\x08\0"  # group 0002 ends where its length says
    assert read.to_json() == before == dataset.to_json()
    assert not hasattr(dataset, "file_meta")


SYNTAXES = """CT_small MR_small_implicit MR_small_bigendian SC_rgb_jpeg_dcmtk image_dfl liver_1frame 693_J2KI
    SC_rgb_rle_2frame"""


@pytest.mark.parametrize("name", SYNTAXES.split())
def test_datasets_and_instances_keep_their_transfer_syntax(transport, server, name):
    path = get_testdata_file(f"{name}.dcm")
    original = pydicom.dcmread(path)
    for one in (pydicom.dcmread(path), metalith.read(path)):
        assert send(transport, server, one).failures == ()
        read = pydicom.dcmread(io.BytesIO(sent(server)[-1]))
        assert read.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        assert read.PixelData == original.PixelData
        assert read.SOPInstanceUID == original.SOPInstanceUID


def test_the_encoding_that_elements_are_in_counts_where_no_transfer_syntax_does():
    for name, syntax in (
        ("MR_small_implicit.dcm", "1.2.840.10008.1.2"),
        ("MR_small_bigendian.dcm", "1.2.840.10008.1.2.2"),
    ):
        dataset = pydicom.dcmread(get_testdata_file(name))
        pixels = dataset.PixelData
        del dataset.file_meta.TransferSyntaxUID
        read = pydicom.dcmread(io.BytesIO(part10_of(dataset)))
        assert read.file_meta.TransferSyntaxUID == syntax
        assert read.PixelData == pixels


def test_a_transfer_syntax_among_the_elements_counts_and_goes_where_it_belongs():
    dataset = memory_dataset()
    dataset.add_new(0x00020010, "UI", "1.2.840.10008.1.2")
    dataset.add_new(0x00000002, "UI", "1.2")
    read = pydicom.dcmread(io.BytesIO(part10_of(dataset)))
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    assert [element.tag.group for element in read] == [8, 8, 16, 40]
    assert 0x00020010 in dataset


def test_encapsulated_pixels_of_unknown_transfer_syntax_are_not_guessed(transport, server):
    dataset = pydicom.dcmread(JPEG)
    del dataset.file_meta.TransferSyntaxUID
    (failure,) = send(transport, server, dataset).failures
    assert "transfer syntax is not known" in failure.meaning
    assert failure.sop_instance_uid == dataset.SOPInstanceUID
    assert server.requests == []


NATURAL = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
    "SOPInstanceUID": "1.2.3",
    "StudyInstanceUID": "1.2",
    "SeriesInstanceUID": "1.2.1",
    "PatientName": "Doe^Jane",
    "Rows": 2,
    "RequestAttributesSequence": [{"ScheduledProcedureStepID": "x"}],
}
APP_NAMES = """url wadorsuri wadouri wadoRoot wadoUri wadoUriRoot imageRendering imageId _parentInstance frameNumber
    _vrMap"""
APP = dict.fromkeys(APP_NAMES.split(), "http://secret/?token=1")


@pytest.mark.parametrize("meta", [None, {}, {"TransferSyntaxUID": "1.2.840.10008.1.2"},
                                  {"TransferSyntaxUID": {"vr": "UI", "Value": ["1.2.840.10008.1.2"]}}])  # fmt: skip
def test_natural_dicts_without_what_viewers_add(transport, server, meta):
    assert send(transport, server, {**NATURAL, **APP, "_meta": meta}).failures == ()
    (file,) = sent(server)
    read = pydicom.dcmread(io.BytesIO(file))
    assert b"secret" not in file
    assert read.file_meta.TransferSyntaxUID == ("1.2.840.10008.1.2" if meta else "1.2.840.10008.1.2.1")
    assert read.RequestAttributesSequence[0].ScheduledProcedureStepID == "x"
    assert len(read) == len(NATURAL)


def test_dicom_json_is_a_mapping_too(transport, server):
    assert send(transport, server, metalith.denaturalize(NATURAL)).failures == ()
    assert len(pydicom.dcmread(io.BytesIO(sent(server)[0]))) == len(NATURAL)


def test_values_elsewhere_are_fetched(transport, server):
    remote = {**NATURAL, "Columns": 4, "BitsAllocated": 8, "PixelData": BulkData("http://host/b", "OB")}
    instance = metalith.naturalize_dataset(metalith.denaturalize(remote))
    for one in (instance, remote):
        (failure,) = send(transport, server, one).failures
        assert "stands" in failure.meaning or "fetch" in failure.meaning
        result = send(transport, server, one, fetch=lambda instance, bulk: bulk.uri[-4:].encode() * 2)
        assert result.failures == ()
        assert pydicom.dcmread(io.BytesIO(sent(server)[-1])).PixelData == b"st/bst/b"

    def fails(instance, bulk):
        raise DataSourceError("the server is away", method="GET", url="http://host/b?token=1")

    result = send(transport, server, [remote, CT], fetch=fails)
    assert [failure.meaning for failure in result.failures] == ["GET http://host/b: the server is away"]
    assert len(result.stored) == 1


def test_images_do_not_lose_their_pixels(transport, server):
    header = metalith.naturalize_dataset(metalith.denaturalize(NATURAL))
    (failure,) = send(transport, server, header).failures
    assert "no pixel data" in failure.meaning
    assert failure.sop_instance_uid == NATURAL["SOPInstanceUID"]
    elsewhere = {**NATURAL, "Columns": 4, "BitsAllocated": 8, "PixelData": BulkData("http://host/b", "OB")}
    for size in (0, 7, 10):
        (failure,) = send(transport, server, elsewhere, fetch=lambda *_, size=size: bytes(size)).failures
        assert f"came with {size} bytes, not the 8" in failure.meaning
    assert server.requests == []


def test_what_cannot_be_sent_is_told_and_the_rest_is_sent(transport, server, tmp_path):
    nothing = memory_dataset()
    del nothing.SOPInstanceUID
    cut = tmp_path / "cut"
    cut.write_bytes(CT.read_bytes()[:200])
    bare = CT.read_bytes()[132:]
    unwritable = memory_dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unwritable.add_new("Columns", "US", "Doe^Jane")
    given = [
        CT,
        b"garbage" * 50,
        tmp_path / "Doe^Jane",
        tmp_path,
        nothing,
        cut,
        bare,
        unwritable,
        {"Nonsense": 1},
        7,
        None,
        MR,
    ]
    result = send(transport, server, given)
    assert [one.sop_instance_uid for one in result.stored] == [uids(CT)[1], uids(MR)[1]]
    told = {failure.index: failure for failure in result.failures}
    assert sorted(told) == list(range(1, 11))
    words = """no DICOM file|No such file|directory|no SOPInstanceUID|more bytes|preamble|cannot be written
        |neither a keyword nor a tag|a int is no instance|NoneType"""
    for index, some in enumerate(map(str.strip, words.split("|")), 1):
        assert some in told[index].meaning
    assert told[6].sop_instance_uid == uids(CT)[1]
    assert all(failure.reason is None for failure in result.failures)
    assert "Doe" not in repr(result) + "".join(map(str, result.failures))
    assert str(told[1]).startswith("number 2: ")


@pytest.mark.parametrize("wrong", [7, None, 1.5, object()])
def test_what_is_nothing_to_send(transport, server, wrong):
    with pytest.raises(TypeError, match="cannot be stored"):
        send(transport, server, wrong)


# ---- what comes back ----


def test_failures_and_warnings_are_told_one_by_one(transport, server):
    ct, mr, jpeg = uids(CT), uids(MR), uids(JPEG)
    warned = {"00081196": {"vr": "US", "Value": [0xB000]}}
    body = answer([(*ct, warned)], [(*mr, failing(0xC122)), (*jpeg,)])
    server.say = lambda request: Response(202, body, {"Content-Type": JSON})
    result = send(transport, server, [CT, MR, JPEG])
    assert [one.sop_instance_uid for one in result.stored] == [ct[1]]
    assert [(one.sop_instance_uid, one.reason, one.meaning) for one in result.warnings] == [
        (ct[1], 0xB000, "elements were changed")
    ]
    assert [(one.sop_class_uid, one.sop_instance_uid, one.reason, one.index) for one in result.failures] == [
        (*mr, 0xC122, 1),
        (*jpeg, None, 2),
    ]
    assert str(result.failures[0]) == "number 2: the transfer syntax is not supported (C122)"
    assert result.failures[1].meaning == "the server does not say why"


def test_a_conflict_is_an_answer(transport, server):
    server.say = lambda request: Response(409, answer([], [(*uids(CT), failing(0x0110))]), {"Content-Type": JSON})
    (failure,) = send(transport, server, CT).failures
    assert (failure.reason, failure.meaning) == (0x0110, "processing failure")


def test_failures_without_a_name(transport, server):
    server.say = lambda request: Response(202, answer([uids(CT)], other=[0xC000]), {"Content-Type": JSON})
    result = send(transport, server, [CT, MR])
    assert [(one.sop_instance_uid, one.reason, one.index) for one in result.failures] == [(None, 0xC000, None)]


@pytest.mark.parametrize(
    ("status", "body", "stored", "failed"),
    [
        (200, b"", 2, 0),
        (200, b"{}", 2, 0),
        (200, b"[]", 2, 0),
        (200, b'{"00081190":{"vr":"UR","Value":["http://h"]}}', 2, 0),
        (202, b"", 0, 2),
        (409, b"", 0, 2),
        (200, answer([uids(CT)]), 1, 1),
        (200, b"[" + answer([uids(CT), uids(MR)]) + b"]", 2, 0),
        (200, answer([uids(CT), uids(MR), ("1", "9.9.9")]), 3, 0),
        (200, b'{"00081199":{"vr":"LO","Value":["x"]},"00081198":{"vr":"SQ","Value":[{}]}}', 0, 3),
    ],
)
def test_what_is_not_mentioned_was_not_stored_unless_nothing_is(transport, server, status, body, stored, failed):
    server.say = lambda request: Response(status, body, {"Content-Type": JSON})
    result = send(transport, server, [CT, MR])
    assert (len(result.stored), len(result.failures)) == (stored, failed)


def test_the_same_instance_twice(transport, server):
    server.say = lambda request: Response(
        202, answer([uids(CT)], [(*uids(CT), failing(0x0111))]), {"Content-Type": JSON}
    )
    result = send(transport, server, [CT, CT])
    assert (len(result.stored), [one.index for one in result.failures]) == (1, [1])


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"<NativeDicomModel/>", "application/dicom+xml"),
        (b" <html>", JSON),
        (b"{", JSON),
        (b"\xff", JSON),
        (b"7", JSON),
    ],
)
def test_an_answer_that_says_nothing_is_an_error(transport, server, body, media_type):
    server.say = lambda request: Response(200, body, {"Content-Type": media_type})
    with pytest.raises(StoreInterrupted, match="not known what was stored"):
        send(transport, server, CT)


def test_an_interruption_tells_what_was_stored_before(transport, server):
    size = max(CT.stat().st_size, MR.stat().st_size)

    def say(request: Request) -> Response:
        if len(server.requests) == 3:
            return Response(500)
        return Response(200, answer([uids(parts_of(request)[0].data)]), {"Content-Type": JSON})

    server.say = say
    with pytest.raises(StoreInterrupted) as caught:
        send(transport, server, [b"?", CT, MR, CT], max_bytes_per_request=size)
    error = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, DataSourceError)
    assert (error.status, error.method) == (500, "POST")
    assert [one.sop_instance_uid for one in error.result.stored] == [uids(CT)[1], uids(MR)[1]]
    assert len(error.result.failures) == 1


def test_one_bad_instance_does_not_take_others_with_it(transport, server):
    bad = uids(MR)

    def say(request: Request) -> Response:
        several = [uids(part.data) for part in parts_of(request)]
        return Response(400) if bad in several else Response(200, answer(several), {"Content-Type": JSON})

    server.say = say
    result = send(transport, server, [CT, CT, CT, MR, CT, CT, CT, CT])
    assert len(result.stored) == 7
    (failure,) = result.failures
    assert (failure.index, failure.sop_instance_uid) == (3, bad[1])
    assert "400" in failure.meaning
    assert len(server.requests) == 7


def test_a_server_that_refuses_everything_is_not_asked_for_ever(transport, server):
    server.say = lambda request: Response(400)
    with pytest.raises(StoreInterrupted, match="400"):
        send(transport, server, [CT] * 200)
    assert len(server.requests) == 33
    (failure,) = send(transport, server, CT).failures
    assert failure.index == 0


@pytest.mark.parametrize("status", [401, 403, 404, 405, 501])
def test_what_is_no_instance_s_fault(transport, server, status):
    server.say = lambda request: Response(status)
    with pytest.raises(StoreInterrupted, match=str(status)):
        send(transport, server, [CT, MR])
    assert len(server.requests) <= 2


def test_sending_can_be_called_off(transport, server):
    cancel = Cancel()

    def say(request: Request) -> Response:
        cancel.cancel()
        return Response(200, answer([uids(CT)]), {"Content-Type": JSON})

    server.say = say
    with pytest.raises(Cancelled):
        send(transport, server, [CT, MR], max_bytes_per_request=1, cancel=cancel)
    assert len(server.requests) == 1


def test_reasons_in_words():
    assert meaning_of(0xA700) == meaning_of(0xA7FF) == "the server is out of resources"
    assert meaning_of(0xA900) == "the instance does not match its SOP class"
    assert meaning_of(0xC000) == "the server cannot understand the instance"
    assert meaning_of(0x1234) == "a reason that the standard does not have"


def test_orthanc_takes_what_is_sent(make_orthanc):
    server = make_orthanc()
    options = DicomWebOptions(wado_root=server.root)
    bad = bytes(128) + b"DICM" + b"\x08\0\x16\0UI\x02\x001\0\x08\0\x18\0UI\x02\x001\0"
    with Transport([server.root], retries=0) as transport:
        result = store(transport, options, [CT, pydicom.dcmread(MR), metalith.read(JPEG), NATURAL, bad])
        assert [one.sop_instance_uid for one in result.stored] == [uids(CT)[1], uids(MR)[1], uids(JPEG)[1], "1.2.3"]
        assert [failure.index for failure in result.failures] == [4]
        for one in result.stored:
            assert one.retrieve_url
            (instance,) = transport.metadata(f"{one.retrieve_url}/metadata")
            assert instance.SOPInstanceUID == one.sop_instance_uid
        refused = store(transport, options, [CT, MR], study_instance_uid="1.2.3.4")
        assert (len(refused.stored), len(refused.failures)) == (0, 2)


# ---- rejecting ----


def test_a_series_is_rejected_as_dcm4chee_does(transport, server):
    options = DicomWebOptions(wado_root=f"{server.origin}/wado", qido_root=f"{server.origin}/qido")
    for status in (200, 204):
        server.say = lambda request, status=status: Response(status)
        reject_series(transport, options, "1.2", "1.3")
        request = server.requests[-1]
        assert (request.method, request.target) == ("POST", "/wado/studies/1.2/series/1.3/reject/113001%5EDCM")
        assert request.body == b""
    server.say = lambda request: Response(404)
    with pytest.raises(NotSupportedBySource, match=r"'pacs' has no reject\.series"):
        reject_series(transport, options, "1.2", "1.3", source="pacs")
    server.say = lambda request: Response(409)
    with pytest.raises(DataSourceError, match="409"):
        reject_series(transport, options, "1.2", "1.3")


def test_orthanc_rejects_nothing(orthanc_server):
    one, options = orthanc_server.loaded[0], DicomWebOptions(wado_root=orthanc_server.root)
    with Transport([orthanc_server.root]) as transport, pytest.raises(NotSupportedBySource):
        reject_series(transport, options, one.study, one.series)


def test_what_is_odd_about_values_is_not_told_of_them(caplog, recwarn):
    odd = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": "1.2.DOE",
        "StudyInstanceUID": "1.02",
        "SeriesInstanceUID": "1.x",
        "AccessionNumber": "DOE" * 30,
    }
    items = list(items_of([odd, metalith.naturalize_dataset(metalith.denaturalize(odd))]))
    assert [item.sop_instance_uid for item in items] == ["1.2.DOE"] * 2
    assert not recwarn.list
    assert "DOE" not in caplog.text
    assert "DOEDOE" not in repr(items)
