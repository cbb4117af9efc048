"""Images are loaded by their ids: once, from where that is permitted, and everybody who asks gets an answer."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from servers import faults
from servers.base import Request, Response, Server

import metalith
from metalith import modules
from metalith.errors import (
    Cancelled,
    ConfigurationError,
    DataSourceError,
    ImageIdError,
    MetadataNotFound,
    NotDicomError,
    ParseError,
    StoreError,
)
from metalith.image_ids import file_id, frame_image_ids, wadouri_id
from metalith.sources._cancel import Cancel
from metalith.sources.headers import KEPT

pytest_plugins = ["servers.fixtures"]

CT = Path(get_testdata_file("CT_small.dcm"))
MR = Path(get_testdata_file("MR_small.dcm"))
MULTI = Path(get_testdata_file("examples_ybr_color.dcm"))  # 30 frames
PLANE = "imagePlaneModule"


@pytest.fixture
def store() -> metalith.MetadataStore:
    return metalith.MetadataStore()


@pytest.fixture
def metadata() -> metalith.MetadataProviders:
    return metalith.MetadataProviders()


@pytest.fixture
def make(store) -> Iterator[Callable[..., metalith.ImageLoader]]:
    """A loader into the store, which is closed in the end."""
    made: list[metalith.ImageLoader] = []

    def make(**options) -> metalith.ImageLoader:
        configuration = {"retries": 0, "timeout": 5.0, **options.pop("configuration", {})}
        made.append(metalith.ImageLoader(options.pop("store", store), configuration=configuration, **options))
        return made[-1]

    yield make
    for loader in made:
        loader.close()


def count(server: Server) -> int:
    return len(server.requests)


# ---- by URL ----


@pytest.mark.parametrize("form", ["wadouri:{}", "dicomweb:{}", "{}", "WADOURI:{}", "wadouri:{}?frame=1", "{}#x"])
def test_an_image_is_loaded_by_any_of_its_ids(make, store, metadata, file_server, form):
    loader = make(origins=[file_server.origin])
    store.provide(metadata)
    image_id = form.format(file_server.url("CT_small.dcm"))
    assert metadata.get(PLANE, image_id) is None, "no loader, no answer"
    assert count(file_server) == 0
    loader.provide(metadata)
    assert metadata.get(PLANE, image_id).pixel_spacing == (0.661468, 0.661468)
    assert metadata.get(modules.ImagePixel, image_id).rows == 128
    assert metadata.get("KVP", image_id) == 120
    assert metadata.require("instance", image_id).SOPInstanceUID == store.instance_by_image_id(image_id).SOPInstanceUID
    assert count(file_server) == 1
    assert store.summary()["instances"] == 1


def test_one_file_by_several_ids_is_fetched_once(make, store, file_server):
    loader = make()
    url = file_server.url("CT_small.dcm")
    loaded = [loader.load(form + url) for form in ("wadouri:", "dicomweb:", "", "WADOURI:")]
    assert loaded == [loaded[0]] * 4
    assert count(file_server) == 1


def test_get_alone_never_touches_the_network(make, store, metadata, file_server):
    make(origins=[file_server.origin])
    store.provide(metadata)
    for kind in (PLANE, "instance", "KVP"):
        assert metadata.get(kind, f"wadouri:{file_server.url('CT_small.dcm')}") is None
    with pytest.raises(MetadataNotFound):
        metadata.require(PLANE, f"wadouri:{file_server.url('CT_small.dcm')}")
    assert count(file_server) == 0


def test_for_types_that_no_image_answers_nothing_is_fetched(make, metadata, file_server):
    make().provide(metadata)
    image_id = f"wadouri:{file_server.url('CT_small.dcm')}"
    for kind in ("uriModule", "imageUrlModule", "baseImageId", "myOwnModule", modules.UriModule):
        assert metadata.get(kind, image_id) is None
        assert "nothing is loaded for this type" in str(metadata.explain(kind, image_id))
    assert count(file_server) == 0
    assert metadata.get("00180060", image_id) == 120


def test_many_threads_one_request(make, store, metadata, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(0.2))
    make().provide(metadata)
    ids = [f"{form}{proxy.origin}/{MULTI.name}" for form in ("wadouri:", "dicomweb:", "")]
    ids = [*ids, *frame_image_ids(ids[0], 29)]
    assert len(ids) == 32
    barrier = threading.Barrier(32)

    def ask(image_id: str) -> int:
        barrier.wait()
        return metadata.get("imagePixelModule", image_id).rows

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(ask, ids)) == {240}
    assert count(proxy) == 1
    assert len(store) == 1


def test_frames_share_the_fetch(make, metadata, file_server):
    make().provide(metadata)
    answers = [metadata.get("instance", one) for one in frame_image_ids(f"wadouri:{file_server.url(MULTI.name)}", 30)]
    assert len(answers) == 30
    assert count(file_server) == 1


def test_a_failure_goes_to_all_who_wait_and_is_not_kept(make, store, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    loader = make()
    image_id = f"wadouri:{proxy.origin}/CT_small.dcm?token=secret"

    def slow_refusal(request: Request, forward: Callable[[], Response]) -> Response:
        request.pause(0.2)
        return Response(403)

    proxy.add(slow_refusal, times=1)
    barrier = threading.Barrier(8)

    def ask(_: int) -> Exception | None:
        barrier.wait()
        try:
            loader.load(image_id)
        except DataSourceError as error:
            return error
        return None

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(ask, range(8)))
    assert {error.status for error in errors} == {403}
    assert not any("secret" in str(error) for error in errors)
    assert count(proxy) == 1
    assert len(store) == 0
    assert loader.load(image_id).Rows == 128
    assert count(proxy) == 2


def test_who_calls_it_off_does_so_for_nobody_else(make, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(0.3))
    loader, cancel = make(), Cancel()
    image_id = f"wadouri:{proxy.origin}/CT_small.dcm"
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(loader.load, image_id, cancel=cancel)
        while not proxy.requests:
            time.sleep(0.005)
        second = pool.submit(loader.load, image_id)
        time.sleep(0.05)
        cancel.cancel()
        with pytest.raises(Cancelled):
            first.result(2)
        assert second.result(5).Rows == 128


def test_no_file_and_no_dicom_file(make, store, metadata, file_server):
    file_server.files["x.dcm"] = b"PatientName is Doe " * 10_000
    loader = make()
    store.provide(metadata)
    loader.provide(metadata)
    with pytest.raises(DataSourceError, match="404"):
        metadata.get(PLANE, f"wadouri:{file_server.url('missing')}")
    with pytest.raises(NotDicomError) as caught:
        metadata.get(PLANE, f"wadouri:{file_server.url('x.dcm')}?patient=doe")
    assert "oe" not in str(caught.value).replace("does", "")
    assert len(store) == 0
    assert store.study_instance_uids == []
    # nothing of it stays: neither as an answer nor as a failure
    file_server.files["x.dcm"] = CT
    assert metadata.get(PLANE, f"wadouri:{file_server.url('x.dcm')}?patient=doe") is not None


def test_a_file_without_uids_leaves_nothing_behind(make, store, file_server):
    import pydicom

    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        file = pydicom.dcmread(CT)
        delattr(file, keyword)
        buffer = pydicom.filebase.DicomBytesIO()
        file.save_as(buffer)
        file_server.files["a"] = buffer.getvalue()
        with pytest.raises(StoreError, match=keyword):
            make().load(f"wadouri:{file_server.url('a')}")
    assert store.study_instance_uids == []
    assert store.instance_by_image_id(f"wadouri:{file_server.url('a')}") is None


def test_retries_are_configured(make, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.cut(1000))
    for retries in (0, 2):
        proxy.requests.clear()
        with pytest.raises(DataSourceError, match=r"before it was whole|connection broke"):
            make(configuration={"retries": retries}).load(f"{proxy.origin}/CT_small.dcm")
        assert count(proxy) == retries + 1


def test_the_limit_of_a_header(make, file_server):
    loader = make(configuration={"max_bytes": 1000})
    with pytest.raises(ParseError, match="max_bytes=1,000"):
        loader.load(f"wadouri:{file_server.url('CT_small.dcm')}")


# ---- what the store has ----


def test_what_is_in_the_store_is_not_fetched(make, store, metadata, file_server):
    instance = metalith.read(CT)
    store.add_instances(instance)
    loader = make()
    store.provide(metadata)
    loader.provide(metadata)
    uids = instance.StudyInstanceUID, instance.SeriesInstanceUID, instance.SOPInstanceUID
    for image_id in (wadouri_id(f"{file_server.origin}/wado", *uids), f"dicomfile:{CT}"):
        assert loader.load(image_id) == store.instance(uids[2])
        assert metadata.get(PLANE, image_id) is not None
    assert count(file_server) == 0


def test_two_urls_of_one_instance(make, store, metadata, file_server):
    file_server.files |= {"a": CT, "b": CT}
    events: list[str] = []
    store.subscribe(store.INSTANCES_ADDED, lambda event: events.append(event.series_instance_uid))
    loader = make()
    store.provide(metadata)
    ids = [f"wadouri:{file_server.url(name)}" for name in "ab"]
    assert [metadata.get("Rows", one) for one in ids] == [None, None]
    first = loader.load(ids[0])
    assert [metadata.get("Rows", one) for one in ids] == [128, None]
    assert loader.load(ids[1]) == first
    assert len(store) == len(events) == 1
    assert count(file_server) == 2
    assert [metadata.get("Rows", one) for one in ids] == [128, 128], "that there was no answer is not kept"


def test_what_was_loaded_as_a_series_stays_as_it_is(make, store, file_server):
    """A header does not take an instance out of its table."""
    series = [metalith.read(CT), metalith.read(CT).replace(SOPInstanceUID="1.2.3")]
    store.add_instances(series)
    one = store.series(series[0].SeriesInstanceUID)
    before = [instance.SOPInstanceUID for instance in one.instances]
    loaded = make().load(f"wadouri:{file_server.url('CT_small.dcm')}")
    assert loaded == store.instance(loaded.SOPInstanceUID)
    assert [instance.SOPInstanceUID for instance in one.instances] == before


def test_an_image_that_had_to_go_is_fetched_again(make, metadata, file_server):
    store = metalith.MetadataStore(max_bytes=1)
    loader = make(store=store)
    store.provide(metadata)
    loader.provide(metadata)
    ids = [f"wadouri:{file_server.url(name)}" for name in ("CT_small.dcm", "MR_small.dcm")]
    assert [metadata.get("Modality", one) for one in ids * 2] == ["CT", "MR"] * 2
    assert count(file_server) == 4
    assert store.summary()["evicted_series"] == 1


def test_what_goes_at_once_is_answered_still(make, store, metadata, file_server):
    make().provide(metadata)
    store.subscribe(store.INSTANCES_ADDED, lambda event: store.remove_study(event.study_instance_uid))
    assert metadata.get("Rows", f"wadouri:{file_server.url('CT_small.dcm')}") == 128
    assert metadata.get("RedPaletteColorLookupTableData", f"wadouri:{file_server.url('CT_small.dcm')}") is None
    assert len(store) == 0


# ---- among other providers ----


def test_a_negative_answer_does_not_stay(make, store, metadata, file_server):
    store.provide(metadata)
    ids = [f"wadouri:{file_server.url(MULTI.name)}", *frame_image_ids(file_server.url(MULTI.name), 2)]
    for image_id in ids * 2:
        assert metadata.get(PLANE, image_id) is None
    make().load(ids[0])
    assert metadata.get(PLANE, ids[0]) is not None
    make().provide(metadata)
    for _ in range(2):
        assert all(metadata.get("Rows", image_id) == 240 for image_id in ids)
    hits = metadata.cache_info().hits
    assert all(metadata.get("Rows", image_id) == 240 for image_id in ids)
    assert metadata.cache_info().hits == hits + len(ids), "the store's own answers are kept now"
    assert count(file_server) == 1


def test_ids_that_name_other_uids_than_their_file_has(make, store, metadata, file_server):
    """As when a server makes files anonymous on their way."""
    image_id = f"wadouri:{file_server.url('CT_small.dcm')}?studyUID=1&seriesUID=1.2&objectUID=1.2.3&anonymize=yes"
    store.provide(metadata)
    loader = make()
    loader.provide(metadata)
    assert metadata.get("Rows", image_id) == 128
    metadata.remove_provider(loader)
    assert metadata.get("Rows", image_id) == 128, "the store answers: that it could not is not kept"
    assert count(file_server) == 1


def test_custom_providers_come_first(make, store, metadata, file_server):
    image_id = f"wadouri:{file_server.url('CT_small.dcm')}"
    store.provide(metadata)
    metadata.add_typed_provider("scalingModule", lambda next, query, data, options: "typed")
    make().provide(metadata)
    metadata.add_provider(lambda kind, id: "mine" if kind == PLANE else None)
    assert metadata.get(PLANE, image_id) == "mine"
    assert metadata.get("scalingModule", image_id) == "typed"
    assert count(file_server) == 0
    assert metadata.get("Rows", image_id) == 128


def test_switched_by_types_and_priority(make, store, metadata, file_server):
    image_id = f"wadouri:{file_server.url('CT_small.dcm')}"
    loader = make()
    loader.provide(metadata, types=[PLANE, modules.ImagePixel])
    assert metadata.get("Rows", image_id) is None
    assert "not for this type: ImageLoader" in str(metadata.explain("Rows", image_id))
    assert count(file_server) == 0
    assert metadata.get(modules.ImagePlane, image_id) is not None
    assert metadata.get("Rows", image_id) is None
    loader.provide(metadata, priority=5000)
    metadata.add_provider(lambda kind, id: "later")
    assert metadata.get("Rows", image_id) == 128
    metadata.remove_provider(loader)
    assert metadata.get("Rows", image_id) == "later"


def test_require_and_explain_say_why(make, store, metadata, file_server, tmp_path):
    store.provide(metadata)
    make(origins=["https://pacs.example.org"], folders=[tmp_path]).provide(metadata)
    reasons = {
        "wadors:https://h/studies/1.22/series/1.33/instances/1.44/frames/1": "load it first with"
        " retrieve.series.metadata",
        "wadouri:https://elsewhere.example.org/secret": "none of the origins that were given",
        "wadouri:/relative/secret": "no http or https URL",
        "wadouri:ftp://host/secret": "no http or https URL",
        "dicomfile:/etc/secret": "in none of the folders",
        "dicomfile:3": "no absolute path",
        "web:https://host/secret.png": "of this scheme are not loaded",
        "secret": "no image id",
    }
    for image_id, reason in reasons.items():
        with pytest.raises(MetadataNotFound, match=reason) as caught:
            metadata.require(PLANE, image_id)
        assert "secret" not in str(caught.value)
        assert "1.22" not in str(caught.value)
        assert reason in str(metadata.explain(PLANE, image_id))
    assert "no folders were given" in make().explain(PLANE, f"dicomfile:{CT}")
    store.add_instances(metalith.read(CT))
    uids = store.instance_by_image_id(f"dicomfile:{CT}")
    known = f"wadors:https://h/studies/{uids.StudyInstanceUID}/series/{uids.SeriesInstanceUID}/instances/{uids.SOPInstanceUID}"
    assert "has nothing of it" in str(metadata.explain("petIsotopeModule", known))
    assert make().explain(PLANE, 5) == "it is no image id"
    assert metadata.get(PLANE, 5) is None


def test_skipped_failures_tell_nothing(make, store, metadata, file_server, caplog):
    metadata.on_error = "next"
    make().provide(metadata)
    image_id = f"wadouri:{file_server.url('Doe^John')}?token=secret"
    with caplog.at_level(logging.DEBUG):
        assert metadata.get(PLANE, image_id) is None
        explained = str(metadata.explain(PLANE, image_id))
    assert "DataSourceError" in explained
    assert "secret" not in caplog.text + explained


# ---- servers that may be asked ----


@pytest.mark.parametrize(
    ("origin", "url", "permitted"),
    [
        ("https://h", "https://h/a", True),
        ("https://h/any/path?x=y", "https://h/a", True),
        ("https://h", "https://h:443/a", True),
        ("https://h:443", "https://h/a", True),
        ("https://H", "HTTPS://h/a", True),
        ("https://h", "https://H./a", False),
        ("https://h", "http://h/a", False),
        ("https://h", "https://h:444/a", False),
        ("http://h:80", "http://h/a", True),
        ("https://h", "https://h.evil.org/a", False),
        ("https://h", "https://h@evil.org/a", False),
        ("https://h", "https://evil.org/@h/", False),
        ("https://h", "https://user:secret@h/a", True),
        ("https://h", "https://evil.org#@h/", False),
        ("https://h", "https://evil.org?@h/", False),
        ("https://h", "https://evil.org\\@h/", False),
        ("https://h", "https:\\\\h/a", False),
        ("https://h", "https:/h/a", False),
        ("https://[::1]:8042", "https://[::1]:8042/a", True),
        ("https://[::1]", "https://[::1]:8042/a", False),
        ("https://[::1]", "https://[0:0:0:0:0:0:0:1]/a", False),
        ("https://xn--mller-kva.de", "https://müller.de/a", True),
        ("https://h", "https://h:99999/a", False),
        ("https://h", "https://h:x/a", False),
    ],
)
@pytest.mark.parametrize("scheme", ["wadouri:", "dicomweb:", ""])
def test_the_list_of_origins(make, origin, url, permitted, scheme):
    loader = make(origins=origin)
    reason = loader.explain(PLANE, scheme + url)
    assert (reason == "nothing is loaded for this type") == permitted, reason
    if not permitted:
        with pytest.raises((DataSourceError, ImageIdError)):
            loader.load(scheme + url)


def test_a_redirect_away_from_the_list(make, file_server, fault_proxy, recorder):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.redirect(302, recorder.origin), path="away")
    proxy.add(faults.redirect(302, file_server.origin), path="CT_small")
    image_id = f"wadouri:{proxy.origin}/CT_small.dcm"
    with pytest.raises(DataSourceError, match="none of those that were given"):
        make(origins=[proxy.origin], configuration={"token": "secret"}).load(f"wadouri:{proxy.origin}/away")
    with pytest.raises(DataSourceError, match="none of those that were given"):
        make(origins=[proxy.origin], configuration={"token": "secret"}).load(image_id)
    assert recorder.requests == file_server.requests == []
    assert make(origins=[proxy.origin, file_server.origin]).load(image_id).Rows == 128
    assert make(store=metalith.MetadataStore()).load(image_id).Rows == 128, "all servers, where none are given"


def test_a_token_is_refreshed(make, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)

    def guarded(request: Request, forward: Callable[[], Response]) -> Response:
        return forward() if request.headers.get("authorization") == "Bearer new" else Response(401)

    proxy.add(guarded)
    tokens = iter(["old", "new", "new"])
    loader = make(origins=[proxy.origin], configuration={"token": lambda: next(tokens)})
    assert loader.load(f"wadouri:{proxy.origin}/CT_small.dcm").Rows == 128
    assert [request.status for request in proxy.requests] == [401, 206]
    with pytest.raises(DataSourceError, match="401") as caught:
        make(origins=[proxy.origin], configuration={"token": "stale"}).load(f"wadouri:{proxy.origin}/MR_small.dcm")
    assert "stale" not in "".join(traceback.format_exception(caught.value)).replace('"stale"', "")


@pytest.mark.parametrize(
    "configuration", [{"token": "t"}, {"auth": ("u", "p")}, {"headers": {"X": "y"}}, {"cert": "c"}]
)
def test_credentials_need_origins(store, configuration):
    with pytest.raises(ConfigurationError, match="origins"):
        metalith.ImageLoader(store, configuration=configuration)


@pytest.mark.parametrize(
    "options",
    [
        {"origins": ["ftp://h"]},
        {"origins": "h"},
        {"origins": [None]},
        {"origins": [5]},
        {"folders": [""]},
        {"folders": ["a\0b"]},
        {"folders": [5]},
        {"configuration": {"tokn": "x"}},
        {"configuration": {"workers": 0}},
    ],
)
def test_impossible_options(store, options):
    with pytest.raises(ConfigurationError):
        metalith.ImageLoader(store, **options)


# ---- files ----


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "given"
    (made / "sub").mkdir(parents=True)
    shutil.copy(CT, made / "a.dcm")
    shutil.copy(MR, made / "sub" / "b 100%.dcm")
    (tmp_path / "given2").mkdir()
    for name in ("secret.dcm", "given2/secret.dcm"):
        shutil.copy(CT, tmp_path / name)
    return made


def test_files_below_the_folders(make, metadata, folder):
    make(folders=folder).provide(metadata)
    assert metadata.get("Modality", file_id(folder / "a.dcm")) == "CT"
    assert metadata.get("Modality", file_id(folder / "sub" / "b 100%.dcm", 1)) == "MR"
    assert metadata.get("Modality", f"dicomfile://{folder}/a.dcm") == "CT"
    assert metadata.get("Modality", f"dicomfile:{folder}/sub/../%61.dcm") == "CT"


def test_no_file_elsewhere(make, metadata, folder, store):
    above = folder.parent
    (folder / "link.dcm").symlink_to(above / "secret.dcm")
    (folder / "up").symlink_to(above)
    (folder / "loop").symlink_to(folder / "loop")
    loader = make(folders=[folder])
    loader.provide(metadata)
    tried = [
        f"{above}/secret.dcm",
        f"{folder}/../secret.dcm",
        f"{folder}/%2e%2e/secret.dcm",
        f"{folder}/%2E%2E%2Fsecret.dcm",
        f"{folder}/sub/../../secret.dcm",
        f"{folder}2/secret.dcm",
        f"{folder}/link.dcm",
        f"{folder}/up/secret.dcm",
        f"{folder}/a.dcm%00",
        f"{folder}%00/../secret.dcm",
        "secret.dcm",
        "../secret.dcm",
        f"file://{above}/secret.dcm",
        "",
        "%00",
        str(folder).upper() + "/A.DCM",
    ]
    for path in tried:
        image_id = f"dicomfile:{path}"
        assert metadata.get(PLANE, image_id) is None
        with pytest.raises((DataSourceError, ImageIdError)) as caught:
            loader.load(image_id)
        assert "secret" not in str(caught.value)
        assert str(folder) not in str(caught.value)
    with pytest.raises(OSError, match="symbolic links"):
        loader.load(f"dicomfile:{folder}/loop")
    with pytest.raises(FileNotFoundError):
        loader.load(f"dicomfile:{folder}/none.dcm")
    with pytest.raises(IsADirectoryError):
        loader.load(f"dicomfile:{folder}")
    assert len(store) == 0


def test_links_inside_of_the_folders(make, folder, store):
    (folder / "link.dcm").symlink_to(folder / "a.dcm")
    (folder.parent / "alias").symlink_to(folder)
    loader = make(folders=[folder.parent / "alias"])
    ids = [f"dicomfile:{folder}/link.dcm", f"dicomfile:{folder}/a.dcm", f"dicomfile:{folder.parent}/alias/a.dcm"]
    loaded = [loader.load(image_id) for image_id in ids]
    assert loaded == [loaded[0]] * 3
    assert {store.instance_by_image_id(image_id) for image_id in ids} == {loaded[0]}
    assert len(store) == 1
    assert len(loaded[0].PixelData.read()) == 32768


def test_a_relative_folder_is_that_of_now(make, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    loader = make(folders="given")
    monkeypatch.chdir("/")
    assert loader.load(f"dicomfile:{folder}/a.dcm").Rows == 128
    monkeypatch.chdir(folder)
    with pytest.raises(DataSourceError, match="no absolute path"):
        loader.load("dicomfile:sub/b 100%25.dcm")


def test_what_is_no_file(make, folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        make(folders=folder).load(f"dicomfile:{folder}/pipe")


# ---- many ----


def test_many(make, file_server):
    names = [name for name in file_server.files if name.endswith(".dcm")]
    ids = [f"wadouri:{file_server.url(name)}" for name in names]
    loaded = dict(make().load_many(iter(ids + ids)))
    assert set(loaded) == set(ids)
    for image_id, name in zip(ids, names, strict=True):
        assert loaded[image_id].SOPInstanceUID == metalith.read(file_server.files[name]).SOPInstanceUID
    assert count(file_server) <= len(ids) + 4, "one or two requests each"
    assert list(make().load_many([])) == []


def test_many_are_begun_in_their_order(make, file_server):
    ids = [f"wadouri:{file_server.url('CT_small.dcm')}?{number}" for number in range(20)]
    loader = make(configuration={"workers": 1})
    assert [image_id for image_id, _ in loader.load_many(ids)] == ids
    assert [request.target[-len(one[-5:]) :] for request, one in zip(file_server.requests, ids, strict=True)] == [
        one[-5:] for one in ids
    ]


def test_several_at_a_time_and_no_more(make, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(0.05))
    ids = [f"wadouri:{proxy.origin}/CT_small.dcm?{number}" for number in range(24)]
    began = time.monotonic()
    assert len(list(make(configuration={"workers": 8}).load_many(ids))) == 24
    assert time.monotonic() - began < 24 * 0.05
    assert 2 <= proxy.most_in_flight <= 8


def test_who_leaves_the_loop_does_not_want_the_rest(make, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(10), skip=1)
    cancel = Cancel()
    ids = [f"wadouri:{proxy.origin}/CT_small.dcm?{number}" for number in range(100)]
    began = time.monotonic()
    for _ in make(configuration={"workers": 2}).load_many(ids, cancel=cancel):
        break
    assert time.monotonic() - began < 3
    assert count(proxy) <= 5
    assert not cancel.cancelled, "it is the caller's, and may be over more than this"


def test_errors_among_many(make, file_server):
    file_server.files["bad"] = b"no DICOM" * 1000
    names = ["CT_small.dcm", "bad", "missing", "MR_small.dcm"]
    ids = [*(f"wadouri:{file_server.url(name)}" for name in names), "wadors:x", "dicomfile:/a"]
    errors: dict[str, Exception] = {}
    loaded = dict(make().load_many(ids, on_error=errors.__setitem__))
    assert set(loaded) == {ids[0], ids[3]}
    assert {ids.index(one): type(error) for one, error in errors.items()} == {
        1: NotDicomError,
        2: DataSourceError,
        4: ImageIdError,
        5: DataSourceError,
    }
    with pytest.raises((DataSourceError, ImageIdError, NotDicomError)):
        list(make().load_many(ids))
    with pytest.raises(ZeroDivisionError):
        list(make().load_many(ids, on_error=lambda *_: 1 // 0))


def test_many_are_called_off(make, file_server, fault_proxy):
    proxy = fault_proxy(file_server.origin)
    proxy.add(faults.delay(10))
    cancel = Cancel()
    threading.Timer(0.2, cancel.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        list(make().load_many([f"{proxy.origin}/CT_small.dcm?{n}" for n in range(50)], cancel=cancel))
    assert time.monotonic() - began < 3


# ---- series ----


class Slides(metalith.DataSource):
    """Series of ten instances; counts how often each is asked for."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self.asked: list[tuple[str, ...]] = []

    def series_metadata(self, study_instance_uid, filters):
        self.asked.append((study_instance_uid, *filters.uids))
        time.sleep(0.1)
        if study_instance_uid == "0":
            raise RuntimeError("Doe^John")
        for uid in filters.uids:
            for number in range(10):
                yield {"SeriesInstanceUID": uid, "SOPInstanceUID": f"{uid}.{number}", "Rows": 4}


