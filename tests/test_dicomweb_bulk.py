"""Bulk data: from the URI as it was sent to the bytes, and small values that are fetched beforehand."""

import contextlib
import gzip
import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from servers.base import Request, Response, Server
from servers.recorder import Recorder

import metalith
from metalith.bulk import BulkData
from metalith.errors import BulkDataError, Cancelled, ConfigurationError, DataSourceError
from metalith.modules.overlay import OverlayPlane
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb import BulkDataUri, DicomWebOptions
from metalith.sources.dicomweb.addresses import has_part, resource_url, uids_of
from metalith.sources.dicomweb.bulk_data import BulkCache, array_of, fetch
from metalith.sources.dicomweb.bulk_tags import PICTURE_TAGS, decoded, resolve_bulk_tags
from metalith.sources.dicomweb.bulk_uri import resolve
from metalith.sources.http import Transport

pytest_plugins = ["servers.fixtures"]

ROOT = "https://v.ex/dicomweb"
UIDS = ("ST", "SE", "SOP")


# ---- URIs ----

# RFC 3986 section 5.4, against http://a/b/c/d;p?q
RFC = {
    "g": "http://a/b/c/g",
    "./g": "http://a/b/c/g",
    "g/": "http://a/b/c/g/",
    "/g": "http://a/g",
    "//g": "http://g/",
    "?y": "http://a/b/c/d;p?y",
    "g?y": "http://a/b/c/g?y",
    "#s": "http://a/b/c/d;p?q",
    "g#s": "http://a/b/c/g",
    "g?y#s": "http://a/b/c/g?y",
    ";x": "http://a/b/c/;x",
    "g;x": "http://a/b/c/g;x",
    "g;x?y#s": "http://a/b/c/g;x?y",
    ".": "http://a/b/c/",
    "./": "http://a/b/c/",
    "..": "http://a/b/",
    "../": "http://a/b/",
    "../g": "http://a/b/g",
    "../..": "http://a/",
    "../../": "http://a/",
    "../../g": "http://a/g",
    "../../../g": "http://a/g",
    "../../../../g": "http://a/g",
    "/./g": "http://a/g",
    "/../g": "http://a/g",
    "g.": "http://a/b/c/g.",
    ".g": "http://a/b/c/.g",
    "g..": "http://a/b/c/g..",
    "..g": "http://a/b/c/..g",
    "./../g": "http://a/b/g",
    "./g/.": "http://a/b/c/g/",
    "g/./h": "http://a/b/c/g/h",
    "g/../h": "http://a/b/c/h",
    "g;x=1/./y": "http://a/b/c/g;x=1/y",
    "g;x=1/../y": "http://a/b/c/y",
    "g?y/./x": "http://a/b/c/g?y/./x",
    "g?y/../x": "http://a/b/c/g?y/../x",
    "g#s/../x": "http://a/b/c/g",
}


@pytest.mark.parametrize("uri", RFC)
def test_relative_uris_are_relative_to_the_metadata(uri):
    assert resolve(uri, BulkDataUri(), root=ROOT, base="http://a/b/c/d;p?q") == RFC[uri]


def test_without_a_base_it_is_the_metadata_of_the_series():
    assert resolve("../../bulkdata/1", BulkDataUri(), root=ROOT, instance=UIDS) == f"{ROOT}/studies/ST/bulkdata/1"
    assert resolve("bulkdata/1", BulkDataUri(), root=ROOT, instance=UIDS) == f"{ROOT}/studies/ST/series/SE/bulkdata/1"
    study = f"{ROOT}/studies/ST/metadata"
    assert resolve("bulkdata/1", BulkDataUri(), root=ROOT, base=study) == f"{ROOT}/studies/ST/bulkdata/1"


