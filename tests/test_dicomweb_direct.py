"""Frames, rendered images, thumbnails, and URLs from which values can be had."""

import base64
from collections.abc import Callable

import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames
from servers import faults
from servers.base import JSON, Request, Response, Server

import metalith
from metalith.bulk import BulkData
from metalith.errors import BulkDataError, Cancelled, ConfigurationError, DataSourceError
from metalith.frames import FrameError
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb import DicomWebOptions
from metalith.sources.dicomweb.addresses import resource_url
from metalith.sources.dicomweb.frames import accept_of_frames, retrieve_frames
from metalith.sources.dicomweb.rendered import (
    direct_url,
    rendered_url,
    retrieve_rendered,
    retrieve_thumbnail,
    thumbnail_url,
)
from metalith.sources.http import Transport

pytest_plugins = ["servers.fixtures"]

ROOT = "https://v.ex/dicomweb"
UIDS = ("ST", "SE", "SOP")
PLACE = f"{ROOT}/studies/ST/series/SE/instances/SOP"
IDENTIFIED = dict(zip(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), UIDS, strict=True))


class Scripted(Server):
    """Answers as a function says, which may be changed."""

    say: Callable[[Request], Response]

    def answer(self, request: Request) -> Response:
        return self.say(request)


@pytest.fixture
def server():
    with Scripted() as running:
        yield running


@pytest.fixture
def transport(server):
    with Transport([server.origin], token="secret", retries=0) as made:
        yield made


def options(server: Server, **given) -> DicomWebOptions:
    return DicomWebOptions(wado_root=f"{server.origin}/d", **given)


def multipart(*parts: bytes) -> Response:
    body = b"".join(b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return Response(200, body, {"Content-Type": 'multipart/related; type="image/jpeg"; boundary=x'})


def numbered(request: Request) -> Response:
    """Each frame is its number."""
    return multipart(*(number.encode() for number in request.path.rpartition("/")[2].split(",")))


# ---- frames ----


def test_frames_come_in_the_order_of_their_numbers(transport, server):
    server.say = numbered
    assert retrieve_frames(transport, options(server), UIDS, [3, 1, 3, 2]) == [b"3", b"1", b"3", b"2"]
    assert [request.path for request in server.requests] == ["/d/studies/ST/series/SE/instances/SOP/frames/3,1,2"]
    assert retrieve_frames(transport, options(server), UIDS) == [b"1"]
    assert retrieve_frames(transport, options(server), UIDS, 7) == [b"7"]
    assert retrieve_frames(transport, options(server), UIDS, []) == []


def test_many_frames_go_into_several_urls(transport, server):
    server.say = numbered
    numbers = range(1, 2001)
    assert retrieve_frames(transport, options(server), UIDS, numbers) == [b"%d" % number for number in numbers]
    assert 2 < len(server.requests) < 10
    assert all(len(request.target) < 2200 for request in server.requests)


def test_a_single_frame_may_come_bare(transport, server):
    for body in (b"bytes", b"--x\r\nContent-Type: image/jpeg\r\n\r\nbytes\r\n--x--"):
        server.say = lambda request, body=body: Response(200, body, {"Content-Type": "image/jpeg"})
        assert retrieve_frames(transport, options(server), UIDS) == [b"bytes"]
    with pytest.raises(DataSourceError, match="1 frames came, not the 2"):
        retrieve_frames(transport, options(server), UIDS, (1, 2))


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (multipart(b"1"), "1 frames came, not the 2"),
        (multipart(b"1", b"2", b"3"), "3 frames came, not the 2"),
        (multipart(), "0 frames came"),
        (multipart(b"1", b""), "without anything in it"),
        (Response(200, multipart(b"1", b"2").whole()[:-8], multipart().headers), "ends inside of part 2"),
        (Response(200, b"--y", multipart().headers), "boundary"),
        (Response(200, b"<html>", {"Content-Type": "text/html"}), "something else"),
        (Response(200, b"{}", {"Content-Type": "application/json"}), "something else"),
        (Response(204), "204"),
        (Response(404), "404"),
        (Response(406), "406"),
    ],
)
def test_other_than_the_frames_is_an_error(transport, server, answer, what):
    server.say = lambda request: answer
    with pytest.raises(DataSourceError, match=what):
        retrieve_frames(transport, options(server), UIDS, (1, 2))


