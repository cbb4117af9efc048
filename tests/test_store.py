"""The metadata store: what goes in, in every form, and how it is found again."""

from __future__ import annotations

import json

import pytest
from models.files import real_series
from models.store_checks import all_series, check, contents, dicom_json, file, natural, table

import metalith
from metalith.store import MetadataStore, Series, Study


@pytest.fixture
def store():
    made = MetadataStore()
    yield made
    check(made)


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "image.dcm"
    made.write_bytes(file("1.2.3", InstanceNumber=5))
    return made


class TestForms:
    """Every form that instances come in."""

    @pytest.mark.parametrize(
        "data",
        [
            table("1.2.3"),
            table("1.2.3")[0],
            natural("1.2.3"),
            dicom_json("1.2.3"),
            json.dumps(dicom_json("1.2.3")),
            json.dumps([dicom_json("1.2.3")]),
            json.dumps(dicom_json("1.2.3")).encode(),
            b"\xef\xbb\xbf \n" + json.dumps([dicom_json("1.2.3")]).encode(),
            bytearray(json.dumps(dicom_json("1.2.3")).encode()),
            memoryview(json.dumps(dicom_json("1.2.3")).encode()),
            file("1.2.3"),
            bytearray(file("1.2.3")),
            memoryview(file("1.2.3")),
            [natural("1.2.3")],
            (dicom_json("1.2.3"),),
            [table("1.2.3")],
            [[[table("1.2.3")[0]]]],
            [file("1.2.3")],
            [json.dumps(dicom_json("1.2.3"))],
        ],
        ids=lambda data: type(data).__name__,
    )
    def test_one(self, store, data):
        assert store.add_instances(data) == 1
        assert contents(store) == {"1.2.3": ("1", "1.2")}
        assert store.instance("1.2.3").Modality == "MR"

    def test_add_instance_is_the_same(self, store):
        assert store.add_instance(natural("1.2.3")) == 1
        assert len(store) == 1

    def test_a_path(self, store, path, tmp_path):
        body = tmp_path / "series.json"
        body.write_text(json.dumps([dicom_json("1.2.4"), dicom_json("1.2.5")]))
        assert store.add_instances([path, body]) == 3
        assert store.instance("1.2.3").path == str(path)
        assert store.instance("1.2.3").file_meta.MediaStorageSOPInstanceUID == "1.2.3"
        assert store.instance("1.2.4").path is None

    def test_a_mixture(self, store, path):
        mixed = [
            table("1.2.1", "1.2.2"),
            natural("1.2.4"),
            dicom_json("1.2.5"),
            natural("1.2.6"),
            *table("1.2.7", "1.2.8"),
            path,
            json.dumps([dicom_json("1.2.9")]).encode(),
            (one for one in [natural("1.2.10", series="1.3")]),
        ]
        assert store.add_instances(iter(mixed)) == 10
        order = [instance.SOPInstanceUID for instance in store.series("1.2")]
        assert order == [f"1.2.{i}" for i in (1, 2, 4, 5, 6, 7, 8, 3, 9)]

    def test_from_another_store(self, store):
        other = MetadataStore()
        other.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3")])
        assert store.add_instances(other.study("1")) == 3
        assert contents(store) == contents(other)

    def test_a_scan(self, store, tmp_path):
        for i in range(5):
            (tmp_path / f"{i}.dcm").write_bytes(file(f"1.2.{i}"))
        assert store.add_instances(metalith.scan(tmp_path)) == 5
        assert store.instance_by_image_id(f"dicomfile:{tmp_path}/3.dcm").SOPInstanceUID == "1.2.3"

    def test_a_table_of_one_series_is_kept_as_it_is(self, store):
        given = table("1.2.1", "1.2.2")
        store.add_instances(given)
        assert store.series("1.2").tables == (given,)
        assert store.series("1.2").tables[0] is given

    def test_a_table_of_several_series_is_cut_up(self, store):
        rows = [dicom_json(f"1.{i}.5", f"1.{i % 3}", str(i % 2)) for i in range(12)]
        assert store.add_instances(metalith.naturalize(rows)) == 12
        assert contents(store) == {f"1.{i}.5": (str(i % 2), f"1.{i % 3}") for i in range(12)}
        assert [len(one) for one in all_series(store)] == [2] * 6

    def test_part_of_a_table(self, store):
        assert store.add_instances(table("1.2.1", "1.2.2", "1.2.3")[1]) == 1
        assert [instance.SOPInstanceUID for instance in store.series("1.2")] == ["1.2.2"]

    def test_many_files_become_few_tables(self, store):
        store.add_instances([file(f"1.2.{i}") for i in range(300)])
        assert len(store.series("1.2").tables) < 20
        assert [one.SOPInstanceUID for one in store.series("1.2")] == [f"1.2.{i}" for i in range(300)]

    @pytest.mark.parametrize("data", [[], (), iter([]), [[], []], "[]", b"[]", metalith.naturalize("[]")])
    def test_nothing(self, store, data):
        with store.subscribe(store.INSTANCES_ADDED, lambda event: pytest.fail("nothing was added")):
            assert store.add_instances(data) == 0
        assert store.study_instance_uids == []

    @pytest.mark.parametrize("data", [None, 5, 1.5, [None], [3], object()])
    def test_other_things(self, store, data):
        with pytest.raises(TypeError):
            store.add_instances(data)