# of the reference, with its two faults mended: dots, and what begins with studies/
MATRIX = [
    ("http://p/b/1", "http://p/b/1", "http://p/b/1"),
    ("https://p/b/1", "https://p/b/1", "https://p/b/1"),
    ("/bulk/1", "https://v.ex/bulk/1", "https://v.ex/bulk/1"),
    ("bulkdata/1", f"{ROOT}/studies/ST/bulkdata/1", f"{ROOT}/studies/ST/bulkdata/1"),
    ("series/4/b", f"{ROOT}/studies/ST/series/4/b", f"{ROOT}/studies/ST/series/4/b"),
    ("instances/7/b", f"{ROOT}/studies/ST/series/SE/instances/7/b", f"{ROOT}/studies/ST/series/SE/instances/7/b"),
    ("../../b", f"{ROOT}/studies/ST/b", f"{ROOT}/studies/ST/b"),
    ("bulk/1", f"{ROOT}/studies/ST/series/SE/bulk/1", f"{ROOT}/studies/ST/bulk/1"),
    ("studies/1/b", f"{ROOT}/studies/1/b", f"{ROOT}/studies/1/b"),
    ("httpdata/1", f"{ROOT}/studies/ST/series/SE/httpdata/1", f"{ROOT}/studies/ST/httpdata/1"),
]


@pytest.mark.parametrize(("uri", "series", "studies"), MATRIX)
def test_configured_resolution_is_the_reference_s(uri, series, studies):
    for kind, expected in (("series", series), ("studies", studies)):
        rules = BulkDataUri(relative_resolution=kind)
        assert resolve(uri, rules, root=ROOT, instance=UIDS) == expected
        assert resolve(uri, rules, root=ROOT, instance=UIDS, base="https://elsewhere/x/metadata") == (
            "https://elsewhere/bulk/1" if uri.startswith("/") else expected
        )


def test_what_transform_makes_counts_whatever_it_is():
    secure = BulkDataUri(transform=lambda uri: uri.replace("http:", "https:"))
    assert resolve("http://p/b", secure, root=ROOT) == "https://p/b"
    path = BulkDataUri(transform=lambda uri: "/pacs/x")
    assert resolve("http://p/b", path, root=ROOT) == "https://v.ex/pacs/x"
    relative = BulkDataUri(transform=lambda uri: "../x", relative_resolution="series")
    assert resolve("http://p/b", relative, root=ROOT, instance=UIDS) == f"{ROOT}/studies/ST/series/x"
    for nothing in (lambda uri: None, lambda uri: ""):
        assert resolve("http://p/b", BulkDataUri(transform=nothing), root=ROOT) == "http://p/b"
    with pytest.raises(ConfigurationError, match="transform gave a int"):
        resolve("http://p/b", BulkDataUri(transform=lambda uri: 1), root=ROOT)


def test_beginnings_are_replaced_after_the_transform():
    rules = BulkDataUri(starts_with="http://inside", prefix_with="https://outside/x")
    assert resolve("http://inside/b", rules, root=ROOT) == "https://outside/x/b"
    assert resolve("http://other/b", rules, root=ROOT) == "http://other/b"
    assert resolve("bulkdata/1", BulkDataUri(starts_with="bulkdata/"), root=ROOT, instance=UIDS).endswith("/SE/1")
    both = BulkDataUri(transform=lambda uri: "x/y", starts_with="x/", prefix_with="/z/")
    assert resolve("http://p/b", both, root=ROOT) == "https://v.ex/z/y"


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "data:text/plain,x",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "ftp://host/x",
        "http:",
        "http://",
        "http:///x",
        "http://user@host/x",
        "http://user:pw@host/x",
        "http://v.ex\\@evil/x",
        "\\\\evil\\x",
        "http://host:99999/x",
        "http://host:0/x",
        "http://[::1/x",
        "http://host/\0",
        "http://host/x\r\nHost: y",
        "",
        "  ",
        "x" * 100_000,
    ],
)
def test_other_uris_are_refused_and_not_shown(uri):
    for rules in (BulkDataUri(), BulkDataUri(relative_resolution="studies")):
        with pytest.raises(BulkDataError) as caught:
            resolve(uri, rules, root=ROOT, instance=UIDS)
        assert not any(part in str(caught.value) for part in ("passwd", "evil", "user@", "pw"))


def test_a_transform_makes_no_other_scheme_either():
    with pytest.raises(BulkDataError, match="no other"):
        resolve("x", BulkDataUri(transform=lambda uri: "file:///etc/passwd"), root=ROOT, instance=UIDS)


def test_a_relative_uri_needs_its_instance():
    with pytest.raises(BulkDataError, match="instance"):
        resolve("x", BulkDataUri(), root=ROOT)
    with pytest.raises(BulkDataError, match="instance"):
        resolve("x", BulkDataUri(relative_resolution="series"), root=ROOT, base="https://v.ex/m")
    assert resolve("/x", BulkDataUri(), root=ROOT) == "https://v.ex/x"