@pytest.mark.parametrize("numbers", [0, -1, [1, 0], [1, 4], 2**31])
def test_frames_that_there_are_not(transport, server, numbers):
    server.say = numbered
    instance = metalith.naturalize_dataset(metalith.denaturalize({**IDENTIFIED, "NumberOfFrames": 3}))
    with pytest.raises(FrameError):
        retrieve_frames(transport, options(server), instance, numbers)
    with pytest.raises(ValueError, match="counted from 1"):
        retrieve_frames(transport, options(server), UIDS, [1, 0])
    assert server.requests == []
    for wrong in ("1", [1.5], ["a"]):
        with pytest.raises(TypeError):
            retrieve_frames(transport, options(server), UIDS, wrong)
    with pytest.raises(TypeError, match="an instance or its three UIDs are expected, not a str"):
        retrieve_frames(transport, options(server), UIDS[-1])


def test_what_is_accepted_of_frames():
    made = DicomWebOptions(wado_root=ROOT)
    assert accept_of_frames(made) == 'multipart/related; type="application/octet-stream"; transfer-syntax="*"'
    jp2 = {"wado_root": ROOT, "request_transfer_syntax_uid": "1.2.840.10008.1.2.4.90"}
    syntax = "transfer-syntax=1.2.840.10008.1.2.4.90"
    assert accept_of_frames(DicomWebOptions(**jp2, omit_quotation_for_multipart_request=True)) == (
        f"multipart/related; type=image/jp2; {syntax}"
    )
    assert accept_of_frames(DicomWebOptions(**jp2, singlepart="image")) == f"image/jp2; {syntax}"
    assert accept_of_frames(DicomWebOptions(**jp2, singlepart="image", accept_header=("x/y", "z/a"))) == "x/y, z/a"
    assert accept_of_frames(DicomWebOptions(**jp2, static_wado=True)) == "*/*"
    assert accept_of_frames(DicomWebOptions(**jp2, static_wado=True, accept_header=("x/y",))) == "x/y"
    assert accept_of_frames(made, ["image/jpeg"]) == 'multipart/related; type="image/jpeg"'


def test_frames_that_are_called_off(transport, server):
    cancel = Cancel()
    cancel.cancel()
    server.say = numbered
    with pytest.raises(Cancelled):
        retrieve_frames(transport, options(server), UIDS, cancel=cancel)


# ---- rendered ----


def test_rendered_urls_are_as_deep_as_the_uids():
    made = DicomWebOptions(wado_root=ROOT)
    assert rendered_url(made, "ST") == f"{ROOT}/studies/ST/rendered"
    assert rendered_url(made, "ST", "SE") == f"{ROOT}/studies/ST/series/SE/rendered"
    assert rendered_url(made, *UIDS) == f"{PLACE}/rendered"
    assert rendered_url(made, *UIDS, frame=3) == f"{PLACE}/frames/3/rendered"
    with pytest.raises(ValueError, match="counted from 1"):
        rendered_url(made, *UIDS, frame=0)


def test_what_a_rendered_image_is_asked_for_with(transport, server):
    server.say = lambda request: Response(200, b"jpeg", {"Content-Type": "image/jpeg"})
    wanted = {"viewport": (512, 256), "window": (40, 400.5), "quality": 80, "annotation": "patient,technique"}
    assert retrieve_rendered(transport, options(server), UIDS, frame=2, **wanted) == b"jpeg"
    request = server.requests[-1]
    assert request.path == "/d/studies/ST/series/SE/instances/SOP/frames/2/rendered"
    assert dict(request.query) == {
        "viewport": "512,256",
        "window": "40,400.5,linear",
        "quality": "80",
        "annotation": "patient,technique",
    }
    assert request.headers["accept"] == "image/jpeg"
    retrieve_rendered(transport, options(server), UIDS, window=(1, 2, "sigmoid"), viewport=(9, 8, 1, 2, 3, 4))
    assert dict(server.requests[-1].query) == {"viewport": "9,8,1,2,3,4", "window": "1,2,sigmoid"}
    retrieve_rendered(transport, options(server), UIDS, media_types=["image/png", "image/gif; q=0.1"])
    assert server.requests[-1].headers["accept"] == "image/png, image/gif; q=0.1"
    retrieve_rendered(transport, options(server), {**IDENTIFIED, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"})
    assert server.requests[-1].headers["accept"] == "application/pdf"


@pytest.mark.parametrize("wrong", [{"viewport": (1,)}, {"window": (1,)}, {"quality": 0}, {"frame": -1}])
def test_what_it_cannot_be_asked_for_with(transport, server, wrong):
    with pytest.raises(ValueError, match=r"is|counted"):
        retrieve_rendered(transport, options(server), UIDS, **wrong)


# ---- thumbnails ----


def test_where_thumbnails_come_from():
    def url(kind: str, *uids: str) -> str | None:
        return thumbnail_url(DicomWebOptions(wado_root=ROOT, thumbnail_rendering=kind), *uids)

    assert url("", *UIDS) is None
    assert url("wadors", *UIDS) is None
    assert url("thumbnailDirect", *UIDS) == f"{PLACE}/thumbnail?accept=image/jpeg"
    assert url("thumbnail", "ST", "SE") == f"{ROOT}/studies/ST/series/SE/thumbnail?accept=image/jpeg"
    assert url("rendered", "ST") == f"{ROOT}/studies/ST/rendered?accept=image/jpeg"
    with pytest.raises(ConfigurationError, match="thumbnailRendering"):
        url("drawn", "ST")


def test_a_series_without_a_thumbnail_has_that_of_an_instance(transport, server):
    def answer(request: Request) -> Response:
        if request.path.endswith("/instances"):
            return Response(200, b'[{"00080018":{"vr":"UI","Value":["1.2.3"]}}]', {"Content-Type": JSON})
        return Response(200, b"small") if "/instances/1.2.3/" in request.path else Response(404)

    server.say = answer
    made = options(server, qido_root=f"{server.origin}/q")
    assert retrieve_thumbnail(transport, made, "ST", "SE") == b"small"
    assert [request.target for request in server.requests] == [
        "/d/studies/ST/series/SE/thumbnail?viewport=256,256",
        "/q/studies/ST/series/SE/instances?limit=1&includefield=00080018",
        "/d/studies/ST/series/SE/instances/1.2.3/thumbnail?viewport=256,256",
    ]
    assert {request.headers["accept"] for request in server.requests[::2]} == {"image/jpeg"}
    server.clear()
    for uids in (("ST",), UIDS):
        with pytest.raises(DataSourceError, match="404"):
            retrieve_thumbnail(transport, made, *uids)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "body"), [(200, b"[]"), (204, b""), (200, b'[{"00080018":{"vr":"UI"}}]')])