class TestRefused:
    @pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
    @pytest.mark.parametrize("value", [None, "", ..., ["1.2", "1.3"]], ids=repr)
    @pytest.mark.parametrize("others", [0, 2])
    def test_uids_that_are_missing(self, store, keyword, value, others):
        bad = natural("1.2.9", PatientName="Doe^Jane")
        bad[keyword] = value
        if value is ...:
            del bad[keyword]
        good = [natural(f"1.2.{i}") for i in range(others)]
        with pytest.raises(metalith.StoreError, match=keyword) as caught:
            store.add_instances([*good, bad])
        assert f"instance {others}" in str(caught.value)
        assert not store.study_instance_uids

    @pytest.mark.parametrize("value", ['["1","2"]', '"1\\u002e2"', "12", '"1.2\\u0000"', '{"a":"1"}'])
    @pytest.mark.parametrize("others", [0, 2])
    def test_uids_that_are_no_plain_text(self, store, value, others):
        """What could not be found again is not taken in."""
        bad = json.dumps(dicom_json("@")).replace('"@"', value)
        rows = [json.dumps(dicom_json(f"1.2.{i}")) for i in range(others)]
        with pytest.raises(metalith.StoreError, match=f"SOPInstanceUID of instance {others} is no UID"):
            store.add_instances(f"[{','.join([*rows, bad])}]")

    def test_items_of_a_sequence(self, store):
        item = natural("1.2.3")
        owner = metalith.naturalize(metalith.dumps(natural("1.2.4", ReferencedImageSequence=[item])))[0]
        for data in (owner.ReferencedImageSequence, owner.ReferencedImageSequence[0]):
            with pytest.raises(metalith.StoreError, match="item of a sequence"):
                store.add_instances(data)

    def test_file_meta(self, store, path):
        instance = metalith.read(path)
        with pytest.raises(metalith.StoreError):
            store.add_instances(instance.file_meta)

    def test_no_error_names_patients(self, store, tmp_path):
        secret = "Doe^Jane"
        bad = tmp_path / "note.txt"
        bad.write_text(f"PatientName: {secret}")
        store.add_instances(table("1.2.3", PatientName=secret))
        attempts = [
            lambda: store.add_instances(natural("", PatientName=secret)),
            lambda: store.add_instances(natural("1.2.9", Rows=secret, Columns={secret: 1})),
            lambda: store.add_instances({**natural("1.2.9"), secret: 1}),
            lambda: store.add_instances(f'[{{"{secret}"'),
            lambda: store.add_instances(bad),
            lambda: store.add_instances(natural("1.2.3", PatientName=secret), on_duplicate="raise"),
            lambda: store.add_study({"PatientName": secret}),
            lambda: store.add_series_metadata([{"PatientName": secret, "StudyInstanceUID": secret}]),
            lambda: store.update_series_metadata({"SeriesInstanceUID": secret}),
            lambda: store.update_metadata_for_series(secret, secret, {"Rows": 1}),
            lambda: store.update_metadata_for_series("1", "1.2", {"Rows": object(), secret: secret}),
            lambda: store.update_metadata_for_series("1", "1.2", {secret: ...}),
            lambda: store.series(secret).load(),
            lambda: store.series("1.2").load().evicted,
        ]
        for attempt in attempts:
            with pytest.raises((metalith.MetalithError, AttributeError)) as caught:
                attempt()
            assert "Doe" not in str(caught.value)
        assert len(store) == 1

    def test_options(self):
        for wrong in ("ignore", "", None):
            with pytest.raises(metalith.ConfigurationError):
                MetadataStore(on_duplicate=wrong)
        for wrong in ("4 XB", "", "GiB", -1, True, 1.5, "-3"):
            with pytest.raises(metalith.ConfigurationError):
                MetadataStore(max_bytes=wrong)
        with pytest.raises(metalith.ConfigurationError):
            MetadataStore().add_instances(natural("1.2.3"), on_duplicate="no")