def test_bulk_data_can_be_switched_off():
    with pytest.raises(ConfigurationError, match="enabled"):
        resolve("http://p/b", BulkDataUri(enabled=False), root=ROOT)
    assert DicomWebOptions.of({"wadoRoot": ROOT, "bulkDataURI": {}}, "s").bulk_data_uri == BulkDataUri()


def test_characters_that_no_uri_has_are_escaped_once():
    assert resolve("http://p/a b/é?q=ü&x=%20", BulkDataUri(), root=ROOT) == "http://p/a%20b/%C3%A9?q=%C3%BC&x=%20"


def test_dots_in_absolute_uris_are_resolved():
    assert resolve("http://p/a/./b/../c", BulkDataUri(), root=ROOT) == "http://p/a/c"
    assert resolve("http://p", BulkDataUri(), root=ROOT) == "http://p/"


def test_addresses():
    assert resource_url(ROOT, "1.2", "a/b", "x y") == f"{ROOT}/studies/1.2/series/a%2Fb/instances/x%20y"
    for wrong in ((), ("1", "2", "3", "4"), ("..",), ("",), ("1\n",), (None,)):
        with pytest.raises(ValueError, match="UID"):
            resource_url(ROOT, *wrong)
    instance = metalith.naturalize_dataset({"0020000D": {"vr": "UI", "Value": ["1"]}})
    with pytest.raises(ValueError, match="three UIDs"):
        uids_of(instance)
    with pytest.raises(TypeError, match="int"):
        uids_of(7)
    assert has_part("bulkdata, video", "video")
    assert not has_part("videos", "video")
    assert not has_part(False, "video")


# ---- bytes ----


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


def get(transport, server, uri="/b", *, configured=None, **given) -> bytes:
    return fetch(transport, BulkData(uri, "OB"), options=options(server, **(configured or {})), instance=UIDS, **given)


OCTETS = {"Content-Type": "application/octet-stream"}
MULTIPART = {"Content-Type": "multipart/related; boundary=b"}
PARTS = b"--b\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--b\r\n\r\nthe bytes\r\n--b\r\n\r\nmore\r\n--b--"


def test_single_parts_and_multipart_messages(transport, server):
    for headers, body in ((OCTETS, b"the bytes"), (MULTIPART, PARTS), (OCTETS, PARTS), ({}, b"the bytes")):
        server.say = lambda request, headers=headers, body=body: Response(200, body, headers)
        assert get(transport, server) == b"the bytes"
        kept = get(transport, server, configured={"fix_bulkdata_multipart": False})
        assert kept == (PARTS if headers is OCTETS and body is PARTS else b"the bytes")
    server.say = lambda request: Response(200, b"--b\r\n\r\n\r\n--b--", MULTIPART)
    assert get(transport, server) == b""


@pytest.mark.parametrize(
    ("headers", "body", "what"),
    [
        (MULTIPART, PARTS[:-20], "ends inside"),
        (MULTIPART, b"no parts", "boundary"),
        ({"Content-Type": "text/html; charset=utf-8"}, b"<html>sign in</html>", "web page"),
    ],
)
def test_damaged_answers_are_errors(transport, server, headers, body, what):
    server.say = lambda request: Response(200, body, headers)
    with pytest.raises(DataSourceError, match=what) as caught:
        get(transport, server, "/b?patient=Doe")
    assert caught.value.status == 200
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("status", [204, 404, 406, 500])
def test_other_statuses_are_errors(transport, server, status):
    server.say = lambda request: Response(status, b"", {})
    with pytest.raises(DataSourceError) as caught:
        get(transport, server)
    assert caught.value.status == status


