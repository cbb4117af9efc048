"""Walking folders: everything once, in one order, and nothing that is not in them."""

from __future__ import annotations

import doctest
import os
import socket
import sys
from pathlib import Path

import pytest
from pydicom.data.data_manager import DATA_ROOT

import metalith
from metalith import dicomdir, folders
from metalith.folders import Passed, walk

DISC = Path(DATA_ROOT) / "test_files" / "dicomdirtests"
links = pytest.mark.skipif(sys.platform == "win32", reason="links need privileges there")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("b/2", "b/10", "b/.hidden", "a/x/deep", "c", "B", "a/x.dcm", "DICOMDIR.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    (root / "empty").mkdir()
    return root


def found(paths, root: Path) -> list[str]:
    return [os.fsdecode(os.path.relpath(entry, os.fsencode(root))) for entry in walk(paths) if isinstance(entry, bytes)]


def passed(paths) -> list[tuple[str, str]]:
    return [(Path(os.fsdecode(e.path)).name, e.what) for e in walk(paths) if isinstance(e, Passed)]


def test_files_first_then_folders_both_by_name(tree: Path) -> None:
    expected = ["B", "DICOMDIR.txt", "c", "a/x.dcm", "a/x/deep", "b/.hidden", "b/10", "b/2"]
    assert found(tree, tree) == expected
    assert found(str(tree), tree) == found(os.fsencode(tree), tree) == expected
    assert found(f"{tree}/", tree) == expected
    assert passed(tree) == []


def test_same_files_as_the_standard_library(tree: Path) -> None:
    for folder in (tree, DISC.parent):
        theirs = {os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names}
        ours = [os.fsdecode(entry if isinstance(entry, bytes) else entry.path) for entry in walk(folder)]
        assert set(ours) == theirs
        assert len(ours) == len(theirs)


def test_paths_are_absolute(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert found(".", tree) == found(tree, tree)
    assert found("c", tree) == ["c"]
    assert next(walk("c")) == os.fsencode(tree / "c")


def test_files_and_folders_that_are_given_keep_their_order(tree: Path) -> None:
    assert found([tree / "c", tree / "b", tree / "B", tree / "c"], tree) == ["c", "b/.hidden", "b/10", "b/2", "B", "c"]
    assert found(iter([]), tree) == []


@pytest.mark.parametrize("order", [["a", ""], ["", "a"], ["", ""], ["a", "a/x", "a/../a"]])
def test_no_folder_is_walked_twice(tree: Path, order: list[str]) -> None:
    names = found([tree / part for part in order], tree)
    assert len(names) == len(set(names))
    assert set(names) >= {"a/x.dcm", "a/x/deep"}
    assert len(names) == (8 if "" in order else 2)


def test_what_is_not_there_is_told(tree: Path) -> None:
    entries = list(walk([tree / "no", tree / "c", f"{tree}/z\0ero"]))
    assert isinstance(entries[0], Passed)
    assert isinstance(entries[0].error, FileNotFoundError)
    assert entries[1] == os.fsencode(tree / "c")
    assert entries[2].what == "failure"


def test_paths_have_to_be_paths() -> None:
    with pytest.raises(TypeError):
        list(walk([12]))  # type: ignore[list-item]


@links
def test_links_within_the_folder_add_nothing(tree: Path) -> None:
    before = found(tree, tree)
    (tree / "a" / "to-file").symlink_to(tree / "c")
    (tree / "0-to-folder").symlink_to("b", target_is_directory=True)
    (tree / "b" / "up").symlink_to("..", target_is_directory=True)
    (tree / "b" / "self").symlink_to(".", target_is_directory=True)
    assert found(tree, tree) == before
    assert passed(tree) == []


@links
def test_links_out_of_the_folder_are_passed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"secret")
    (tmp_path / "root2").mkdir()  # begins like the root, but is not it
    (tree / "a" / "folder").symlink_to(tmp_path / "secret")
    (tree / "a" / "beside").symlink_to(tmp_path / "root2")
    (tree / "a" / "file").symlink_to("../../secret/file")
    (tree / "a" / "nowhere").symlink_to("nothing")
    (tree / "a" / "circle").symlink_to("circle")
    before = ["B", "DICOMDIR.txt", "c", "a/x.dcm", "a/x/deep", "b/.hidden", "b/10", "b/2"]
    assert found(tree, tree) == before
    assert passed(tree) == [(name, "link") for name in ("beside", "circle", "file", "folder", "nowhere")]
    # of the folder they are in, the rest of the tree is outside too
    (tree / "b" / "sideways").symlink_to(tree / "a")
    assert passed(tree / "b") == [("sideways", "link")]


@links
def test_a_link_that_is_given_is_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(tree)
    assert found(tmp_path / "latest", tmp_path / "latest") == found(tree, tree)
    assert found([tmp_path / "latest", tree], tmp_path)[8:] == []
    (tmp_path / "one").symlink_to(tree / "c")
    assert found(tmp_path / "one", tmp_path) == ["one"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_special_files_are_passed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tree / "pipe")
    monkeypatch.chdir(tree)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert passed(tree) == [("pipe", "special"), ("socket", "special")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_forbidden_folders_are_told(tree: Path) -> None:
    (tree / "b").chmod(0)
    try:
        assert passed(tree) == [("b", "failure")]
    finally:
        (tree / "b").chmod(0o755)


def test_a_folder_that_cannot_be_listed_stops_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path):
        if os.path.basename(path) == b"a":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert found(tree, tree) == ["B", "DICOMDIR.txt", "c", "b/.hidden", "b/10", "b/2"]
    assert passed(tree) == [("a", "failure")]


def test_depth_is_bounded_by_nothing_of_ours(tmp_path: Path) -> None:
    folders = [str(tmp_path)]
    try:
        for _ in range(1200 if sys.platform == "linux" else 100):
            folders.append(folders[-1] + "/d")
            os.mkdir(folders[-1])
        Path(folders[-1], "file").write_bytes(b"")
        assert len(found(tmp_path, tmp_path)) == 1
    finally:  # what removes temporary folders is bounded
        Path(folders[-1], "file").unlink(missing_ok=True)
        for folder in reversed(folders[1:]):
            os.rmdir(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes only there")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xff\xfe\n")
    with open(path, "wb"):
        pass
    assert list(walk(tmp_path)) == [path]


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", "DICOMDIR.", "dicomdir.;1", "DICOMDIR;1"])
def test_indexes_in_a_folder_are_passed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "DICOMDIR2").write_bytes(b"")
    assert found(tmp_path, tmp_path) == ["DICOMDIR2"]
    assert passed(tmp_path) == [(name, "index")]