def wadors(study: str, series: str, instance: str, frame: int = 1) -> str:
    return f"wadors:https://h/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frame}"


def test_the_series_of_an_image_is_loaded_once(make, store, metadata):
    with Slides(metadata_store=store) as source:
        store.provide(metadata)
        make(source=source).provide(metadata)
        ids = [wadors("1", f"1.{series}", f"1.{series}.{one}") for series in (2, 3) for one in range(10)]
        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(lambda image_id: metadata.get("Rows", image_id), ids)) == [4] * 20
        assert sorted(source.asked) == [("1", "1.2"), ("1", "1.3")]
        assert [metadata.get("Rows", image_id) for image_id in ids] == [4] * 20
        assert len(source.asked) == 2


def test_a_series_that_has_no_such_instance(make, store):
    with Slides(metadata_store=store) as source:
        loader = make(source=source)
        with pytest.raises(DataSourceError, match="no such instance"):
            loader.load(wadors("1", "1.2", "1.2.99"))
        with pytest.raises(RuntimeError):
            loader.load(wadors("0", "1.4", "1.4.1"))
        cancel = Cancel()
        with pytest.raises(RuntimeError):
            loader.load(wadors("0", "1.4", "1.4.1"), cancel=cancel)
        assert not cancel.cancelled


def test_a_source_of_another_store(make):
    with Slides() as source, pytest.raises(ConfigurationError, match="source"):
        make(source=source)