def test_what_is_accepted(transport, server):
    server.say = lambda request: Response(200, b"x", OCTETS)
    cases = [
        ({}, {}, 'multipart/related; type="application/octet-stream"'),
        ({"omit_quotation_for_multipart_request": True}, {}, "multipart/related; type=application/octet-stream"),
        ({"singlepart": "bulkdata,video"}, {}, "application/octet-stream"),
        ({"singlepart": "video"}, {}, 'multipart/related; type="application/octet-stream"'),
        ({"static_wado": True}, {}, "*/*"),
        ({"static_wado": True}, {"media_types": ["image/jpeg"]}, "image/jpeg"),
        ({}, {"media_types": ["image/jpeg"]}, 'multipart/related; type="image/jpeg"'),
        ({"singlepart": True}, {"media_types": ["image/jpeg", "*/*"]}, "image/jpeg, */*"),
        ({}, {"range": (0, 1)}, "*/*"),
        ({"singlepart": True}, {"range": (0, 1)}, "application/octet-stream"),
        ({}, {"range": (0, 1), "media_types": ["a/b"]}, "a/b"),
    ]
    for configured, given, accept in cases:
        get(transport, server, configured=configured, **given)
        assert server.requests[-1].headers["accept"] == accept


def test_credentials_stay_at_home(transport, server):
    server.say = lambda request: Response(200, b"x", OCTETS)
    with Recorder() as recorder:
        get(transport, server)
        assert server.requests[-1].headers["authorization"] == "Bearer secret"
        with contextlib.suppress(DataSourceError):  # it need not have the bytes
            get(transport, server, f"{recorder.origin}/b")
        assert len(recorder.requests) == 1
        assert recorder.credentials == []


def test_values_that_are_here_need_no_server(transport, server, tmp_path: Path):
    assert fetch(transport, b"inline", options=options(server)) == b"inline"
    assert fetch(transport, bytearray(b"inline"), options=options(server), range=(1, 3)) == b"nl"
    instance = metalith.read(get_testdata_file("CT_small.dcm"))
    pixels = dcmread(get_testdata_file("CT_small.dcm")).PixelData
    assert fetch(transport, instance.PixelData, options=options(server)) == pixels
    assert fetch(transport, instance.PixelData, options=options(server), range=(2, None)) == pixels[2:]
    assert server.requests == []
    # but whoever sends a URI of a file gets none
    sent = metalith.naturalize(metalith.dumps(instance))[0]
    with pytest.raises(BulkDataError):
        fetch(transport, sent.PixelData, options=options(server), instance=UIDS)
    for wrong in (None, 7, [b"x"]):
        with pytest.raises(TypeError):
            fetch(transport, wrong, options=options(server))


DATA = bytes(range(200))


def ranged(request: Request) -> Response:
    first, last = request.range.removeprefix("bytes=").split("-")
    stop = int(last) + 1 if last else len(DATA)
    body = DATA[int(first) : stop]
    return Response(206, body, {**OCTETS, "Content-Range": f"bytes {first}-{int(first) + len(body) - 1}/{len(DATA)}"})


@pytest.mark.parametrize("span", [(0, 10), (5, None), (190, 500), (199, 200)])
def test_ranges(transport, server, span):
    server.say = ranged
    assert get(transport, server, range=span) == DATA[span[0] : span[1]]
    for headers, body in ((OCTETS, DATA), (MULTIPART, b"--b\r\n\r\n" + DATA + b"\r\n--b--")):
        server.say = lambda request, headers=headers, body=body: Response(200, body, headers)
        assert get(transport, server, range=span) == DATA[span[0] : span[1]]


def test_a_range_of_the_message_is_not_one_of_the_value(transport, server):
    whole = b"--b\r\n\r\n" + DATA + b"\r\n--b--"

    def answer(request: Request) -> Response:
        if request.range is None:
            return Response(200, whole, MULTIPART)
        return Response(206, whole[3:9], {**MULTIPART, "Content-Range": f"bytes 3-8/{len(whole)}"})

    server.say = answer
    assert get(transport, server, range=(3, 9)) == DATA[3:9]


@pytest.mark.parametrize(
    "told", ["bytes 1-10/200", "bytes 0-9", "bytes 0-8/200", "items 0-9/200", "", "bytes 0-9999999999999999999/*"]
)
def test_another_range_is_an_error(transport, server, told):
    server.say = lambda request: Response(206, DATA[:10], {**OCTETS, "Content-Range": told})
    with pytest.raises(DataSourceError, match="another range"):
        get(transport, server, range=(0, 10))
    server.say = lambda request: Response(206, DATA, {**OCTETS, "Content-Range": "bytes 0-199/200"})
    with pytest.raises(DataSourceError, match="another range"):
        get(transport, server, range=(0, 10))


@pytest.mark.parametrize("span", [(-1, 2), (3, 3), (3, 2)])
def test_ranges_of_nothing(transport, server, span):
    with pytest.raises(ValueError, match="range"):
        get(transport, server, range=span)


