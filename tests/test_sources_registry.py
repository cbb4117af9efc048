"""Registered data sources: kinds, definitions, the active one, OHIF's configuration files, plug-ins."""

from __future__ import annotations

import json
import logging

import pytest

import metalith
from metalith import DataSource, DataSources
from metalith.errors import ConfigurationError
from metalith.sources.definitions import DataSourceModule, Definition
from metalith.sources.registry import ACTIVE_DATA_SOURCE_CHANGED

OHIF = {
    "routerBasename": "/",
    "extensions": [],
    "defaultDataSourceName": "orthanc",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "orthanc",
            "configuration": {
                "friendlyName": "local Orthanc",
                "name": "aws",
                "wadoUriRoot": "http://localhost/wado",
                "qidoRoot": "http://localhost/dicom-web",
                "wadoRoot": "http://localhost/dicom-web",
                "imageRendering": "wadors",
                "enableStudyLazyLoad": True,
                "supportsFuzzyMatching": True,
                "bulkDataURI": {"enabled": True},
            },
        },
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomlocal",
            "sourceName": "dicomlocal",
            "configuration": {"friendlyName": "dicom local"},
        },
    ],
}


class Cards(DataSource):
    kind = "cards"

    def series_metadata(self, study_instance_uid, filters):
        yield {"image_id": "web:ace.png", "Rows": 300, "Columns": 200, "suit": "spades"}


def test_an_app_configuration_is_read_as_it_is(tmp_path):
    path = tmp_path / "app-config.json"
    path.write_text(json.dumps(OHIF))
    for given in (OHIF, path, str(path)):
        sources = DataSources()
        made = sources.read_configuration(given)
        assert [source.name for source in made] == sources.names == ["orthanc", "dicomlocal"]
        assert sources.active is sources["orthanc"]
        assert sources.definition().module == "dicomweb"
        assert sources.active.options.wado_root == "http://localhost/dicom-web"
        sources.close()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dataSources": None}, "dataSources"),
        ({"defaultDataSourceName": "elsewhere"}, "defaultDataSourceName"),
        ({"dataSources": [*OHIF["dataSources"], OHIF["dataSources"][1]]}, "dicomlocal"),
        ({"dataSources": [*OHIF["dataSources"], {"namespace": "x", "sourceName": "y"}]}, "'x'"),
        ({"dataSources": [*OHIF["dataSources"], {"namespace": "dicomweb", "sourceName": "y"}]}, "wadoRoot"),
        ({"dataSources": [*OHIF["dataSources"], {"sourceName": "y"}]}, "namespace"),
        ({"dataSources": [*OHIF["dataSources"], {"namespace": "dicomlocal"}]}, "source_name"),
        ({"dataSources": [*OHIF["dataSources"], {"namespace": "dicomlocal", "sourceName": "y", "extra": 1}]}, "extra"),
    ],
)
def test_of_an_impossible_configuration_nothing_is_added(change, named):
    sources = DataSources()
    with pytest.raises(ConfigurationError, match=named):
        sources.read_configuration({**OHIF, **change})
    assert sources.names == []
    assert sources.get() is None


def test_a_file_that_is_no_json_says_so(tmp_path):
    path = tmp_path / "app-config.js"
    path.write_text("window.config = {};")
    with pytest.raises(ConfigurationError, match="JSON"):
        DataSources().read_configuration(path)


def test_sources_are_added_activated_and_told_of():
    sources, told = DataSources(), []
    stop = sources.subscribe(ACTIVE_DATA_SOURCE_CHANGED, told.append)
    first = sources.add({"sourceName": "a", "namespace": "dicomlocal"}, activate=True)
    assert sources.add({"sourceName": "a", "namespace": "dicomlocal"}) is first
    sources.add({"source_name": "b", "namespace": "dicomlocal"})
    assert (sources.active_name, len(sources), "b" in sources) == ("a", 2, True)
    sources.set_active("b")
    sources.set_active("b")
    assert [definition.source_name for definition in told] == ["a", "b"]
    stop()
    sources.set_active("a")
    assert len(told) == 2


def test_an_unknown_kind_does_not_take_the_active_source_away():
    sources = DataSources()
    sources.add({"sourceName": "a", "namespace": "dicomlocal"}, activate=True)
    with pytest.raises(ConfigurationError, match="did you mean 'dicomweb'"):
        sources.add({"sourceName": "b", "namespace": "dicomwed"}, activate=True)
    with pytest.raises(ConfigurationError, match="'b'"):
        sources.set_active("b")
    assert sources.active_name == "a"
    assert "b" not in sources


def test_another_configuration_makes_another_source_with_the_same_store():
    sources, told = DataSources(), []
    sources.add({"sourceName": "a", "namespace": "dicomweb", "configuration": {"wadoRoot": "http://a"}}, activate=True)
    sources.subscribe(ACTIVE_DATA_SOURCE_CHANGED, told.append)
    before = sources["a"]
    after = sources.update_configuration("a", {"wadoRoot": "http://b"})
    assert sources.active is after is not before
    assert after.metadata_store is before.metadata_store
    assert [definition.configuration for definition in told] == [{"wadoRoot": "http://b"}]
    with pytest.raises(ConfigurationError):
        sources.update_configuration("a", {"wadoRoot": "nowhere"})
    assert sources.active is after
    with pytest.raises(ConfigurationError, match="'z'"):
        sources.update_configuration("z", {})


