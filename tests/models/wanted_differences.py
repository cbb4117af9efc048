"""Every difference from the JavaScript originals that Metalith wants, in one place, with the reason.

A dialect test compares the core with `expected_dcmjs` and `expected_cornerstone`, always; and with Node's answer where
these say that the two must agree (`dcmjs_agrees`, `cornerstone_agrees`).
"""

from __future__ import annotations

from typing import Any

from pydicom._dicom_dict import DicomDictionary

from . import cornerstone_model, dcmjs_model
from .js import difference

DCMJS = {
    "integers beyond 2**53": "JSON.parse rounds them; ours are exact (compared as doubles with Node).",
    "1e400, -0.0": "JavaScript holds Infinity and -0, JSON text cannot; ours are the floats inf and -0.0.",
    "element null": "dcmjs throws and loses the dataset; ours reads it as an element without members: None.",
    "Value null": "dcmjs throws; ours reads it as an absent Value (bulk, else None).",
    "SQ item null": "dcmjs throws; ours is an empty item, {'_vrMap': {}}.",
    "SQ item that is text, number, array": "dcmjs enumerates its characters or indices; ours is an empty item.",
    "SQ Value that is no array": "dcmjs takes an object's members for items; ours takes the value as the one item.",
    "PN value number or boolean": "dcmjs throws when it adds accessors; ours keeps the value.",
    "dataset null": "dcmjs throws; ours is a ParseError: there is no dataset.",
    "key _vrMap": "an input member of that name replaces dcmjs' own map, or makes it throw; ours drops the member.",
    "key __proto__": "JavaScript sets the prototype and the member is lost; ours is a name like any other.",
    "one tag in two spellings": "dcmjs makes two members of an unnamed tag, and keeps the VR note of the first of a "
    "named "
    "one; ours holds one attribute, the last wins. The generator makes none.",
    "private-dictionary keys": 'dcmjs names literal keys such as (0009,"ACUSON",00), which no server sends; ours '
    "keeps them.",
}

CORNERSTONE = {
    "registry names (D2)": "five attributes have other names from JSON than from Part-10; ours are the keywords.",
    "keyword as key": "the original knows some keywords and x00100020 forms as tags; ours takes them as unknown names.",
    "Value that is no array": "text is taken apart into characters, numbers and objects throw; ours is the one value.",
    "SQ with bulk and no Value": "the original throws; ours is the bulk descriptor, as for every VR.",
    "SQ item null": "the original throws; ours is an empty item.",
    "SQ item that is no object": "text and arrays are enumerated; ours is an empty item.",
    "member length": "a single object is made array-like in place, its own member `length` becomes 1; ours keeps it.",
    "element null": "kept: [] as in the original.",
    "integers beyond 2**53, 1e400, -0.0, __proto__, dataset null": "as for dcmjs.",
}


def expected_dcmjs(dataset: Any) -> dict[str, Any]:
    """What `to_dict("dcmjs")` must give."""
    return dcmjs_model.naturalize(dataset, lenient=True)


def expected_cornerstone(dataset: Any) -> dict[str, Any]:
    """What `to_dict("cornerstone")` must give."""
    return cornerstone_model.naturalize(dataset)


def dcmjs_agrees(dataset: Any) -> bool:
    """Whether dcmjs itself must give the same."""
    try:
        return difference(dcmjs_model.naturalize(dataset), expected_dcmjs(dataset)) is None
    except dcmjs_model.DcmjsThrows:
        return False


def cornerstone_agrees(dataset: Any) -> bool:
    """Whether the original itself must give the same."""
    try:
        original = cornerstone_model.naturalize(dataset, defects=True)
    except cornerstone_model.CornerstoneThrows:
        return False
    return difference(original, expected_cornerstone(dataset)) is None and not _KEYWORDS & dataset.keys()


_KEYWORDS = {entry[4] for entry in DicomDictionary.values()}