class TestLookUps:
    @pytest.fixture
    def store(self, store):
        store.add_instances([table("1.2.1", "1.2.2"), table("1.3.1", series="1.3")])
        store.add_instances(table("2.2.1", series="2", study="9"))
        return store

    def test_by_uid(self, store):
        assert store.study_instance_uids == ["1", "9"]
        assert isinstance(store.study("1"), Study)
        assert isinstance(store.series("1.3"), Series)
        assert store.series("1.3") is store.series("1", "1.3") is store.study("1").series[1]
        assert store.instance("1.3.1") == store.instance("1", "1.3", "1.3.1") == store.series("1.3").instances[0]

    @pytest.mark.parametrize("uid", ["", "1.2.", "1.2.11", "é", "1.2.1\0", "\ud800", "x" * 10_000])
    def test_of_what_is_not_here(self, store, uid):
        assert store.study(uid) is store.series(uid) is store.instance(uid) is None
        assert store.series("1", uid) is store.series(uid, "1.2") is None
        assert store.instance("1", "1.2", uid) is store.instance("1", uid, "1.2.1") is None
        assert store.instance(uid, "1.2", "1.2.1") is store.instance_by_image_id(uid) is None
        assert uid not in store

    def test_of_another_series(self, store):
        assert store.instance("1", "1.3", "1.2.1") is None
        assert store.series("9", "1.2") is None

    def test_wrong_arguments(self, store):
        for look_up, uids in ((store.series, ()), (store.series, "abc"), (store.instance, "ab"), (store.instance, ())):
            with pytest.raises(TypeError):
                look_up(*uids)
        with pytest.raises(TypeError):
            store.instance(None)

    def test_as_a_container(self, store):
        assert len(store) == 4
        assert all(uid in store for uid in ("1", "9", "1.2", "2", "1.2.2", "2.2.1"))
        assert None not in store
        assert 1 not in store
        assert [study.study_instance_uid for study in store] == ["1", "9"]
        assert repr(store) == "<MetadataStore: 2 studies, 3 series, 4 instances>"
        summary = store.summary()
        assert summary.pop("nbytes") == store.nbytes > 1000
        assert summary == {"studies": 2, "series": 3, "evicted_series": 0, "instances": 4}

    def test_as_a_provider(self, store):
        image_id = "wadors:/studies/1/series/1.2/instances/1.2.2/frames/1"
        assert store.get("instance", image_id).SOPInstanceUID == "1.2.2"
        assert store.get("instance", 5) is store.get("imagePlaneModule", image_id) is store.get("instance", "x") is None

    def test_the_same_series_uid_in_two_studies(self, store):
        store.add_instances(table("9.1", series="1.2", study="9"))
        assert len(store.series("1", "1.2")) == 2
        assert len(store.series("9", "1.2")) == 1
        assert store.summary()["series"] == 4
        store.remove_series("9", "1.2")
        assert store.series("1.2") is store.series("1", "1.2")


