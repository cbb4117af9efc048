"""`metalith studies` and `metalith fetch`, against real servers."""

from __future__ import annotations

import json

import pytest
from servers import faults
from typer.testing import CliRunner

import metalith
from metalith.cli.app import app

pytest_plugins = ["servers.fixtures"]

runner = CliRunner()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("METALITH_TOKEN", "METALITH_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def run(*args, code=0):
    result = runner.invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def study(orthanc_server):
    """A study with several series."""
    series = {}
    for one in orthanc_server.loaded:
        series.setdefault(one.study, set()).add(one.series)
    return max(series.items(), key=lambda pair: len(pair[1]))


def test_studies_are_listed(orthanc_server):
    result = run("studies", orthanc_server.root)
    uids = {one.study for one in orthanc_server.loaded}
    assert all(uid in result.stdout for uid in uids)
    assert f"{len(uids)} studies" in result.stderr


def test_studies_that_match(orthanc_server):
    result = run("studies", orthanc_server.root, "--modality", "RTDOSE", "--json")
    (row,) = map(json.loads, result.stdout.splitlines())
    assert row["modalities"] == "RTDOSE"
    assert run("studies", orthanc_server.root, "--match", "PatientID=nobody").stdout == ""
    assert len(run("studies", orthanc_server.root, "--limit", 3, "--json").stdout.splitlines()) == 3


def test_the_series_of_a_study(orthanc_server, study):
    uid, series = study
    result = run("studies", orthanc_server.root, "--series-of", uid)
    assert all(one in result.stdout for one in series)


def test_a_server_of_files(static_server, orthanc_server):
    there = run("studies", static_server.root, "--static", "--date", "20000101-20051231", "--json").stdout
    assert len(there.splitlines()) > 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--match", "PatientID"], "KEYWORD=VALUE"),
        (["--match", "PatientIDD=1"], "PatientIDD"),
        (["--date", "yesterday"], "study_date"),
    ],
)
def test_what_cannot_be_searched_for(orthanc_server, options, named):
    assert named in run("studies", orthanc_server.root, *options, code=2).stderr


def test_what_is_no_url():
    assert "wadoRoot" in run("studies", "localhost:8042", code=2).stderr


def test_a_study_is_fetched_and_kept_as_a_store(orthanc_server, study, tmp_path):
    uid, series = study
    out = tmp_path / "study.metalith"
    result = run("fetch", orthanc_server.root, uid, "--out", out)
    assert all(one in result.stdout for one in series)
    store = metalith.MetadataStore.open(out)
    assert {one.series_instance_uid for one in store.study(uid).series} == series


def test_a_study_is_fetched_and_kept_as_dicom_json(orthanc_server, study, tmp_path):
    uid, series = study
    out = tmp_path / "study.json"
    run("fetch", orthanc_server.root, uid, "--out", out, "--series", min(series))
    table = metalith.naturalize(out)
    assert {instance.SeriesInstanceUID for instance in table} == {min(series)}
    assert len(table) == len({one.instance for one in orthanc_server.loaded if one.series == min(series)})


def test_a_series_that_fails_is_told_of_and_the_others_are_kept(orthanc_server, fault_proxy, study, tmp_path):
    uid, series = study
    proxy = fault_proxy(orthanc_server.origin)
    proxy.add(faults.status(500), path=f"{min(series)}/metadata")
    out = tmp_path / "study.metalith"
    result = run("fetch", proxy.url(orthanc_server.root), uid, "--out", out, code=1)
    assert min(series) in result.stderr
    assert f"1 of {len(series)} series are missing" in result.stderr
    assert len(metalith.MetadataStore.open(out).study(uid).series) >= len(series) - 1


def test_a_study_that_is_not_there(orthanc_server, tmp_path):
    out = tmp_path / "study.json"
    result = run("fetch", orthanc_server.root, "1.2.3.4", "--out", out, code=1)
    assert "no such study" in result.stderr
    assert not out.exists()


def test_credentials_come_from_the_environment(make_orthanc, monkeypatch):
    server = make_orthanc(user=("alice", "s3cret"))
    assert "401" in run("studies", server.root, code=1).stderr
    assert "METALITH_PASSWORD" in run("studies", server.root, "--user", "alice", code=2).stderr
    monkeypatch.setenv("METALITH_PASSWORD", "s3cret")
    assert "0 studies" in run("studies", server.root, "--user", "alice").stderr
    monkeypatch.setenv("METALITH_PASSWORD", "wrong")
    result = run("studies", server.root, "--user", "alice", code=1)
    assert "wrong" not in result.output + result.stderr


def test_a_server_that_is_not_there():
    result = run("studies", "http://127.0.0.1:9/dicom-web", "--timeout", "0.5", code=1)
    assert result.stderr.startswith("metalith: GET http://127.0.0.1:9/dicom-web/studies")


def test_a_saved_store_is_told_from_json(orthanc_server, study, tmp_path):
    path = tmp_path / "study.metalith"
    run("fetch", orthanc_server.root, study[0], "--out", path)
    for command in ("show", "summary"):
        assert f"{path}: a saved store" in run(command, path, code=1).stderr