def test_answers_are_bounded(server):
    server.say = lambda request: Response(200, gzip.compress(bytes(50 << 20)), {**OCTETS, "Content-Encoding": "gzip"})
    with Transport([server.origin], max_bytes=1 << 20) as transport, pytest.raises(DataSourceError, match="max_bytes"):
        get(transport, server)


def test_values_as_numbers():
    assert array_of(bytes([0, 0, 128, 63, 0, 0, 0, 64]), "OF").tolist() == [1.0, 2.0]
    assert array_of(b"", "OW").tolist() == []
    with pytest.raises(BulkDataError, match="whole number"):
        array_of(b"123", "OW")
    with pytest.raises(BulkDataError, match="array of numbers"):
        array_of(b"123", "LO")


# ---- the cache ----


def test_a_value_is_fetched_once(transport, server):
    server.say = lambda request: Response(200, request.path.encode() + b"!", OCTETS)
    cache = BulkCache()
    for uri in ("/a", "/b", "/a", "http://" + server.origin[7:] + "/a", "/x/../a"):
        get(transport, server, uri, cache=cache)
    assert [request.path for request in server.requests] == ["/a", "/b"]
    assert get(transport, server, "/a", cache=cache, range=(0, 1)) == b"/"
    assert get(transport, server, "/a", cache=cache, media_types=["image/jpeg"]) == b"/a!"
    assert len(server.requests) == 4
    assert cache.nbytes == 3 + 3 + 1 + 3
    cache.clear()
    assert len(cache) == cache.nbytes == 0


def test_those_who_ask_at_once_wait_for_one_answer(transport, server):
    go = threading.Event()

    def slowly(request: Request) -> Response:
        go.wait(5)
        return Response(200, b"value", OCTETS)

    server.say = slowly
    cache, found = BulkCache(), []
    threads = [threading.Thread(target=lambda: found.append(get(transport, server, cache=cache))) for _ in range(8)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert found == [b"value"] * 8
    assert len(server.requests) == 1


def test_failures_are_not_kept(transport, server):
    cache = BulkCache()
    server.say = lambda request: Response(404)
    with pytest.raises(DataSourceError):
        get(transport, server, cache=cache)
    server.say = lambda request: Response(200, b"now", OCTETS)
    assert get(transport, server, cache=cache) == b"now"


def test_the_cache_is_bounded_in_bytes():
    cache = BulkCache(100)
    loads: list[int] = []

    def value(key: int, size: int = 20) -> bytes:
        return cache.get(key, lambda: (loads.append(key), bytes(size))[1])

    for key in (1, 2, 3, 4, 5, 1, 6, 1, 2):
        value(key)
        assert cache.nbytes <= 100
    assert loads == [1, 2, 3, 4, 5, 6, 2]
    value(7, 26)  # more than a quarter
    value(7, 26)
    assert loads[-2:] == [7, 7]
    assert cache.nbytes == 100


def test_the_cache_is_safe_from_many_threads():
    cache = BulkCache(1000)
    wrong: list[object] = []

    def work(seed: int) -> None:
        for step in range(400):
            key = (seed * step * 7919) % 23
            value = cache.get(key, lambda key=key: bytes([key]) * (10 * key))
            if value != bytes([key]) * (10 * key):
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 0 < cache.nbytes <= 1000
    assert cache.nbytes == sum(len(value) for value in cache._values.values())


def test_what_is_called_off(transport, server):
    cancel = Cancel()

    def late(request: Request) -> Response:
        cancel.cancel()
        request.pause(5)
        return Response(200, b"x", OCTETS)

    server.say = late
    with pytest.raises(Cancelled):
        get(transport, server, cancel=cancel, cache=BulkCache())


# ---- small values ----


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"0.5", 0.5),
        (b" 12.5E-1 ", 1.25),
        (b"1.5\\2.5 ", 1.5),
        (b"0.000551\0", 0.000551),
        (b"-3", -3.0),
        (b"\x00\x00\x20\x40", 2.5),
        (b"\x00\x00\x00\x00\x00\x00\x04\x40", 2.5),
        (b"\0\0\0\0", 0.0),
        (b"1234", 1234.0),  # text before binary
        (b"12345678", 12345678.0),
        (b"    ", ""),
        (b"--.E", "--.E"),
        (b"1e999", "1e999"),
        (b"\x00\x00\xc0\x7f", "\ufffd\x7f"),  # NaN
        (b"CNTS", struct.unpack("<f", b"CNTS")[0]),  # four bytes that are no number as text
        (b"counts\0", "counts"),
        (b"", ""),
    ],
)
def test_small_values_are_numbers_or_texts(data, value):
    found = decoded(data)
    assert found == value
    assert type(found) in (float, str)


