"""Modules beside `@cornerstonejs/metadata`: equal, but for the differences that are listed."""

from __future__ import annotations

import json

import pytest
from models.js import difference
from models.module_cases import CASES
from models.module_check import TYPES, ask, bundled, image_id
from models.module_differences import ABSENT, DIFFERENCES, OF_FRAMES, WHOLE

import metalith
from metalith import modules
from metalith.frames import frame_of


@pytest.fixture(scope="module")
def answers(oracles):
    named = [*bundled(), *CASES.items()]
    return list(zip(named, ask(oracles, [text for _, text in named]), strict=True))


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
        module = modules.build(type, data, image_id=id)
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


def test_agree_about_frames(oracles, real_bodies):
    used, text = set(), json.dumps(json.loads(real_bodies("enhanced-part10"))[0])
    instance = metalith.naturalize_dataset(text)
    for number in (1, 2, 64):
        (given,) = ask(oracles, [text], frame=number)
        assert given["imagePlaneModule"]["usingDefaultValues"] is False
        assert given["voiLutModule"]["windowCenter"]
        wanted = (*DIFFERENCES, *OF_FRAMES)
        frame = frame_of(instance, number)
        unexplained = list(compare(f"frame {number}", frame, image_id(0, number), given, used, wanted))
        assert not unexplained, "\n".join(unexplained)
    assert used >= {one.reason for one in OF_FRAMES}, "differences that no longer are"


def test_agree(answers):
    used, unexplained = set(), []
    for row, ((name, text), given) in enumerate(answers):
        unexplained += compare(name, metalith.naturalize_dataset(text), image_id(row), given, used)
    assert not unexplained, "\n".join(unexplained)
    assert len(answers) > 90
    stale = [one.reason for one in DIFFERENCES if one.reason not in used]
    assert not stale, f"differences that no longer are: {stale}"
