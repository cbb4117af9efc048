"""Studies and series as views: attributes that stay true, columns, other values for whole series, removal."""

from __future__ import annotations

import json

import numpy as np
import pytest
from models.store_checks import all_series, check, contents, dicom_json, file, natural, table

import metalith
from metalith.store import MetadataStore


@pytest.fixture
def store():
    made = MetadataStore()
    yield made
    check(made)


class TestStudy:
    def test_aggregates_follow_the_data(self, store):
        store.add_instances(table("1.2.1", "1.2.2"))
        study = store.study("1")
        assert study.ModalitiesInStudy == ("MR",)
        assert study["NumberOfStudyRelatedSeries"] == 1
        assert study.get("NumberOfStudyRelatedInstances") == 2
        store.add_instances([natural("1.3.1", series="1.3", Modality="CT"), natural("1.2.3", Modality="SR")])
        assert study.ModalitiesInStudy == ("MR", "SR", "CT")
        assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (2, 4)
        store.remove_series("1.3")
        assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (1, 3)
        assert study.ModalitiesInStudy == ("MR", "SR")
        store.remove_instance("1.2.3")
        assert study.ModalitiesInStudy == ("MR",)

    def test_modalities_of_rows_that_went(self, store):
        rows = [dicom_json(f"1.2.{i}", Modality="CT" if i else "PT") for i in range(6)]
        store.add_instances(metalith.naturalize(rows))
        assert store.study("1").ModalitiesInStudy == ("PT", "CT")
        store.remove_instance("1.2.0")
        assert store.study("1").ModalitiesInStudy == ("CT",)
        store.add_instances([natural(f"1.2.{i}", Modality="MR") for i in range(1, 6)])
        assert store.study("1").ModalitiesInStudy == ("MR",)

    def test_is_loaded(self, store):
        study = store.add_study({"StudyInstanceUID": "1"})
        assert not study.is_loaded
        store.add_series_metadata([natural("", series=uid) for uid in ("1.2", "1.3")])
        assert not study.is_loaded
        store.add_instances(table("1.2.1"))
        assert (study.is_loaded, study.series[0].is_loaded, study.series[1].is_loaded) == (False, True, False)
        store.add_instances(table("1.3.1", series="1.3"))
        assert study.is_loaded
        store.remove_instance("1.3.1")
        assert not study.is_loaded

    def test_attributes_come_from_the_first_instance(self, store):
        store.add_instances([table("1.2.1", StudyDescription="Knee", StudyDate="20200102", PatientName="Doe^Jane")])
        study = store.study("1")
        assert study.StudyDescription == study["StudyDescription"] == "Knee"
        assert study.StudyDate == "20200102"
        assert study.PatientName.family_name == "Doe"
        assert study.StudyInstanceUID == study.study_instance_uid == "1"
        store.add_instances(natural("1.2.1", StudyDescription="Hip"))
        assert study.StudyDescription == "Hip"
        store.remove_series("1.2")
        assert study.get("StudyDescription", "none") == "none"

    def test_what_was_given_comes_first(self, store):
        study = store.add_study({"StudyInstanceUID": "1", "StudyDescription": "Knee", "ModalitiesInStudy": ["XA"]})
        store.add_instances(natural("1.2.1", StudyDescription="Hip"))
        assert study.StudyDescription == "Knee"
        assert study.ModalitiesInStudy == ("MR",)
        assert store.add_study({"StudyInstanceUID": "1", "AccessionNumber": "7", "series": [1]}) is study
        assert (study.AccessionNumber, study.StudyDescription) == ("7", "Knee")
        assert len(study.series) == 1

    def test_missing_attributes(self, store):
        store.add_instances(natural("1.2.1"))
        for view in (store.study("1"), store.series("1.2")):
            for name in ("PatientName", "NoSuchThing", "lower", "_private"):
                with pytest.raises(AttributeError, match=name):
                    getattr(view, name)
                with pytest.raises(KeyError):
                    view[name]
                assert view.get(name) is None
                assert view.get(name, 5) == 5

    def test_iteration_and_text(self, store):
        store.add_instances([table("1.2.1"), table("1.3.1", series="1.3")])
        study = store.study("1")
        assert list(study) == study.series
        assert len(study) == 2
        assert repr(study) == "<Study 1: 2 series>"
        assert repr(study.series[0]) == "<Series 1.2: 1 instances>"
        assert repr(study.series[0].instances) == "<1 instances>"