def series(count: int = 3, **more: object) -> metalith.InstanceTable:
    return metalith.naturalize(
        [
            {
                "00080018": {"vr": "UI", "Value": [f"1.{row}"]},
                "0020000D": {"vr": "UI", "Value": ["ST"]},
                "0020000E": {"vr": "UI", "Value": ["SE"]},
                "00280030": {"vr": "DS", "Value": [0.50, 0.50]},
                "70530010": {"vr": "LO", "Value": ["Philips PET Private Group"]},
                "70531000": {"vr": "UN", "BulkDataURI": f"suv/{row}"},
                **more,
            }
            for row in range(count)
        ]
    )


def test_references_become_values():
    table, failures = resolve_bulk_tags(series(), lambda instance, bulk: b"0.0005" + bulk.uri[-1:].encode())
    assert failures == []
    assert [one["70531000"] for one in table] == [0.00050, 0.00051, 0.00052]
    assert table[0].private("Philips PET Private Group", 0x7053, 0x00) == 0.0005
    assert table[1].PixelSpacing == (0.5, 0.5)
    assert [one.SOPInstanceUID for one in table] == ["1.0", "1.1", "1.2"]
    store = metalith.MetadataStore()
    store.add_instances(table)
    assert store.instance("1.2")["70531000"] == 0.00052


def test_each_is_asked_for_with_its_instance():
    asked = []
    resolve_bulk_tags(series(), lambda instance, bulk: asked.append((instance.SOPInstanceUID, bulk.uri)) or b"1")
    assert sorted(asked) == [("1.0", "suv/0"), ("1.1", "suv/1"), ("1.2", "suv/2")]


def test_what_fails_stays_as_it_is():
    def some(instance, bulk):
        if bulk.uri == "suv/1":
            raise DataSourceError("no")
        return bytes(1 << 20) if bulk.uri == "suv/2" else b"2"

    table, failures = resolve_bulk_tags(series(), some)
    assert [failure.sop_instance_uid for failure in failures] == ["1.1", "1.2"]
    assert {failure.tag for failure in failures} == {"70531000"}
    assert table[0]["70531000"] == 2.0
    assert isinstance(table[1]["70531000"], BulkData)
    untouched = series()
    assert resolve_bulk_tags(untouched, lambda *_: 1 / 0)[0] is untouched


def test_nothing_to_do_costs_nothing():
    table = series()
    assert resolve_bulk_tags(table, lambda *_: 1 / 0, ["70531009"]) == (table, [])
    plain, failures = resolve_bulk_tags(series(1, **{"70531000": {"vr": "DS", "Value": [1]}}), lambda *_: 1 / 0)
    assert (plain[0]["70531000"], failures) == (1.0, [])


def test_other_tags_and_texts():
    table = series(1, **{"7fe10abc": {"vr": "OB", "BulkDataURI": "x"}})
    made, _ = resolve_bulk_tags(table, lambda *_: b"text\0", ["7fe10abc"])
    assert made[0]["7FE10ABC"] == "text"
    assert made[0].vr("7FE10ABC") == "LO"


def test_the_same_tag_within_a_sequence_is_another_value():
    inner = {"70531000": {"vr": "UN", "BulkDataURI": "suv/9"}}
    table = series(2, **{"00081115": {"vr": "SQ", "Value": [inner, inner]}})
    made, failures = resolve_bulk_tags(table, lambda instance, bulk: bulk.uri[-1:].encode())
    assert ([one["70531000"] for one in made], failures) == ([0.0, 1.0], [])
    assert [item["70531000"].uri for item in made[1].ReferencedSeriesSequence] == ["suv/9"] * 2