def test_a_subscriber_that_raises_stops_nobody_and_is_logged_without_its_text(caplog):
    sources, told = DataSources(), []

    def fail(_):
        raise ValueError("DOE^JOHN")

    sources.subscribe(ACTIVE_DATA_SOURCE_CHANGED, fail)
    sources.subscribe(ACTIVE_DATA_SOURCE_CHANGED, told.append)
    with caplog.at_level(logging.ERROR, "metalith.sources"):
        sources.add({"sourceName": "a", "namespace": "dicomlocal"}, activate=True)
    assert len(told) == 1
    assert "ValueError" in caplog.text
    assert "DOE" not in caplog.text


def test_removing_the_active_source():
    sources, told = DataSources(), []
    sources.add({"sourceName": "a", "namespace": "dicomlocal"}, activate=True)
    sources.subscribe(ACTIVE_DATA_SOURCE_CHANGED, told.append)
    assert sources.remove("a")
    assert not sources.remove("a")
    assert told == [None]
    assert sources.get() is None
    for ask in (lambda: sources.active, sources.definition):
        with pytest.raises(ConfigurationError, match="active"):
            ask()


def test_kinds_of_ones_own_from_a_class_and_from_a_function():
    sources = DataSources()
    sources.register({"name": "cards", "createDataSource": Cards})
    made = []

    def create(configuration, name, sources):
        made.append((configuration, name, sources))
        return Cards(name)

    sources.register(DataSourceModule("more-cards", "other", create))
    assert isinstance(sources.add({"sourceName": "c", "namespace": "cards"}), Cards)
    assert sources.add({"sourceName": "d", "namespace": "more-cards", "configuration": {"x": 1}}).name == "d"
    assert made == [({"x": 1}, "d", sources)]
    assert {"cards", "more-cards", "dicomweb", "merge"} <= set(sources.kinds)
    sources.register(DataSourceModule("nothing", "other", lambda _: None))
    with pytest.raises(ConfigurationError, match="made no DataSource"):
        sources.add({"sourceName": "e", "namespace": "nothing"})


@pytest.mark.parametrize(
    "module",
    [
        {"createDataSource": Cards},
        {"name": "", "createDataSource": Cards},
        {"name": "x", "type": "y", "createDataSource": Cards},
        {"name": "x", "createDataSource": 5},
        {"name": "x"},
        {"name": "x", "createDataSource": Cards, "z": 1},
        7,
    ],
)
def test_what_is_no_module_is_refused(module):
    with pytest.raises(ConfigurationError):
        DataSources().register(module)


def test_plug_ins_are_found_by_their_entry_points(monkeypatch, tmp_path):
    (tmp_path / "card_plugin.py").write_text(
        "import metalith\n"
        "class Source(metalith.DataSource):\n"
        "    def series_metadata(self, study_instance_uid, filters):\n"
        "        yield {'image_id': 'web:1', 'Rows': 1}\n"
        "module = {'type': 'webApi', 'create_data_source': Source}\n"
        "raise_it = property()\n"
    )
    info = tmp_path / "card_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: card-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[metalith.data_sources]\n"
        "cards = card_plugin:Source\n"
        "cards-too = card_plugin:module\n"
        "broken = card_plugin:gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    sources = DataSources()
    assert {"cards", "cards-too", "broken"} <= set(sources.kinds)
    assert sources.add({"sourceName": "a", "namespace": "cards"}).retrieve.series.metadata("1").wait()
    assert sources.module("cards-too").type == "webApi"
    with pytest.raises(ConfigurationError, match="'broken' cannot be loaded"):
        sources.add({"sourceName": "b", "namespace": "broken"})
    with pytest.raises(ConfigurationError):
        DataSources(plugins=False).module("cards")


def test_all_sources_of_a_registry_may_share_a_store():
    store = metalith.MetadataStore()
    sources = DataSources(metadata_store=store)
    sources.register({"name": "cards", "create_data_source": Cards})
    for name in "ab":
        source = sources.add({"sourceName": name, "namespace": "cards"})
        source.retrieve.series.metadata(f"1.{name == 'a'}").wait()
    assert len(store.study_instance_uids) == 2


def test_reprs_show_no_configuration():
    definition = Definition.of({"sourceName": "a", "namespace": "dicomweb", "configuration": {"token": "s3cret"}})
    assert "s3cret" not in repr(definition)


def test_the_names_are_iterated_and_shown():
    sources = DataSources()
    assert (list(sources), repr(sources)) == ([], "<DataSources: none; active: None>")
    sources.add({"sourceName": "a", "namespace": "dicomlocal"}, activate=True)
    sources.add({"sourceName": "b", "namespace": "dicomlocal"})
    assert [sources[name].name for name in sources] == ["a", "b"]
    assert repr(sources) == "<DataSources: a, b; active: a>"
    for name in sources:  # it may change meanwhile
        sources.remove(name)
    assert len(sources) == 0


def test_what_is_no_configuration_names_what_is_wrong():
    with pytest.raises(ConfigurationError, match="a mapping or a path, not a list"):
        DataSources().read_configuration(OHIF["dataSources"])
    with pytest.raises(ConfigurationError, match="defaultDataSourceName: no data source is called 'other'"):
        DataSources().read_configuration({**OHIF, "defaultDataSourceName": "other"})