class TestSeries:
    def test_instances(self, store):
        store.add_instances([table("1.2.1", "1.2.2"), table("1.2.3")])
        series = store.series("1.2")
        before = series.instances
        assert [one.SOPInstanceUID for one in before] == ["1.2.1", "1.2.2", "1.2.3"]
        assert [one.SOPInstanceUID for one in before[::-1]] == ["1.2.3", "1.2.2", "1.2.1"]
        assert before[-1].SOPInstanceUID == before[2].SOPInstanceUID == "1.2.3"
        for index in (3, -4):
            with pytest.raises(IndexError):
                before[index]
        store.remove_instance("1.2.2")
        assert len(before) == 3, "what was asked for before stays as it was"
        assert [one.SOPInstanceUID for one in series] == ["1.2.1", "1.2.3"]
        assert series.instances[1].SOPInstanceUID == "1.2.3"
        assert series.nbytes > 500

    def test_attributes(self, store):
        (series,) = store.add_series_metadata([natural("", SeriesDescription="T1", NumberOfSeriesRelatedInstances=9)])
        assert not series.is_loaded
        assert len(series) == 0
        assert (series.SeriesDescription, series.Modality, series.get("Rows")) == ("T1", "MR", None)
        store.add_instances(natural("1.2.1", Rows=5, SeriesDescription="T2"))
        assert (series.SeriesDescription, series.Rows, series["SeriesInstanceUID"]) == ("T1", 5, "1.2")
        store.update_series_metadata({"SeriesInstanceUID": "1.2", "SeriesDescription": "T3"})
        assert series.SeriesDescription == "T3"
        assert series.instances[0].SeriesDescription == "T2"

    def test_counts_its_instances(self, store):
        store.add_instances(table("1.2.1", "1.2.2"))
        assert store.series("1.2").NumberOfSeriesRelatedInstances == 2

    def test_uids_stay_its_own(self, store):
        store.add_instances(natural("1.2.1"))
        store.update_series_metadata({"SeriesInstanceUID": "1.2", "StudyInstanceUID": "9", "instances": [], "Rows": 1})
        series = store.series("1.2")
        assert (series.StudyInstanceUID, len(series.instances), series.Rows) == ("1", 1, 1)

    def test_metadata_in_any_form(self, store):
        rows = metalith.naturalize([dicom_json("", series=uid) for uid in ("1.2", "1.3")])
        assert len(store.add_series_metadata(rows)) == 2
        assert len(store.add_series_metadata(rows[0])) == 1
        assert len(store.add_series_metadata(natural("", series="1.4"))) == 1
        assert store.add_series_metadata([]) == []
        assert [one.series_instance_uid for one in store.study("1").series] == ["1.2", "1.3", "1.4"]

    def test_metadata_all_or_nothing(self, store):
        with pytest.raises(metalith.StoreError, match="SeriesInstanceUID"):
            store.add_series_metadata([natural("", series="1.2"), natural("", series="1.3"), {"StudyInstanceUID": "1"}])
        assert store.study_instance_uids == []
        with pytest.raises(metalith.StoreError, match="no such series"):
            store.update_series_metadata({"SeriesInstanceUID": "1.2"})