def test_a_series_without_instances_has_no_thumbnail(transport, server, status, body):
    server.say = lambda request: (
        Response(status, body, {"Content-Type": JSON}) if request.path.endswith("/instances") else Response(404)
    )
    with pytest.raises(DataSourceError, match="thumbnail"):
        retrieve_thumbnail(transport, options(server), "ST", "SE")


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_see_it_is_not_asked_again(transport, server, status):
    server.say = lambda request: Response(status)
    with pytest.raises(DataSourceError, match=str(status)):
        retrieve_thumbnail(transport, options(server), "ST", "SE")
    assert {request.path for request in server.requests} == {"/d/studies/ST/series/SE/thumbnail"}


def test_thumbnails_that_are_rendered(transport, server):
    server.say = lambda request: Response(200, b"small")
    made = options(server, thumbnail_rendering="rendered")
    assert retrieve_thumbnail(transport, made, *UIDS, viewport=None) == b"small"
    assert server.requests[-1].target == "/d/studies/ST/series/SE/instances/SOP/rendered"


# ---- direct URLs ----


def direct(parts, uri: str | None, **given) -> str | None:
    tag = given.get("tag", "PixelData")
    instance = dict(IDENTIFIED) if uri is None else {**IDENTIFIED, tag: BulkData(uri, "OB")}
    return direct_url(DicomWebOptions(wado_root=ROOT, singlepart=parts), instance, **given)


@pytest.mark.parametrize("singlepart", ["", False, "bulkdata,image"])
def test_without_single_parts_only_what_is_rendered_has_a_url(singlepart):
    assert direct(singlepart, None) == f"{PLACE}/rendered"
    assert direct(singlepart, "http://h/b") is None
    assert direct(singlepart, "http://h/b?x=1") is None
    assert direct(singlepart, "http://h/b?accept=a") is None
    assert direct(singlepart, "http://h/b", tag="Other") is None


@pytest.mark.parametrize("singlepart", [True, "video", "bulkdata,video,pdf"])
def test_with_single_parts(singlepart):
    assert direct(singlepart, None) == f"{PLACE}/rendered"
    assert direct(singlepart, "http://h/b") == f"{PLACE}/rendered"
    assert direct(singlepart, "http://h/b?x=1") == "http://h/b?x=1&accept=video/mp4"
    assert direct(singlepart, "http://h/b?accept=a") == "http://h/b?accept=a"
    assert direct(singlepart, "http://h/b", tag="Other") == "http://h/b?accept=video/mp4"


def test_the_rest_of_direct_urls():
    assert direct("", None, url="known") == "known"
    assert direct("", None, tag="Absent", default_path="/thumbnail", default_type="image/jpeg") == (
        f"{PLACE}/thumbnail?accept=image/jpeg"
    )
    assert direct("pdf", "http://h/b", tag="EncapsulatedDocument", singlepart="video") is None
    assert direct("pdf", "../b?x=1", tag="EncapsulatedDocument", singlepart="pdf", default_type="application/pdf") == (
        f"{ROOT}/studies/ST/series/b?x=1&accept=application/pdf"
    )
    with pytest.raises(BulkDataError):
        direct(True, "file:///etc/passwd", tag="Other")


