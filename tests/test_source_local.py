"""The `dicomlocal` source: files into a store when they are wanted, searches, image ids, and what becomes of files."""

from __future__ import annotations

import io
import os
import random
import shutil
import sys
import threading
from pathlib import Path

import pytest
from models.store_checks import check, contents, file
from pydicom.data.data_manager import DATA_ROOT
from servers.archive import selection

import metalith
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, NotSupportedBySource, ParseError, StoreError
from metalith.frames import FrameError
from metalith.sources import data_source
from metalith.sources._cancel import Cancel
from metalith.sources.local import Changes, DicomLocalSource
from metalith.store import MetadataStore
from metalith.store.events import EVENTS

FILES = Path(DATA_ROOT) / "test_files"
CT = FILES / "CT_small.dcm"


def local(paths=(), **options) -> DicomLocalSource:
    store = options.pop("metadata_store", None)
    return data_source("dicomlocal", {"paths": paths, **options}, metadata_store=store)


def put(folder: Path, name: str, sop: str, series: str = "1.2", study: str = "1", **more) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file(sop, series, study, **more))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two studies: one of two series with three instances, one of a single instance."""
    root = tmp_path / "archive"
    put(root, "a/1.dcm", "1.2.1", InstanceNumber=1, PatientName="DOE^JANE")
    put(root, "a/2.dcm", "1.2.2", InstanceNumber=2, PatientName="DOE^JANE")
    put(root, "b/3.dcm", "1.3.1", "1.3", PatientName="DOE^JANE", SeriesNumber=2)
    put(root, "c/4.dcm", "2.2.1", "2.2", "2", PatientName="ROE^RICHARD")
    return root


def uids(source: DicomLocalSource) -> dict:
    check(source.metadata_store)
    return contents(source.metadata_store)


class TestReading:
    def test_nothing_is_read_before_it_is_asked_for(self, tmp_path):
        later = tmp_path / "later"
        source = local(later)
        assert len(source.metadata_store) == 0
        put(later, "1.dcm", "1.2.1")
        assert [row.study_instance_uid for row in source.query.studies.search()] == ["1"]
        assert source.failures == []

    @pytest.mark.parametrize(
        "ask",
        [
            lambda source: source.query.studies.search(),
            lambda source: source.query.series.search("1"),
            lambda source: source.query.instances.search("1", "1.2"),
            lambda source: source.retrieve.series.metadata("1").wait(),
            lambda source: source.retrieve.instances.metadata("1", "1.2", "1.2.1"),
            lambda source: source.get_study_instance_uids(query="StudyInstanceUIDs=1"),
            lambda source: source.read(),
        ],
    )
    def test_whoever_asks_first_has_it_read(self, folder, ask):
        source = local(folder)
        assert ask(source)
        assert len(uids(source)) == 4

    def test_folders_files_and_indexes(self, tmp_path, folder):
        disc = FILES / "dicomdirtests" / "DICOMDIR"
        source = local([folder / "a", folder / "c" / "4.dcm", disc])
        changes = source.read()
        assert changes == Changes(added=3 + 31)
        assert {"1.2.1", "1.2.2", "2.2.1"} < uids(source).keys()

    def test_all_of_pydicoms_files(self):
        source = local(FILES)
        changes = source.read()
        store = source.metadata_store
        for table in metalith.scan(FILES):
            for instance in table:
                known = store.instance(instance.get("SOPInstanceUID") or "")
                if known is not None and known.path == instance.path:
                    assert known == instance
                    changes.added -= 1
        assert changes.added == 0
        assert changes.duplicates == len(source.duplicates) > 20
        assert changes.failed == len(source.failures) > 5
        assert sum(row.instances for row in source.query.studies.search()) == len(store)

    def test_a_folder_of_tables_is_not_copied(self, folder):
        source = local(FILES / "dicomdirtests" / "98892003")
        source.read()
        assert all(len(series.tables) == 1 for study in source.metadata_store for series in study.series)

    def test_progress_is_told(self, folder):
        told = []
        local(folder).read(progress=lambda scan: told.append((scan.files, scan.instances)))
        assert told[-1] == (4, 4)

    def test_cancelled_reading_goes_on_later(self, folder):
        source, cancel = local(folder), Cancel()
        cancel.cancel()
        with pytest.raises(Cancelled):
            source.read(cancel=cancel)
        assert source.read() == Changes(added=4)

    def test_cancelled_in_the_middle(self, folder):
        source, cancel = local(folder), Cancel()
        source.metadata_store.subscribe(MetadataStore.INSTANCES_ADDED, lambda event: cancel.cancel())
        with pytest.raises(Cancelled):
            source.read(cancel=cancel)
        assert 0 < len(source.metadata_store) < 4
        changes = source.read()
        assert (changes.added + changes.unchanged, len(uids(source))) == (4, 4)

    def test_who_waits_can_be_cancelled(self, folder):
        source, cancel, outcome = local(folder), Cancel(), []

        def waiting():
            try:
                source.read(cancel=cancel)
            except Cancelled:
                outcome.append("cancelled")

        def while_reading(scan):
            thread = threading.Thread(target=waiting)
            thread.start()
            cancel.cancel()
            thread.join(5)

        source.read(progress=while_reading)
        assert outcome[:1] == ["cancelled"]
        assert len(source.metadata_store) == 4

    def test_many_ask_at_once(self, folder):
        source, events, failed = local(folder), [], []
        source.metadata_store.subscribe(MetadataStore.INSTANCES_ADDED, events.append)

        def ask():
            try:
                assert len(source.query.instances.search()) == 4
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert failed == []
        assert sum(event.count for event in events) == 4

    def test_one_reads_and_others_wait(self, folder):
        source, go, reading, found = local(folder), threading.Event(), threading.Event(), []

        def on_added(event):
            reading.set()
            assert go.wait(10)

        source.metadata_store.subscribe(MetadataStore.INSTANCES_ADDED, on_added)
        first = threading.Thread(target=source.read)
        first.start()
        assert reading.wait(5)
        others = [threading.Thread(target=lambda: found.append(source.read())) for _ in range(3)]
        for thread in others:
            thread.start()
        others[0].join(0.3)
        assert found == []
        go.set()
        for thread in (first, *others):
            thread.join(10)
        assert found == [Changes()] * 3

    def test_a_subscriber_may_ask_the_source(self, folder):
        source, seen = local(folder), []
        source.metadata_store.subscribe(
            MetadataStore.INSTANCES_ADDED, lambda event: seen.append(len(source.query.instances.search()))
        )
        source.read()
        assert len(seen) == 3
        assert seen[-1] == 4

    def test_what_cannot_be_read_is_told_and_stops_nobody(self, folder):
        (folder / "a" / "cut.dcm").write_bytes(CT.read_bytes()[:1000])
        (folder / "a" / "notes.txt").write_text("no DICOM")
        (folder / "a" / "no-uid.dcm").write_bytes((FILES / "no_meta_group_length.dcm").read_bytes())
        source = local([folder, folder / "missing"])
        assert len(source.query.instances.search()) == 4
        failed = {Path(failure.path).name: failure for failure in source.failures}
        assert failed.keys() == {"cut.dcm", "no-uid.dcm", "missing"}
        assert isinstance(failed["cut.dcm"].error, ParseError)
        assert "SOPInstanceUID" in failed["no-uid.dcm"].reason

    def test_the_same_file_twice_is_one(self, folder):
        one = folder / "a" / "1.dcm"
        source = local([one, str(one), folder / "a" / ".." / "a" / "1.dcm", folder / "a"])
        source.read()
        assert uids(source).keys() == {"1.2.1", "1.2.2"}
        assert source.duplicates == []

    @pytest.mark.skipif(sys.platform == "win32", reason="names are not bytes there")
    def test_names_that_are_no_text(self, tmp_path):
        path = os.fsencode(tmp_path) + b"/\xff %?#.dcm"
        with open(path, "wb") as made:
            made.write(file("1.2.1"))
        source = local(tmp_path)
        [row] = source.query.instances.search()
        image_id = source.get_image_ids_for_instance(row.attributes)
        assert source.metadata_store.instance_by_image_id(image_id) == row.attributes
        assert len(source.retrieve.frames(row.attributes) if "Rows" in row.attributes else b"1") == 1
        assert source.rescan() == Changes(unchanged=1)


class TestDuplicates:
    def test_the_first_one_stays(self, tmp_path):
        put(tmp_path, "1.dcm", "1.2.1", InstanceNumber=1)
        second = put(tmp_path, "2.dcm", "1.2.1", InstanceNumber=2)
        third = put(tmp_path, "3.dcm", "1.2.1", "1.9", InstanceNumber=3)
        source = local(tmp_path)
        changes = source.read()
        assert uids(source) == {"1.2.1": ("1", "1.2")}
        assert source.metadata_store.instance("1.2.1").InstanceNumber == 1
        assert source.duplicates == [str(second), str(third)]
        assert (changes.added, changes.duplicates) == (1, 2)

    def test_the_next_one_takes_its_place(self, tmp_path):
        first = put(tmp_path, "1.dcm", "1.2.1", InstanceNumber=1)
        put(tmp_path, "2.dcm", "1.2.1", "1.9", InstanceNumber=2)
        source = local(tmp_path)
        source.read()
        first.unlink()
        source.rescan()
        assert uids(source) == {"1.2.1": ("1", "1.9")}
        assert source.metadata_store.study("1").series == [source.metadata_store.series("1.9")]
        assert source.duplicates == []

    @pytest.mark.parametrize("names", [("1.dcm", "2.dcm"), ("2.dcm", "1.dcm")])
    def test_also_where_the_first_one_is_another_instance_now(self, tmp_path, names):
        first = put(tmp_path, names[0], "1.2.1")
        source = local(tmp_path)
        source.read()
        put(tmp_path, names[1], "1.2.1", "1.9")
        assert source.rescan().duplicates == 1
        first.write_bytes(file("1.2.7"))
        source.rescan()
        assert uids(source) == {"1.2.7": ("1", "1.2"), "1.2.1": ("1", "1.9")}


class TestRescan:
    def test_nothing_is_told_where_nothing_has_changed(self, folder):
        source, events = local(folder), []
        source.read()
        for event in EVENTS:
            source.metadata_store.subscribe(event, events.append)
        assert source.rescan() == Changes(unchanged=4)
        assert events == []

    def test_new_changed_and_gone(self, folder):
        source = local(folder)
        source.read()
        put(folder, "a/new.dcm", "1.2.3")
        put(folder, "a/1.dcm", "1.2.1", InstanceNumber=11)
        (folder / "a" / "2.dcm").unlink()
        shutil.rmtree(folder / "c")
        changes = source.rescan()
        assert changes == Changes(added=1, changed=1, unchanged=1, removed=2)
        assert uids(source).keys() == {"1.2.1", "1.2.3", "1.3.1"}
        assert source.metadata_store.study("2") is None
        assert source.metadata_store.instance("1.2.1").InstanceNumber == 11
        assert source.rescan() == Changes(unchanged=3)

    def test_moved_files(self, folder):
        source = local(folder)
        source.read()
        (folder / "a" / "1.dcm").rename(folder / "z.dcm")
        source.rescan()
        assert len(uids(source)) == 4
        assert source.metadata_store.instance("1.2.1").path == str(folder / "z.dcm")

    def test_a_file_goes_into_another_series(self, folder):
        source = local(folder)
        source.read()
        put(folder, "a/1.dcm", "1.2.1", "1.3")
        source.rescan()
        assert uids(source)["1.2.1"] == ("1", "1.3")
        put(folder, "a/1.dcm", "1.2.9", "1.3")
        source.rescan()
        assert uids(source).keys() == {"1.2.9", "1.2.2", "1.3.1", "2.2.1"}

    def test_damaged_now(self, folder):
        source = local(folder)
        source.read()
        (folder / "a" / "1.dcm").write_bytes(b"garbage" * 100)
        (folder / "a" / "2.dcm").write_bytes(file("1.2.2")[:300])
        changes = source.rescan()
        assert (changes.removed, changes.failed) == (2, 1)
        assert uids(source).keys() == {"1.3.1", "2.2.1"}

    @pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
    def test_what_cannot_be_listed_is_not_gone(self, folder):
        way = folder.parent / "way"
        way.symlink_to(folder)
        source = local(way)
        source.read()
        way.unlink()
        way.symlink_to(way)  # in circles
        changes = source.rescan()
        assert (changes.removed, changes.failed) == (0, 1)
        assert len(uids(source)) == 4
        way.unlink()
        assert source.rescan().removed == 4
        assert uids(source) == {}

    def test_what_others_have_put_into_the_store_stays(self, folder):
        store = MetadataStore()
        store.add_instances({"StudyInstanceUID": "7", "SeriesInstanceUID": "7.1", "SOPInstanceUID": "7.1.1"})
        source = local(folder, metadata_store=store)
        source.read()
        shutil.rmtree(folder / "a")
        source.rescan()
        assert uids(source).keys() == {"7.1.1", "1.3.1", "2.2.1"}
        assert [row.study_instance_uid for row in source.query.studies.search()] == ["7", "1", "2"]

    def test_refresh_and_forgetting_read_again(self, folder):
        source = local(folder)
        assert len(source.retrieve.series.metadata("1").wait()) == 2
        put(folder, "a/new.dcm", "1.4.1", "1.4")
        assert len(source.retrieve.series.metadata("1").wait()) == 2
        assert len(source.retrieve.series.metadata("1", refresh=True).wait()) == 3
        put(folder, "a/newer.dcm", "1.5.1", "1.5")
        source.delete_study_metadata("1")
        assert len(source.retrieve.series.metadata("1").wait()) == 4


class TestSearching:
    def test_levels(self, folder):
        source = local(folder)
        studies = source.query.studies.search()
        assert [(row.study_instance_uid, row.instances, row.modalities) for row in studies] == [
            ("1", 3, ("MR",)),
            ("2", 1, ("MR",)),
        ]
        assert [row.series_instance_uid for row in source.query.series.search("1")] == ["1.2", "1.3"]
        assert len(source.query.series.search()) == 3
        found = source.query.instances.search("1", "1.2")
        assert [(row.sop_instance_uid, row.instance_number) for row in found] == [("1.2.1", 1), ("1.2.2", 2)]
        assert len(source.query.instances.search("1")) == 3

    @pytest.mark.parametrize(
        ("asked", "studies"),
        [
            ({"patient_name": "doe^jane"}, ["1"]),
            ({"patient_name": "*o*"}, ["1", "2"]),
            ({"patient_name": "DOE"}, []),
            ({"patient_name": "jane", "fuzzy_matching": True}, ["1"]),
            ({"PatientName": "R*"}, ["2"]),
            ({"study_instance_uid": ["2", "3"]}, ["2"]),
            ({"limit": 1}, ["1"]),
            ({"limit": 1, "offset": 1}, ["2"]),
            ({"offset": 5}, []),
            ({"limit": 0}, []),
            ({"modalities_in_study": ["CT", "MR"]}, ["1", "2"]),
            ({"modalities_in_study": "CT"}, []),
        ],
    )
    def test_matching(self, folder, asked, studies):
        assert [row.study_instance_uid for row in local(folder).query.studies.search(**asked)] == studies

    def test_unknown_parameters(self, folder):
        source = local(folder)
        with pytest.raises(ConfigurationError, match="patient_name"):
            source.query.studies.search(patient_nmae="DOE")
        assert len(source.metadata_store) == 0, "nothing is read for what cannot be asked"

    def test_studies_and_series_without_instances(self, folder):
        store = MetadataStore()
        store.add_study({"StudyInstanceUID": "8"})
        store.add_series_metadata({"StudyInstanceUID": "9", "SeriesInstanceUID": "9.1", "Modality": "SR"})
        source = local(folder, metadata_store=store)
        rows = {row.study_instance_uid: row for row in source.query.studies.search()}
        assert None not in rows
        assert rows.keys() >= {"1", "2", "9"}
        assert (rows["9"].instances, rows["9"].modalities) == (0, ("SR",))
        assert source.retrieve.series.metadata("8").wait() == []

    def test_evicted_series_are_found(self, folder):
        store = MetadataStore(max_bytes=1)
        source = local(folder, metadata_store=store)
        source.read()
        assert store.summary()["evicted_series"] >= 2
        rows = source.query.studies.search(patient_name="DOE^JANE")
        assert [(row.study_instance_uid, row.instances) for row in rows] == [("1", 3)]
        assert [row.sop_instance_uid for row in source.query.instances.search("1", "1.2")] == ["1.2.1", "1.2.2"]
        loading = source.retrieve.series.metadata("1")
        assert sorted(series.series_instance_uid for series in loading) == ["1.2", "1.3"]
        assert loading.failures == []
        assert source.retrieve.instances.metadata("1", "1.2", "1.2.2").InstanceNumber == 2
        assert source.rescan() == Changes(unchanged=4)


class TestLoading:
    def test_series_of_a_study(self, folder):
        source = local(folder)
        loading = source.retrieve.series.metadata("1")
        assert len(source.metadata_store) == 0
        assert [len(series) for series in loading] == [2, 1]
        again = source.retrieve.series.metadata("1")
        assert [job.series_instance_uid for job in again.jobs] == ["1.2", "1.3"]
        assert [series.series_instance_uid for series in again.wait()] == ["1.2", "1.3"]
        assert (again.progress.series, again.progress.loaded, again.progress.instances) == (2, 2, 3)

    @pytest.mark.parametrize("read_before", [False, True])
    @pytest.mark.parametrize(
        ("filters", "series"),
        [
            ({"series_instance_uid": "1.3"}, ["1.3"]),
            ({"SeriesInstanceUIDs": ["1.2", "9"]}, ["1.2"]),
            ({"series_number": 2}, ["1.3"]),
            ({"modality": "CT"}, []),
        ],
    )
    def test_filters(self, folder, read_before, filters, series):
        source = local(folder)
        if read_before:
            source.read()
        loading = source.retrieve.series.metadata("1", filters=filters)
        assert [one.series_instance_uid for one in loading] == series

    def test_each_comes_while_others_are_still_read(self, folder):
        source, seen, added = local(folder), threading.Event(), []

        def on_added(event):
            added.append(event.series_instance_uid)
            assert len(added) < 2 or seen.wait(10)

        source.metadata_store.subscribe(MetadataStore.INSTANCES_ADDED, on_added)
        series = iter(source.retrieve.series.metadata("1"))
        assert next(series).series_instance_uid == "1.2"
        assert len(added) < 3
        seen.set()
        assert [one.series_instance_uid for one in series] == ["1.3"]

    def test_order(self, folder):
        source = local(folder)
        source.read()
        loading = source.retrieve.series.metadata("1", sort=lambda summaries: summaries[::-1])
        assert [job.series_instance_uid for job in loading.jobs] == ["1.3", "1.2"]

    def test_unknown_studies(self, folder):
        assert local(folder).retrieve.series.metadata("404").wait() == []

    def test_cancelling(self, folder):
        source, cancel = local(folder), Cancel()
        loading = source.retrieve.series.metadata("1", cancel=cancel)
        cancel.cancel()
        with pytest.raises(Cancelled):
            loading.wait()
        assert len(source.retrieve.series.metadata("1").wait()) == 2

    def test_instances_that_are_not_here(self, folder):
        source = local(folder)
        with pytest.raises(DataSourceError):
            source.retrieve.instances.metadata("1", "1.2", "404")
        with pytest.raises(DataSourceError):
            source.retrieve.instances.metadata("2", "1.2", "1.2.1")

    def test_made_in_client(self, folder):
        source, events = local(folder), []
        source.metadata_store.subscribe(MetadataStore.INSTANCES_ADDED, events.append)
        source.retrieve.series.metadata("1", made_in_client=True).wait()
        assert all(event.made_in_client for event in events)


class TestBytes:
    def test_numbers_as_a_file_manager_gives_them(self):
        source = local()
        one, other = source.add([file("1.2.1"), io.BytesIO(file("1.2.2", "1.3"))])
        assert one.startswith("dicomfile:")
        assert int(other.removeprefix("dicomfile:")) == int(one.removeprefix("dicomfile:")) + 1
        assert source.metadata_store.instance_by_image_id(other).SOPInstanceUID == "1.2.2"
        assert source.get_image_ids_for_instance(source.metadata_store.instance("1.2.1")) == one
        assert len(source.query.series.search("1")) == 2

    def test_headers_only(self):
        class Counting(io.BytesIO):
            count = 0

            def read(self, size=-1):
                data = super().read(size)
                self.count += len(data)
                return data

        large = Counting(CT.read_bytes() + bytes(10_000_000))
        source = local()
        [image_id] = source.add(large)
        assert large.count < 200_000
        instance = source.metadata_store.instance_by_image_id(image_id)
        assert source.retrieve.frames(instance) == [CT.read_bytes()[6300 : 6300 + 32768]]
        assert large.tell() == 0

    def test_a_file_from_where_it_stands(self):
        opened = io.BytesIO(b"front matter" + CT.read_bytes())
        opened.seek(12)
        source = local()
        [image_id] = source.add(opened)
        instance = source.metadata_store.instance_by_image_id(image_id)
        assert source.retrieve.frames(instance)[0] == CT.read_bytes()[6300 : 6300 + 32768]
        assert list(source.reload_series(instance.StudyInstanceUID, instance.SeriesInstanceUID)) == [instance]
        assert opened.tell() == 12

    def test_a_stream_that_cannot_go_back(self):
        class Stream(io.RawIOBase):
            rest = CT.read_bytes()

            def readable(self):
                return True

            def readinto(self, buffer):
                piece, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
                buffer[: len(piece)] = piece
                return len(piece)

        source = local()
        [image_id] = source.add(Stream())
        assert len(source.retrieve.frames(source.metadata_store.instance_by_image_id(image_id))[0]) == 32768

    def test_all_or_nothing(self, folder):
        source = local()
        with pytest.raises(ParseError):
            source.add([file("1.2.1"), b"no DICOM at all" * 100, folder])
        with pytest.raises(StoreError, match="it has no"):
            source.add([file("1.2.1"), (FILES / "no_meta_group_length.dcm").read_bytes()])
        assert source.query.studies.search() == []

    def test_with_paths(self, folder):
        source = local()
        assert len(source.add([file("7.1.1", "7.1", "7"), folder])) == 1
        assert len(source.query.instances.search()) == 5

    def test_bulk_data_needs_to_know_whose(self):
        source = local()
        [image_id] = source.add(CT.read_bytes())
        instance = source.metadata_store.instance_by_image_id(image_id)
        value = source.retrieve.bulk_data(instance.PixelData, instance=instance)
        assert value == CT.read_bytes()[6300 : 6300 + 32768]
        with pytest.raises(metalith.BulkDataError):
            source.retrieve.bulk_data(instance.PixelData)

    def test_they_are_loaded_again(self):
        store = MetadataStore(max_bytes=1)
        source = local(metadata_store=store)
        source.add(file("1.2.1", InstanceNumber=4))
        source.add(file("1.3.1", "1.3"))
        assert store.series("1.2").is_evicted
        assert store.series("1.2").load().instances[0].InstanceNumber == 4
        assert source.rescan() == Changes()
        assert len(source.query.instances.search()) == 2


class TestImages:
    def test_ids(self, folder):
        source = local([folder, FILES / "examples_ybr_color.dcm"])
        source.read()
        store = source.metadata_store
        single = store.instance("1.2.1")
        assert source.get_image_ids_for_instance(single) == f"dicomfile:{folder}/a/1.dcm"
        assert source.get_image_ids_for_instance(single, 1) == f"dicomfile:{folder}/a/1.dcm"
        with pytest.raises(FrameError):
            source.get_image_ids_for_instance(single, 2)
        many = store.instance_by_image_id(f"dicomfile:{FILES}/examples_ybr_color.dcm")
        ids = source.get_image_ids_for_display_set([single, many])
        assert len(ids) == 31
        assert [image_id.rpartition("?")[2] for image_id in (ids[1], ids[30])] == ["frame=1", "frame=30"]
        assert all(store.instance_by_image_id(image_id) in (single, many) for image_id in ids)
        for frame in (0, 31, -1):
            with pytest.raises(FrameError):
                source.get_image_ids_for_instance(many, frame)
        assert source.get_image_ids_for_instance(many) == f"dicomfile:{FILES}/examples_ybr_color.dcm"

    def test_a_mapping_with_uids_will_do(self, folder):
        source = local(folder)
        source.read()
        wanted = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.1"}
        assert source.get_image_ids_for_instance(wanted) == f"dicomfile:{folder}/a/1.dcm"
        assert source.retrieve.direct_url(wanted) == (folder / "a" / "1.dcm").as_uri()

    def test_what_others_have_loaded(self):
        source = local()
        source.metadata_store.add_instances(
            {"StudyInstanceUID": "7", "SeriesInstanceUID": "7.1", "SOPInstanceUID": "7.1.1"}
        )
        instance = source.metadata_store.instance("7.1.1")
        image_id = source.get_image_ids_for_instance(instance)
        assert source.metadata_store.instance_by_image_id(image_id) == instance
        assert source.retrieve.direct_url(instance) is None

    def test_providers_answer(self):
        source = local(selection())
        metadata = metalith.MetadataProviders()
        source.provide(metadata)
        [row] = source.query.instances.search(SOPClassUID="1.2.840.10008.5.1.4.1.1.2", limit=1, modality="CT")
        image_id = source.get_image_ids_for_instance(row.attributes)
        assert metadata.get("imagePlaneModule", image_id).rows == row.rows
        assert metadata.get("instance", image_id) == row.attributes

    def test_studies_of_a_route(self, folder):
        source = local(folder)
        assert source.get_study_instance_uids(query="studyinstanceuids=2,404,1,2") == ["2", "1"]
        assert source.get_study_instance_uids(query="StudyInstanceUIDs=404") == []
        assert local(folder).get_study_instance_uids() == []


class TestConfiguration:
    @pytest.mark.parametrize("paths", ["", ["a", ""], "a\0b", 7, [7]])
    def test_impossible_paths(self, paths):
        with pytest.raises(ConfigurationError, match="paths"):
            local(paths)

    @pytest.mark.parametrize("path", ["", "a\0b", 7, ["a"]])
    def test_impossible_store_paths(self, path):
        with pytest.raises(ConfigurationError, match=r"store_path|storePath"):
            local(storePath=path)

    def test_what_it_has_not(self):
        source = local()
        assert not source.supports("reject.series")
        assert source.supports("store.dicom")
        with pytest.raises(NotSupportedBySource, match=r"reject\.series"):
            source.reject.series("1", "1.2")
        with pytest.raises(NotSupportedBySource):
            source.retrieve.rendered({})

    def test_nothing_of_patients_is_shown(self, folder):
        source = local(folder)
        rows = source.query.studies.search()
        assert "DOE" not in f"{source!r} {rows!r} {source.retrieve.series.metadata('1').wait()!r}"


class TestHistories:
    """Whatever happens to the files: after a rescan the store has what is in them."""

    @pytest.mark.parametrize("budget", [None, 1])
    @pytest.mark.parametrize("seed", range(8))
    def test_any(self, tmp_path, seed, budget):
        chance = random.Random(seed)
        root = tmp_path / "archive"
        put(root, "0.dcm", "1.2.0")
        source = local(root, metadata_store=MetadataStore(max_bytes=budget))
        for step in range(12):
            for _ in range(chance.randint(1, 4)):
                self.change(root, chance, step, budget is None)
            (source.rescan if step % 3 else source.read)()
            if step % 3 == 0:
                source.rescan()
            self.compare(source, root)
        assert source.rescan().added == 0

    def change(self, root, chance, step, twins):
        name = f"{chance.randrange(3)}/{chance.randrange(4)}.dcm"
        present = sorted(root.rglob("*.dcm"))
        what = chance.choice(["put", "put", "put", "remove", "damage", "folder", *(["move", "copy"] if twins else [])])
        if what == "put":
            study = str(chance.randint(1, 2))
            own = f"{int(name[0]) + 1}{name[2]}.{chance.randrange(2)}"  # no other file has it
            put(
                root,
                name,
                f"{study}.{chance.randrange(6) if twins else own}",
                f"{study}.{chance.randrange(3)}.0",
                study,
                InstanceNumber=step,
            )
        elif what == "folder":
            shutil.rmtree(root / str(chance.randrange(3)), ignore_errors=True)
        elif present:
            path = chance.choice(present)
            (root / name).parent.mkdir(exist_ok=True)
            if what == "remove":
                path.unlink()
            elif what == "move":
                path.replace(root / name)
            elif what == "damage":
                path.write_bytes(path.read_bytes()[:200])
            elif path != root / name:
                shutil.copy2(path, root / name)

    def compare(self, source, root):
        check(source.metadata_store)
        files: dict[str, list] = {}
        for table in metalith.scan(root):
            for instance in table:
                files.setdefault(instance.SOPInstanceUID, []).append(instance)
        rows = source.query.instances.search()
        assert sorted(row.sop_instance_uid for row in rows) == sorted(files)
        for row in rows:
            assert any(row.attributes == one and row.attributes.path == one.path for one in files[row.sop_instance_uid])
        series = {(row.study_instance_uid, row.series_instance_uid) for row in rows}
        assert {(row.study_instance_uid, row.series_instance_uid) for row in source.query.series.search()} == series
        assert {row.study_instance_uid for row in source.query.studies.search()} == {study for study, _ in series}
        assert sum(row.instances for row in source.query.studies.search()) == len(rows)


def test_paths_that_are_not_there_are_logged_without_their_names(tmp_path, caplog):
    source = metalith.data_source("dicomlocal", {"paths": [str(tmp_path / "DOE^JOHN")]})
    assert source.query.studies.search() == []
    assert "1 files or folders could not be read: FileNotFoundError" in caplog.text
    assert "DOE" not in caplog.text
    assert len(source.failures) == 1