class TestImageIds:
    @pytest.mark.parametrize(
        "image_id",
        [
            "wadors:https://host/dicomweb/studies/1/series/1.2/instances/1.2.3/frames/1",
            "wadors:https://host/dicomweb/studies/1/series/1.2/instances/1.2.3",
            "wadors:/instances/1.2.3/frames/12?accept=image/jpeg",
            "wadors:/instances/1.2.3?x=/instances/9",
            "wadors:/instances/1.2.3#/instances/9",
            "https://host/instances/web/studies/1/series/1.2/instances/1.2.3/rendered",
            "wadouri:https://host/wado?requestType=WADO&studyUID=1&seriesUID=1.2&objectUID=1.2.3&contentType=x",
            "wadouri:https://host/wado?objectUID=1.2.3&frame=2",
            "dicomweb:https://host/wado?objectUID=1.2.3",
        ],
    )
    def test_that_follow_a_rule(self, store, image_id):
        store.add_instances(table("1.2.2", "1.2.3"))
        assert store.instance_by_image_id(image_id).SOPInstanceUID == "1.2.3"
        assert store.instance_by_image_id(image_id.replace("1.2.3", "1.2.30")) is None
        assert store.instance_by_image_id(image_id.replace("1.2.3", "")) is None

    @pytest.mark.parametrize(
        "image_id",
        ["", "1.2.3", "/instances/", "objectUID=1.2.3", "?noobjectUID=1.2.3", "dicomfile:", "/instances/1.2.3x"],
    )
    def test_that_follow_none(self, store, image_id):
        store.add_instances(table("1.2.3"))
        assert store.instance_by_image_id(image_id) is None

    def test_of_files(self, store, path):
        store.add_instances(path)
        for image_id in (f"dicomfile:{path}", f"dicomfile://{path}", f"dicomfile:{path}?frame=3"):
            assert store.instance_by_image_id(image_id).SOPInstanceUID == "1.2.3"
        assert store.instance_by_image_id(f"dicomfile:{path}x") is None

    def test_of_a_file_whose_name_is_no_text(self, store, tmp_path):
        path = tmp_path / "\udcff.dcm"
        path.write_bytes(file("1.2.3"))
        store.add_instances(path)
        assert store.instance_by_image_id(f"dicomfile:{path}").SOPInstanceUID == "1.2.3"
        assert store.instance_by_image_id("dicomfile:\ud800") is None

    def test_of_a_file_count_while_the_instance_does(self, store, path):
        image_id = f"dicomfile:{path}"
        store.add_instances(path)
        store.add_instances(natural("1.2.3", InstanceNumber=6))
        assert store.instance_by_image_id(image_id) is None
        store.add_instances([table(*(f"1.2.{i}" for i in range(10, 20))), path])
        store.update_metadata_for_series("1", "1.2", {"Rows": 7})
        assert store.instance_by_image_id(image_id).Rows == 7
        store.remove_instance("1.2.3")
        assert store.instance_by_image_id(image_id) is None
        assert store.add_instances(path) == 1
        assert store.instance_by_image_id(image_id).SOPInstanceUID == "1.2.3"
        store.clear()
        assert store.instance_by_image_id(image_id) is None

    def test_of_a_file_that_was_not_taken(self, store, path):
        store.add_instances(natural("1.2.3", InstanceNumber=6))
        store.add_instances(path, on_duplicate="keep")
        assert store.instance_by_image_id(f"dicomfile:{path}") is None
        store.add_instances(path)
        store.add_instances(path.read_bytes(), on_duplicate="keep")
        assert store.instance_by_image_id(f"dicomfile:{path}").InstanceNumber == 5

    def test_a_file_that_was_written_anew(self, store, path):
        store.add_instances(path)
        path.write_bytes(file("1.2.4"))
        store.add_instances(path)
        assert store.instance_by_image_id(f"dicomfile:{path}").SOPInstanceUID == "1.2.4"
        store.remove_instance("1.2.4")
        assert store.instance_by_image_id(f"dicomfile:{path}") is None
        assert len(store) == 1

    def test_custom_ones(self, store):
        store.add_image_ids({"slice 1": "1.2.3", "slice 2": "1.2.4"})
        assert store.instance_by_image_id("slice 1") is None
        store.add_instances(table("1.2.3"))
        assert store.instance_by_image_id("slice 1").SOPInstanceUID == "1.2.3"
        assert store.instance_by_image_id("slice 2") is None
        store.clear()
        store.add_instances(table("1.2.3"))
        assert store.instance_by_image_id("slice 1") is None
        for wrong in ({"a": 1}, {1: "1.2.3"}):
            with pytest.raises(metalith.StoreError):
                store.add_image_ids({"b": "1.2.3", **wrong})
            assert store.instance_by_image_id("b") is None


def test_a_real_series(store):
    rows = real_series()
    assert store.add_instances(rows) == len(rows)
    for instance in metalith.naturalize(rows):
        assert store.instance(instance.SOPInstanceUID) == instance