def test_values_that_are_fetched_are_in_the_url():
    made = direct("", "http://h/b", fetch=lambda bulk: bulk.uri.encode(), default_type="video/mpeg")
    kind, _, text = (made or "").partition(";base64,")
    assert (kind, base64.b64decode(text)) == ("data:video/mpeg", b"http://h/b")
    inline = direct_url(DicomWebOptions(wado_root=ROOT), {**IDENTIFIED, "EncapsulatedDocument": b"%PDF"},
                        tag="EncapsulatedDocument", default_type="application/pdf")  # fmt: skip
    assert inline == "data:application/pdf;base64,JVBERg=="


# ---- real servers ----


def test_frames_of_orthanc(orthanc_server):
    made = DicomWebOptions(wado_root=orthanc_server.root)
    seen = set()
    with Transport([orthanc_server.root]) as transport:
        for one in orthanc_server.loaded:
            if one.path.name not in ("CT_small.dcm", "rtdose.dcm", "examples_ybr_color.dcm", "SC_rgb_rle_2frame.dcm"):
                continue
            file = dcmread(one.path)
            count = int(file.get("NumberOfFrames", 1))
            numbers = sorted({1, count})
            uids = (one.study, one.series, one.instance)
            frames = retrieve_frames(transport, made, uids, numbers)
            if file.file_meta.TransferSyntaxUID.is_compressed:
                stored = list(generate_frames(file.PixelData, number_of_frames=count))
            else:
                size = len(file.PixelData) // count
                stored = [file.PixelData[size * at : size * (at + 1)] for at in range(count)]
            assert frames == [stored[number - 1] for number in numbers]
            with pytest.raises(DataSourceError):
                retrieve_frames(transport, made, uids, count + 1)
            seen.add(one.path.name)
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (faults.cut(5000), "ended before it was whole"),
        (
            faults.edited(lambda body: body[:-10]),
            "ends inside of part|ended before it was whole",
        ),  # it may be compressed
        (faults.endless(b"x" * 4096, start=b"--x\r\n\r\n", media_type="multipart/related; boundary=x"), "max_bytes"),
        (faults.gzip_bomb(1 << 30, media_type="image/jpeg"), "max_bytes"),
        (faults.retyped("multipart/related; boundary=other"), "does not have its boundary"),
        (faults.replaced(b"", media_type="multipart/related; boundary=x"), "0 frames came"),
    ],
)
def test_what_goes_wrong_on_the_way(orthanc_server, fault_proxy, fault, what):
    one = next(one for one in orthanc_server.loaded if one.path.name == "CT_small.dcm")
    proxy = fault_proxy(orthanc_server.root)
    proxy.add(fault, path="/frames/")
    root = proxy.url(orthanc_server.root)
    with Transport([root], retries=0, max_bytes=1 << 20) as transport, pytest.raises(DataSourceError, match=what):
        retrieve_frames(transport, DicomWebOptions(wado_root=root), one[1:])


def test_pictures_of_orthanc(orthanc_server):
    one = next(one for one in orthanc_server.loaded if one.path.name == "CT_small.dcm")
    made = DicomWebOptions(wado_root=orthanc_server.root, thumbnail_rendering="rendered")
    with Transport([orthanc_server.root]) as transport:
        jpeg = retrieve_rendered(transport, made, (one.study, one.series, one.instance), viewport=(64, 64))
        assert jpeg.startswith(b"\xff\xd8\xff")
        png = retrieve_rendered(
            transport, made, (one.study, one.series, one.instance), frame=1, media_types=["image/png"]
        )
        assert png.startswith(b"\x89PNG")
        assert retrieve_thumbnail(transport, made, one.study, one.series).startswith(b"\xff\xd8\xff")
        without = DicomWebOptions(wado_root=orthanc_server.root)
        with pytest.raises(DataSourceError, match="404"):
            retrieve_thumbnail(transport, without, one.study, one.series)  # this server has none at all
        url = direct_url(made, dict(zip(IDENTIFIED, one[1:], strict=True)))
        assert transport.get_bytes(str(url), accept="image/jpeg").startswith(b"\xff\xd8\xff")


def test_frames_of_files(static_server):
    made = DicomWebOptions(wado_root=static_server.root, static_wado=True)
    path = next(static_server.folder.rglob("frames/2"))
    place = path.relative_to(static_server.folder).parts
    with Transport([static_server.root]) as transport:
        (frame,) = retrieve_frames(transport, made, (place[1], place[3], place[5]), 2)
    assert frame in path.read_bytes()
    assert len(frame) > 100
    assert resource_url(static_server.root, place[1]) == f"{static_server.root}/studies/{place[1]}"
