"""Modules beside `@cornerstonejs/metadata`: equal, but for the differences that are listed."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from models.js import difference
from models.module_cases import CASES
from models.module_check import TYPES, ask, bundled, image_id
from models.module_differences import ABSENT, DIFFERENCES, OF_FRAMES, OF_OBJECTS, WHOLE
from models.module_generate import KINDS, MULTI_FRAME, generated

import metalith
from metalith import modules
from metalith.frames import frame_of
from metalith.scaling import scaling_module

COUNT = 40  # of each kind; some have frames


def differing(ours, theirs):
    """Members that differ, with both values; the module as such where one of them is none."""
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        if difference(ours, theirs, doubles=True):
            yield WHOLE, ours, theirs
        return
    for member in {**ours, **theirs}:
        mine, yours = ours.get(member, ABSENT), theirs.get(member, ABSENT)
        if difference(mine, yours, doubles=True):
            yield member, mine, yours


def compare(name, data, id, given, used, wanted=DIFFERENCES):
    """Note the differences that explain what differs, and give what none explains."""
    for type in TYPES:
        module = scaling_module(data) if type == "scalingModule" else modules.build(type, data, image_id=id)
        ours = None if module is None else module.to_cornerstone()
        for member, mine, yours in differing(ours, given[type]):
            fitting = [
                one.reason
                for one in wanted
                if {member, f"{type} {member}"} & {*one.members} and one.explains(mine, yours, data)
            ]
            used.update(fitting)
            if not fitting:
                yield f"{name}: {type}.{member}: {mine!r:.150} is not {yours!r:.150}"


@pytest.fixture(scope="module")
def outcome(oracles, real_bodies):
    """By what was compared, what no difference explains; the differences that explain something; how many modules of
    each type the original answered.
    """
    used, found, answered = set(), {}, Counter()
    named = [*bundled(), *CASES.items()]
    assert len(named) > 90
    found["files and cases"] = list(_of_instances(oracles, named, used, Counter()))
    text = json.dumps(json.loads(real_bodies("enhanced-part10"))[0])
    found["enhanced MR"] = [
        line for number in (1, 2, 64) for line in _of_frames(oracles, [("enhanced MR", text)], number, used, Counter())
    ]
    for kind in KINDS:
        several = [(f"{kind} {row}", text) for row, text in enumerate(generated(kind, COUNT))]
        if kind not in MULTI_FRAME:
            found[kind] = list(_of_instances(oracles, several, used, answered))
            continue
        found[kind] = [line for number in (None, 2) for line in _of_frames(oracles, several, number, used, answered)]
    return found, used, answered


def _of_instances(oracles, named, used, answered):
    given = ask(oracles, [text for _, text in named])
    answered.update(_said(given))
    for row, ((name, text), answers) in enumerate(zip(named, given, strict=True)):
        yield from compare(name, metalith.naturalize_dataset(text), image_id(row), answers, used)


def _said(given):
    """Types of the modules that say something."""
    empty = (None, {}, {"isVideo": False})
    return (type for answers in given for type, answer in answers.items() if answer not in empty)


def _of_frames(oracles, named, number, used, answered):
    """Of a frame, by its id; without a number of the first one, by the id of the instance."""
    has = [(name, text) for name, text in named if _frames(text) >= (number or 1)]
    given = ask(oracles, [text for _, text in has], frame=number)
    answered.update(_said(given))
    wanted = (*DIFFERENCES, *OF_OBJECTS, *(OF_FRAMES if number else ()))
    for row, ((name, text), answers) in enumerate(zip(has, given, strict=True)):
        frame = frame_of(metalith.naturalize_dataset(text), number or 1)
        yield from compare(f"{name} frame {number}", frame, image_id(row, number), answers, used, wanted)


def _frames(text):
    return int(json.loads(text).get("00280008", {"Value": [1]})["Value"][0])


@pytest.mark.parametrize("what", ["files and cases", "enhanced MR", *KINDS])
def test_agree(outcome, what):
    unexplained = outcome[0][what]
    assert not unexplained, f"{len(unexplained)} unlike:\n" + "\n".join(unexplained[:20])


def test_no_difference_is_stale(outcome):
    listed = [one.reason for one in (*DIFFERENCES, *OF_OBJECTS, *OF_FRAMES)]
    assert len(set(listed)) == len(listed)
    assert not [reason for reason in listed if reason not in outcome[1]], "differences that no longer are"


def test_what_is_compared(outcome):
    """The original says something of every type for generated instances."""
    assert [type for type in TYPES if outcome[2][type] < 15] == []
