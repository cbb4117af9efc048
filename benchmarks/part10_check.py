"""Was a header read right?  A score of attributes of all kinds, against pydicom's reading of the same bytes.

Values are compared by what they say, since each peer has its own types: numbers as numbers, several values as a tuple,
text without padding, nothing as None.
"""

from typing import Any

import metalith
from benchmarks.check import sample
from benchmarks.part10_files import Files, dataset_of
from benchmarks.part10_peers import TAG_OF, WANTED

LEAST = 10  # of WANTED, that a file must have for the answer to mean something


def plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        value = value.decode("latin-1")
    if isinstance(value, str):
        text = value.rstrip(" \0")
        if "\\" in text:
            return tuple(plain(part) for part in text.split("\\"))
        try:
            return float(text)
        except ValueError:
            return text or None
    if isinstance(value, (int, float)):
        return float(value)
    if value is None or isinstance(value, metalith.PersonName):
        return None if value is None else str(value)
    try:
        members = tuple(plain(member) for member in value)
    except TypeError:  # pydicom's decimals and integers are numbers in all but name
        return float(value)
    return members or None


def _getter(form: str, result: Any, path: str) -> Any:
    """keyword -> value, or None"""
    if form in ("instance", "natural"):
        return result.get
    if form == "pydicom":
        return lambda keyword: result.get(keyword)
    if form == "dicomsdl":
        return lambda keyword: result[keyword]
    if form == "fastdicom":
        values = dict(result.items())
        return lambda keyword: values.get((TAG_OF[keyword] >> 16, TAG_OF[keyword] & 0xFFFF))
    import gdcm

    def tag(keyword: str) -> Any:
        return gdcm.Tag(TAG_OF[keyword] >> 16, TAG_OF[keyword] & 0xFFFF)

    if form == "scanner":
        return lambda keyword: result.GetValue(path, tag(keyword))
    text = gdcm.StringFilter()
    text.SetFile(result.GetFile())
    return lambda keyword: text.ToString(tag(keyword))


def correct(form: str, result: Any, body: bytes, path: str) -> bool:
    """Whether a peer's result says of the file what pydicom says."""
    if form == "bytes":
        return len(result) > 0 and body.startswith(result)
    dataset = dataset_of(body)
    get = _getter(form, result, path)
    expected = {keyword: plain(dataset.get(keyword)) for keyword in WANTED if keyword in dataset}
    return len(expected) >= LEAST and all(plain(get(keyword)) == value for keyword, value in expected.items())


def correct_series(form: str, results: Any, given: Files) -> bool:
    """The same of some files of a series; results in their order, or one scanner for all."""
    if form != "scanner" and len(results) != given.instances:
        return False
    return all(
        correct(form, results if form == "scanner" else results[i], given.bodies[i], given.paths[i])
        for i in sample(given.instances)
    )