def test_an_index_that_is_given_stands_for_its_files() -> None:
    names = found(DISC / "DICOMDIR", DISC)
    assert len(names) == 31
    assert names[0] == "77654033/CR1/6154"
    assert passed(DISC / "DICOMDIR") == [("DICOMDIR", "index")]
    # under another name, and an empty one is a file like others
    assert found(DISC / "DICOMDIR-bigEnd", DISC)[0] == "77654033/CR1/6154"
    assert found(DISC / "DICOMDIR-empty.dcm", DISC) == []
    assert passed(DISC / "DICOMDIR-empty.dcm") == [("DICOMDIR-empty.dcm", "index")]


def test_an_index_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"no DICOM at all, only text, and quite enough of it to tell" * 10)
    (tmp_path / "DICOMDIR1").write_bytes((DISC.parent / "CT_small.dcm").read_bytes())
    assert passed(tmp_path / "DICOMDIR") == [("DICOMDIR", "failure")]
    assert found(tmp_path / "DICOMDIR1", tmp_path) == ["DICOMDIR1"]


@pytest.mark.parametrize("module", [folders, dicomdir], ids=lambda module: module.__name__)
def test_examples(module) -> None:
    result = doctest.testmod(module, extraglobs={"metalith": metalith})
    assert result.attempted
    assert not result.failed