class TestColumns:
    def test_across_tables(self, store):
        for i in range(0, 30, 3):
            store.add_instances([natural(f"1.2.{j}", InstanceNumber=j) for j in range(i, i + 3)])
        series = store.series("1.2")
        assert len(series.tables) > 1
        assert series.column("InstanceNumber").tolist() == list(range(30))
        assert series.column("InstanceNumber").dtype == np.int64
        assert series.column("Modality").tolist() == ["MR"] * 30
        store.remove_instance("1.2.4")
        assert series.column(0x00200013).tolist() == [i for i in range(30) if i != 4]

    def test_where_tables_differ(self, store):
        store.add_instances([table("1.2.1", Rows=5), table("1.2.2"), table("1.2.3", Rows=7, PixelSpacing=[1, 2])])
        series = store.series("1.2")
        rows = series.column("Rows")
        assert rows.dtype == np.float64
        np.testing.assert_array_equal(rows, [5, np.nan, 7])
        masked = series.column("Rows", masked=True)
        assert masked.dtype == np.int64
        assert masked.mask.tolist() == [False, True, False]
        np.testing.assert_array_equal(series.column("PixelSpacing"), [[np.nan] * 2, [np.nan] * 2, [1, 2]])
        with pytest.raises(KeyError):
            series.column("Columns")

    def test_objects(self, store):
        store.add_instances([table("1.2.1", StudyDescription="a"), table("1.2.2")])
        assert store.series("1.2").column("StudyDescription").tolist() == ["a", None]

    def test_of_different_widths(self, store):
        store.add_instances([table("1.2.1", PixelSpacing=[1, 2]), table("1.2.2", PixelSpacing=[1, 2, 3])])
        with pytest.raises(metalith.ColumnError, match="PixelSpacing"):
            store.series("1.2").column("PixelSpacing")

    def test_rows_that_went_do_not_count(self, store):
        rows = [dicom_json(f"1.2.{i}", PixelSpacing=[1, 2] if i else [1, 2, 3]) for i in range(5)]
        store.add_instances(metalith.naturalize(rows))
        with pytest.raises(metalith.ColumnError):
            store.series("1.2").column("PixelSpacing")
        store.remove_instance("1.2.0")
        assert store.series("1.2").column("PixelSpacing").tolist() == [[1, 2]] * 4

    def test_of_a_series_without_instances(self, store):
        (series,) = store.add_series_metadata(natural(""))
        with pytest.raises(KeyError):
            series.column("Rows")