def test_a_source_of_local_files(make, store, folder):
    with metalith.data_source("dicomlocal", {"paths": [str(folder)]}, metadata_store=store) as source:
        ct = metalith.read(CT)
        image_id = wadors(ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID)
        assert make(source=source).load(image_id).Modality == "CT"


def test_a_dicomweb_source(make, store, metadata, orthanc_server, fault_proxy):
    proxy = fault_proxy(orthanc_server.origin)
    series = {one.series for one in orthanc_server.loaded}
    with metalith.data_source(
        "dicomweb", {"wado_root": proxy.url(orthanc_server.root)}, metadata_store=store
    ) as source:
        store.provide(metadata)
        make(source=source).provide(metadata)
        ids = [
            source.get_image_ids_for_instance(
                {"StudyInstanceUID": one.study, "SeriesInstanceUID": one.series, "SOPInstanceUID": one.instance}
            )
            for one in orthanc_server.loaded
        ]
        assert [metadata.get("SOPInstanceUID", image_id) for image_id in ids] == [
            one.instance for one in orthanc_server.loaded
        ]
        assert len([one for one in proxy.requests if one.path.endswith("/metadata")]) == len(series)
        assert len(store) == len(ids)


# ---- WADO-URI ----


def test_wado_uri_of_orthanc(make, store, metadata, orthanc_server, fault_proxy):
    proxy = fault_proxy(orthanc_server.origin)
    store.provide(metadata)
    make(origins=[proxy.origin]).provide(metadata)
    root = proxy.url(orthanc_server.wado_uri_root)
    for one in orthanc_server.loaded:
        image_id = wadouri_id(root, one.study, one.series, one.instance)
        assert metadata.require("instance", image_id) == metalith.read(one.path.read_bytes(), bulk_above=KEPT)
        assert metadata.get("SOPClassUID", image_id) == metalith.read(one.path).SOPClassUID
    assert count(proxy) == len(orthanc_server.loaded)
    assert metadata.get("SOPInstanceUID", f"{image_id}&frame=1") == orthanc_server.loaded[-1].instance
    missing = wadouri_id(root, "1", "1.2", "1.2.3")
    with pytest.raises(DataSourceError, match="/wado → 404"):
        metadata.get(PLANE, missing)