def test_everything_else_stays_as_it_was_sent():
    odd = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": '"70531000":Müller\\u0000'}]}, "00091002": {"vr": "UN"}}
    table = series(2, **odd)
    made, _ = resolve_bulk_tags(table, lambda *_: b"1")
    before, after = json.loads(metalith.dumps(table)), json.loads(metalith.dumps(made))
    for one, other in zip(before, after, strict=True):
        assert list(one) == list(other)
        assert other.pop("70531000") == {"vr": "DS", "Value": [1.0]}
        assert one.pop("70531000")["vr"] == "UN"
        assert one == other


def test_bytes_stay_bytes():
    table = series(2, **{"60023000": {"vr": "OW", "BulkDataURI": "o"}, "00281201": {"vr": "US", "BulkDataURI": "p"}})
    made, failures = resolve_bulk_tags(table, lambda _, bulk: b"12" * len(bulk.uri), binary_tags=PICTURE_TAGS)
    assert failures == []
    assert (made[1]["60023000"], made.keywords) == (b"12", table.keywords)
    assert (made[0].RedPaletteColorLookupTableData, made[0].vr("00281201")) == (b"12", "OW")
    assert made[0]["70531000"] == 1212121212.0


def test_a_cancelled_fetch_ends_it():
    def never(*_):
        raise Cancelled("no")

    with pytest.raises(Cancelled):
        resolve_bulk_tags(series(), never)


# ---- real servers ----


def test_bulk_data_of_orthanc(orthanc_server):
    files = {one.path.name: one for one in orthanc_server.loaded}
    configured = DicomWebOptions(wado_root=orthanc_server.root)
    with Transport([orthanc_server.root]) as transport:
        for name, keywords in (
            ("examples_palette.dcm", ["RedPaletteColorLookupTableData", "PixelData"]),
            ("examples_overlay.dcm", ["60003000", "PixelData"]),
        ):
            one = files[name]
            url = f"{resource_url(orthanc_server.root, one.study, one.series, one.instance)}/metadata"
            (instance,) = transport.metadata(url)
            local = dcmread(one.path)
            for keyword in keywords:
                element = local[int(keyword, 16) if keyword[0].isdigit() else keyword]
                data = fetch(transport, instance[keyword], options=configured, instance=instance)
                assert data == element.value
                assert array_of(data, "OW").tobytes() == data
                assert fetch(transport, instance[keyword], options=configured, range=(4, 10)) == data[4:10]


def test_palettes_and_overlays_of_orthanc(orthanc_server):
    configured = DicomWebOptions(wado_root=orthanc_server.root)
    files = {one.path.name: one for one in orthanc_server.loaded}
    with Transport([orthanc_server.root]) as transport:

        def resolved(name: str) -> metalith.InstanceTable:
            table, failures = resolve_bulk_tags(
                transport.metadata(f"{resource_url(orthanc_server.root, *files[name][1:])}/metadata"),
                lambda instance, bulk: fetch(transport, bulk, options=configured, instance=instance),
                binary_tags=PICTURE_TAGS,
            )
            assert failures == []
            return table

        (painted,) = resolved("examples_palette.dcm")
        local = dcmread(files["examples_palette.dcm"].path)
        assert painted.RedPaletteColorLookupTableData == local.RedPaletteColorLookupTableData
        assert isinstance(painted.PixelData, BulkData)
        (drawn,) = resolved("examples_overlay.dcm")
        sent, read = OverlayPlane.build(drawn), OverlayPlane.build(metalith.read(files["examples_overlay.dcm"].path))
        assert sent is not None
        assert read is not None
        assert sent.overlays[0].bits().any()
        assert sent.overlays[0].bits().tolist() == read.overlays[0].bits().tolist()


def test_bulk_data_of_files(static_server):
    configured = DicomWebOptions(wado_root=static_server.root, static_wado=True)
    found = 0
    with Transport([static_server.root]) as transport:
        for path in sorted(static_server.folder.rglob("series/*/metadata*")):
            place = path.relative_to(static_server.folder).as_posix().removesuffix(".gz")
            if "/instances/" in place:
                continue
            base = f"{static_server.root}/{place}"
            for instance in transport.metadata(base):
                for keyword, value in instance.items():
                    if isinstance(value, BulkData) and keyword != "PixelData" and found < 20:
                        found += 1
                        data = fetch(transport, value, options=configured, instance=instance)
                        assert data == fetch(transport, value, options=configured, base=base)
                        assert len(data) > 8
    assert found >= 3