class TestUpdate:
    """D18: lists, nulls, unknown series; and everything else stays as it was."""

    def test_values(self, store):
        store.add_instances([table("1.2.1", "1.2.2", WindowCenter=[1, 2]), table("1.2.3", Rows=7)])
        store.update_metadata_for_series(
            "1",
            "1.2",
            {
                "WindowCenter": [40, 400.5],
                "StudyDescription": None,
                "PatientName": "Doe^Jane",
                "Rows": 9,
                "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "5"}],
                "00091001": {"vr": "LO", "Value": ["x"]},
            },
        )
        series = store.series("1.2")
        assert [one.SOPInstanceUID for one in series] == ["1.2.1", "1.2.2", "1.2.3"]
        for instance in series:
            assert instance.WindowCenter == (40, 400.5)
            assert "StudyDescription" in instance
            assert instance.StudyDescription is None
            assert instance.PatientName == "Doe^Jane"
            assert instance.Rows == 9
            assert instance.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "5"
            assert instance["00091001"] == "x"
        assert store.instance("1.2.3") == series.instances[2]

    def test_removal(self, store):
        body = [dicom_json(f"1.2.{i}", Rows=5, StudyDescription="x", PatientID="y") for i in range(3)]
        for dataset in body:
            dataset["0009100a"] = {"vr": "LO", "Value": ["private"]}
        store.add_instances(body)
        gone = {"Rows": ..., "00081030": ..., 0x00100020: ..., "0009100A": ..., "Columns": ...}
        store.update_metadata_for_series("1", "1.2", gone)
        assert {tuple(one.keys()) for one in store.series("1.2")} == {
            ("SOPInstanceUID", "Modality", "StudyInstanceUID", "SeriesInstanceUID")
        }

    def test_a_key_in_another_spelling_is_replaced(self, store):
        body = [dicom_json("1.2.1")]
        body[0].update({"0008103e": {"vr": "LO", "Value": ["a"]}, "PatientID": {"vr": "LO", "Value": ["b"]}})
        store.add_instances(body)
        store.update_metadata_for_series("1", "1.2", {"SeriesDescription": "c", "PatientID": "d"})
        instance = store.instance("1.2.1")
        assert (instance.SeriesDescription, instance.PatientID) == ("c", "d")
        assert len(metalith.denaturalize(instance)) == 6

    def test_vrs_are_those_of_the_series(self, store):
        store.add_instances(
            json.dumps(
                [
                    {
                        **dicom_json("1.2.1", PixelRepresentation=1),
                        "00280106": {"vr": "SS", "Value": [-5]},
                        "00091001": {"vr": "DS", "Value": [1.5]},
                    }
                ]
            )
        )
        store.update_metadata_for_series("1", "1.2", {"00280106": 5, "LargestImagePixelValue": 7, "00091001": 2})
        instance = store.instance("1.2.1")
        assert [instance.vr(tag) for tag in (0x00280106, 0x00280107, 0x00091001)] == ["SS", "SS", "DS"]

    def test_the_rest_stays_as_it_was_sent(self, store, tmp_path):
        body = json.dumps(dicom_json("1.2.1"))[:-1]
        body += ',"00280030":{"vr":"DS","Value":[0.50,1.0e1]},"00281050":{"vr":"DS","Value":["1.50"]}'
        body += ',"00091001":{"vr":"UN","BulkDataURI":"../bulk/1"},"00091002":{"vr":"OB","InlineBinary":"AAEC"}}'
        store.add_instances(body)
        before = store.instance("1.2.1")
        store.update_metadata_for_series("1", "1.2", {"Rows": 5})
        after = store.instance("1.2.1")
        assert after.replace(Rows=...) == before
        assert {key: after.raw(key) for key in before} == {key: before.raw(key) for key in before}
        assert after.raw("PixelSpacing") == ("0.50", "1.0e1")
        assert after["00091001"].uri == "../bulk/1"

    def test_files_stay_files(self, store, tmp_path):
        paths = [tmp_path / f"{i}.dcm" for i in range(3)]
        for i, path in enumerate(paths):
            path.write_bytes(file(f"1.2.{i}", PatientName="Doe^Jane"))
        store.add_instances(paths)
        before = store.instance("1.2.1")
        store.update_metadata_for_series("1", "1.2", {"PatientName": ...})
        after = store.instance("1.2.1")
        assert "PatientName" not in after
        assert after.path == before.path == str(paths[1])
        assert after.file_meta == before.file_meta
        assert after.PixelData == before.PixelData
        assert bytes(after.PixelData.read()) == bytes(64)
        assert store.instance_by_image_id(f"dicomfile:{paths[1]}").SOPInstanceUID == "1.2.1"

    @pytest.mark.parametrize("name", ["SOPInstanceUID", "00080018", "(0020,000D)", 0x0020000E, "0020000e"])
    @pytest.mark.parametrize("value", ["7", ...])
    def test_uids_cannot_be_changed(self, store, name, value):
        store.add_instances(natural("1.2.1"))
        before = store.instance("1.2.1")
        with pytest.raises(metalith.StoreError, match="UID"):
            store.update_metadata_for_series("1", "1.2", {"Rows": 1, name: value})
        assert store.instance("1.2.1") == before

    @pytest.mark.parametrize("changes", [{"NoSuch": 1}, {"nothing": ...}, {"Rows": 3, "Rows ": 1}, {"Rows": b""}])
    def test_what_is_no_attribute(self, store, changes):
        store.add_instances(natural("1.2.1"))
        with pytest.raises(metalith.EncodeError):
            store.update_metadata_for_series("1", "1.2", changes)
        assert "Rows" not in store.instance("1.2.1")

    def test_unknown_series(self, store):
        store.add_series_metadata(natural("", series="1.3"))
        for uids in (("1", "1.2"), ("2", "1.3"), ("1", "1.3")):
            with pytest.raises(metalith.StoreError):
                store.update_metadata_for_series(*uids, {"Rows": 1})