# ---- itself ----


def test_closed_and_used_again(make, file_server):
    loader = make()
    image_ids = [f"wadouri:{file_server.url(name)}" for name in ("CT_small.dcm", "MR_small.dcm")]
    with loader:
        loader.load(image_ids[0])
    loader.close()
    assert loader.load(image_ids[1]).Modality == "MR"


def test_its_repr_shows_nothing(make, file_server):
    loader = make(origins=["https://user:secret@h"], configuration={"timeout": 3})
    assert "secret" not in repr(loader)


def test_user_and_password_of_an_origin(make, file_server):
    origin = file_server.origin.replace("//", "//user:pass@")
    make(origins=[origin]).load(f"wadouri:{file_server.url('CT_small.dcm')}")
    assert file_server.requests[0].headers["authorization"].startswith("Basic ")


def test_a_subscriber_may_ask_for_what_has_just_come(make, store, metadata, file_server):
    image_id = f"wadouri:{file_server.url('CT_small.dcm')}"
    answers: list[object] = []
    store.provide(metadata)
    make().provide(metadata)
    store.subscribe(store.INSTANCES_ADDED, lambda event: answers.append(metadata.get("Rows", image_id)))
    assert metadata.get("Rows", image_id) == 128
    assert answers == [128]


def test_one_id_is_not_taken_for_many(make, file_server):
    with pytest.raises(TypeError, match="a list, not a str"):
        next(make().load_many(f"wadouri:{file_server.origin}/CT_small.dcm"))


def test_a_store_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match="store: must be a MetadataStore, not a dict"):
        metalith.ImageLoader({})