class TestRemove:
    def test_study(self, store):
        store.add_instances([table("1.2.1"), table("1.3.1", series="1.3"), table("2.1.1", series="2.1", study="2")])
        store.add_series_metadata(natural("", series="1.4"))
        study, series = store.study("1"), store.series("1.2")
        assert store.remove_study("1")
        assert not store.remove_study("1")
        assert contents(store) == {"2.1.1": ("2", "2.1")}
        assert "1.2.1" not in store
        assert store.series("1.3") is None
        assert (len(study), len(series), series.is_loaded) == (0, 0, False)

    def test_series(self, store):
        store.add_instances([table("1.2.1"), table("1.3.1", series="1.3")])
        assert store.remove_series("1", "1.2")
        assert not store.remove_series("1.2")
        assert store.remove_series("1.3")
        assert store.study("1").series == []
        assert len(store) == 0

    def test_instance(self, store):
        store.add_instances(table(*(f"1.2.{i}" for i in range(20))))
        for i in (3, 19, 0, 7):
            assert store.remove_instance("1", "1.2", f"1.2.{i}") if i % 2 else store.remove_instance(f"1.2.{i}")
            assert not store.remove_instance(f"1.2.{i}")
            check(store)
        assert not store.remove_instance("1", "1.3", "1.2.4")
        assert [one.SOPInstanceUID for one in store.series("1.2")] == [
            f"1.2.{i}" for i in range(20) if i not in (3, 19, 0, 7)
        ]
        for instance in list(store.series("1.2")):
            assert store.remove_instance(instance.SOPInstanceUID)
        assert not store.series("1.2").is_loaded
        assert store.add_instances(table("1.2.3")) == 1

    def test_clear(self, store):
        store.add_instances([table("1.2.1"), table("2.1.1", series="2.1", study="2")])
        store.add_study({"StudyInstanceUID": "3"})
        store.clear()
        store.clear()
        nothing = {"studies": 0, "series": 0, "evicted_series": 0, "instances": 0}
        assert store.summary() == {**nothing, "nbytes": store.nbytes}
        assert list(all_series(store)) == []
        assert store.add_instances(table("1.2.1")) == 1


def test_known_but_empty_is_true():
    store = MetadataStore()
    study = store.add_study({"StudyInstanceUID": "1"})
    (series,) = store.add_series_metadata({"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2"})
    assert study
    assert series
    assert (len(series), series.is_loaded) == (0, False)


def test_a_series_gives_several_attributes_as_it_gives_each():
    store = metalith.MetadataStore()
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
    store.add_instances({**uids, "Rows": 4, "Modality": "CT", "KVP": None})
    store.add_series_metadata({**uids, "Modality": "MR", "SeriesNumber": 0})
    keywords = ["Rows", "Modality", "KVP", "SeriesNumber", "Columns", "NumberOfSeriesRelatedInstances", *uids]
    absent = object()
    series = store.series("1.2")
    wanted = {name: value for name in keywords if (value := series.get(name, absent)) is not absent}
    assert series.pick(keywords) == wanted
    store.add_series_metadata({"StudyInstanceUID": "1", "SeriesInstanceUID": "1.3"})
    assert store.series("1.3").pick(keywords) == {
        "StudyInstanceUID": "1",
        "SeriesInstanceUID": "1.3",
        "NumberOfSeriesRelatedInstances": 0,
    }
