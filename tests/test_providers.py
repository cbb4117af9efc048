"""Providers: who is asked, in which order, and what becomes of answers, errors and what is added."""

from __future__ import annotations

import ast
import asyncio
import copy
import inspect
import logging
import pickle
from enum import StrEnum
from pathlib import Path

import pytest

from metalith import _providers
from metalith.errors import ConfigurationError, MetadataNotFound, MetalithError
from metalith.providers import NULL, MetadataProviders, metadata, to_upper_camel

ID = "wadors:https://host/studies/1/series/2/instances/3/frames/4"


@pytest.fixture
def mine():
    return MetadataProviders()


def answers(value, asked=None):
    def provider(type, image_id):
        if asked is not None:
            asked.append(value)
        return value

    return provider


class Scaling:
    """The custom provider of the how-to: a dict, an add function, and a get."""

    def __init__(self):
        self.held = {}

    def add(self, image_id, value):
        self.held[image_id] = value

    def get(self, type, image_id):
        return self.held.get(image_id) if type == "scalingModule" else None


class Full:
    """A provider with everything that is looked for."""

    types = ("instance", "m")

    def __init__(self):
        self.held, self.bulk = {}, 0

    def add(self, type, image_id, value):
        if type == "other":
            return NotImplemented
        self.held[type, image_id] = value
        return "added"

    def add_instance(self, image_id, dataset):
        self.held["instance", image_id] = dataset
        return "added an instance"

    def get(self, type, image_id):
        return self.held.get((type, image_id))

    def get_many(self, type, image_ids):
        self.bulk += 1
        return [self.held.get((type, one)) for one in image_ids]

    def explain(self, type, image_id):
        return f"no {type} was added"


class TestOrder:
    def test_priorities_high_to_low_and_the_latest_first_on_ties(self, mine):
        asked = []
        for name, priority in (("a", 0), ("b", 0), ("c", -5), ("d", 10.5), ("e", 0)):
            mine.add_provider(lambda type, id, name=name: asked.append(name), priority)
        assert mine.get("m", ID) is None
        assert asked == ["d", "e", "b", "a", "c"]

    def test_none_moves_on_and_any_other_value_is_an_answer(self, mine):
        for value in (0, False, "", (), 0.0):
            mine.remove_all_providers()
            mine.add_provider(answers("next"))
            mine.add_provider(answers(value), 1)
            assert mine.get("m", ID) == value
            mine.add_provider(answers(None), 2)
            assert mine.get("m", ID) == value

    def test_null_ends_the_chain(self, mine):
        asked = []
        mine.add_provider(answers(1, asked))
        mine.add_provider(answers(NULL, asked), 1)
        assert mine.get("m", ID) is None
        assert asked == [NULL]
        assert mine.get_many("m", [ID, ID]) == [None, None]

    def test_null_is_one_and_false(self):
        assert not NULL
        assert repr(NULL) == "metalith.NULL"
        assert pickle.loads(pickle.dumps(NULL)) is NULL
        assert copy.deepcopy(NULL) is NULL

    def test_nobody_is_asked_for_no_image(self, mine):
        """D13: providers of the original throw when they are asked for null."""
        asked = []
        mine.add_provider(answers(1, asked))
        assert mine.get("m", None) is None
        assert mine.get_many("m", [None, ID]) == [None, 1]
        assert asked == [1]

    def test_a_falsy_id_is_asked_for_like_any(self, mine):
        """D13: there, get(type, "", id) answers with the empty id itself."""
        mine.add_provider(lambda type, image_id, *more: (image_id, more))
        assert mine.get("m", "") == ("", ())
        assert mine.get("m", 0, "x") == (0, ("x",))

    def test_further_arguments_are_handed_through(self, mine):
        mine.add_provider(lambda *args, **kwargs: (args, kwargs), cache=True)
        assert mine.get("m", ID, 1, 2, x=3) == (("m", ID, 1, 2), {"x": 3})
        assert mine.get("m", ID, x=4) == (("m", ID), {"x": 4})
        many = {f"k{n}": n for n in range(20)}
        assert mine.get("m", ID, *range(30), **many) == (("m", ID, *range(30)), many)
        assert mine.cache_info().entries == 0

    def test_arguments_that_lack(self, mine):
        for args in ((), ("m",)):
            with pytest.raises(TypeError, match="image id"):
                mine.get(*args)

    def test_types_as_classes_and_enums(self, mine):
        class Plane:
            type = "plane"

        class Kind(StrEnum):
            PLANE = "plane"

        mine.add_provider(lambda type, id: (type, type.__class__), types=[Plane])
        for asked in ("plane", Plane, Kind.PLANE, Plane(), "".join(["pla", "ne"])):
            assert mine.get(asked, ID) == ("plane", str)
            assert mine.get(asked, ID) == ("plane", str)
            assert mine.get_many(asked, [ID]) == [("plane", str)]
        for wrong in (None, 3, object(), int):
            with pytest.raises(TypeError, match="a type is"):
                mine.get(wrong, ID)

    def test_types_decide_who_is_asked(self, mine):
        asked = []
        mine.add_provider(answers("all", asked), -1)
        mine.add_provider(lambda type, id: asked.append("a"), types="a")
        mine.add_provider(lambda type, id: asked.append("ab"), types=("a", "b"))
        assert [mine.get(type, ID) for type in "abc"] == ["all"] * 3
        assert asked == ["ab", "a", "all", "ab", "all", "all"]

    def test_a_provider_may_tell_its_types_itself(self, mine):
        full = Full()
        mine.add_provider(full)
        assert mine.chain.registrations[0].types == {"instance", "m"}
        mine.remove_provider(full)
        mine.add_provider(full.get)
        assert mine.chain.registrations[0].types == {"instance", "m"}


class TestRegistration:
    def test_the_same_once(self, mine):
        """D12: registering again adds layers there."""
        scaling, asked = Scaling(), []
        provider = answers(None, asked)
        for _ in range(3):
            mine.add_provider(scaling.get)
            mine.add_provider(provider)
        assert len(mine.providers) == 2
        mine.get("m", ID)
        assert asked == [None]

    def test_an_object_and_its_get_are_one(self, mine):
        scaling = Scaling()
        mine.add_provider(scaling)
        mine.add_provider(scaling.get)
        assert len(mine.providers) == 1
        mine.remove_provider(scaling.get)
        assert mine.providers == ()

    def test_equal_owners_are_two_providers(self, mine):
        class Equal(Scaling):
            __hash__ = None

            def __eq__(self, other):
                return True

        mine.add_provider(Equal().get)
        mine.add_provider(Equal().get)
        assert len(mine.providers) == 2

    def test_other_settings_move_it(self, mine):
        first, second = answers(1), answers(2)
        mine.add_provider(first)
        mine.add_provider(second)
        assert mine.get("m", ID) == 2
        mine.add_provider(first)
        assert mine.get("m", ID) == 2
        mine.add_provider(first, 5)
        assert mine.get("m", ID) == 1
        assert len(mine.providers) == 2

    def test_removing(self, mine):
        provider = answers(1)
        mine.remove_provider(provider)
        mine.add_provider(provider)
        mine.add_typed_provider("m", lambda next, query, data, options: 2)
        mine.remove_provider(provider)
        assert mine.get("m", ID) == 2
        mine.remove_all_providers()
        assert mine.get("m", ID) is None
        assert mine.providers == ()

    def test_a_provider_may_change_the_chain_that_asks_it(self, mine):
        asked = []

        def first(type, id):
            mine.remove_provider(second)
            mine.add_provider(third, 5)

        second, third = answers(2, asked), answers(3, asked)
        mine.add_provider(first, 10)
        mine.add_provider(second)
        assert mine.get("m", ID) == 2
        assert mine.get("m", ID) == 3

    @pytest.mark.parametrize("wrong", [3, None, {}, object()])
    def test_what_is_no_provider(self, mine, wrong):
        with pytest.raises(TypeError):
            mine.add_provider(wrong)

    def test_settings_that_are_impossible(self, mine):
        for settings in ({"priority": "1"}, {"priority": float("nan")}, {"on_error": "ignore"}, {"types": []}):
            with pytest.raises(ConfigurationError, match=next(iter(settings))):
                mine.add_provider(answers(1), **settings)
        with pytest.raises(ConfigurationError):
            MetadataProviders(on_error="log")

    def test_names(self, mine):
        mine.add_provider(Scaling(), 9)
        mine.add_provider(Scaling().get, 8)
        mine.add_provider(answers(1), 7)
        mine.add_provider(answers(2), 6, name="mine")
        names = [one.name for one in mine.chain.registrations]
        assert names == ["Scaling", "Scaling.get", "provider", "mine"]


class TestErrors:
    def failing(self, type, image_id):
        raise KeyError("1.2.3")

    def test_they_reach_the_caller_with_the_name(self, mine):
        mine.add_provider(answers(1), -1)
        mine.add_provider(self.failing)
        for ask in (lambda: mine.get("m", ID), lambda: mine.get_many("m", [ID]), lambda: mine.require("m", ID)):
            with pytest.raises(KeyError) as caught:
                ask()
            assert caught.value.__notes__ == ["while metadata provider TestErrors.failing was asked for m"]

    def test_next(self, mine, caplog):
        mine.add_provider(answers(1), -1)
        mine.add_provider(self.failing, on_error="next", cache=True)
        with caplog.at_level(logging.WARNING, "metalith.providers"):
            assert mine.get("m", ID) == 1
            assert mine.get("m", ID) == 1
        assert len(caplog.records) == 2  # errors are not kept
        assert "TestErrors.failing" in caplog.text
        assert "KeyError" in caplog.text
        assert "1.2.3" not in caplog.text
        assert ID not in caplog.text

    def test_next_for_all(self, caplog):
        mine = MetadataProviders(on_error="next")
        mine.add_provider(self.failing)
        mine.add_provider(answers(1), -1)
        assert mine.get("m", ID) == 1
        mine.add_provider(self.failing, on_error="raise")
        with pytest.raises(KeyError):
            mine.get("m", ID)

    def test_an_interrupt_is_no_error_of_a_provider(self):
        def interrupted(type, id):
            raise KeyboardInterrupt

        mine = MetadataProviders(on_error="next")
        mine.add_provider(interrupted)
        with pytest.raises(KeyboardInterrupt):
            mine.get("m", ID)

    def test_a_provider_that_asks_itself(self, mine):
        mine.add_provider(lambda type, id: mine.get(type, id), cache=True)
        with pytest.raises(RecursionError):
            mine.get("m", ID)
        assert mine.cache_info().entries == 0


class TestRequireAndExplain:
    def test_found(self, mine):
        mine.add_provider(answers(3))
        assert mine.require("m", ID) == 3
        explained = mine.explain("m", ID)
        assert explained.answered_by == "provider"
        assert "answered by provider" in str(explained)

    def test_who_was_asked_and_what_they_lacked(self, mine):
        mine.add_provider(Full(), 5)
        mine.add_provider(answers(None), 3, name="silent")
        mine.add_provider(answers(None), 2, types="else", name="other")
        with pytest.raises(MetadataNotFound) as caught:
            mine.require("m", ID)
        error = caught.value
        assert isinstance(error, MetalithError)
        assert isinstance(error, LookupError)
        assert str(error).splitlines() == [
            "m of <ImageId wadors, frame 4>: no provider has it",
            "  Full, priority 5: has nothing: no m was added",
            "  silent, priority 3: has nothing",
            "  not for this type: other",
        ]
        assert [one.outcome for one in error.explanation.asked] == ["nothing", "nothing"]
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error)
        assert again.explanation == error.explanation

    def test_null_is_nothing_to_who_requires(self, mine):
        mine.add_provider(answers(1))
        mine.add_provider(answers(NULL), 1, name="sure")
        with pytest.raises(
            MetadataNotFound, match=r"sure, priority 1: says that there is nothing\n.*not asked any more"
        ):
            mine.require("m", ID)

    def test_errors_in_explanations(self, mine):
        mine.add_provider(answers(1))
        mine.add_provider(TestErrors().failing, 1)
        said = mine.explain("m", ID)
        assert [one.outcome for one in said.asked] == ["error", "not asked"]
        mine.on_error = "next"
        assert [one.outcome for one in mine.explain("m", ID).asked] == ["error", "answered"]

    def test_it_shows_no_id(self, mine):
        for id in ("https://host/a?token=secret", "secret", 3, None):
            assert "secret" not in str(mine.explain("m", id))
        assert "nobody was asked" in str(mine.explain("m", ID))

    def test_it_keeps_and_counts_nothing(self, mine):
        mine.add_provider(answers(1), cache=True)
        mine.explain("m", ID)
        assert mine.cache_info() == (0, 0, 0, 0, 0)
        mine.get("m", ID)
        info = mine.cache_info()
        assert "kept from before" in str(mine.explain("m", ID))
        assert mine.cache_info() == info


class TestMany:
    def test_it_is_get_of_each(self, mine):
        ids = [f"web:{n}" for n in range(50)]
        mine.add_provider(lambda type, id: id if id.endswith("3") else None, 5, cache=True)
        mine.add_provider(lambda type, id: NULL if id.endswith("4") else None, 4)
        mine.add_provider(lambda type, id: 2 * id if id.endswith(("4", "5")) else None, 3, cache=True)
        expected = [mine.get("m", id) for id in ids]
        assert mine.get_many("m", ids) == expected
        assert mine.get_many("m", iter(ids)) == expected
        assert mine.get_many("m", []) == []
        with pytest.raises(TypeError):
            mine.get_many("m", "web:1")

    @pytest.mark.parametrize("cache", [False, True])
    def test_a_provider_for_many_is_called_once(self, mine, cache):
        full = Full()
        mine.add_provider(full, cache=cache)
        mine.add_provider(lambda type, id: -1, -1)
        ids = [f"web:{n}" for n in range(10)]
        for n in (1, 4, 7):
            full.held["m", ids[n]] = NULL if n == 4 else n
        expected = [-1, 1, -1, -1, None, -1, -1, 7, -1, -1]
        assert mine.get_many("m", ids) == expected
        assert full.bulk == 1
        assert mine.get_many("m", ids) == expected
        assert full.bulk == (1 if cache else 2)
        assert [mine.get("m", id) for id in ids] == expected
        mine.check()

    def test_a_provider_for_many_that_fails(self, mine):
        class Short(Full):
            def get_many(self, type, image_ids):
                return [1]

        mine.add_provider(Short(), cache=True)
        with pytest.raises(TypeError, match="another number") as caught:
            mine.get_many("m", ["web:1", "web:2"])
        assert "Short" in caught.value.__notes__[0]
        mine.on_error = "next"
        mine.add_provider(answers(5), -1)
        assert mine.get_many("m", ["web:1", "web:2"]) == [5, 5]


class TestNormalized:
    def test_names(self):
        names = {"sopInstanceUID": "SOPInstanceUID", "patientId": "PatientID", "voiLUTFunction": "VOILUTFunction"}
        names |= {"rows": "Rows", "kVP": "KVP", "": "", "Id": "ID"}
        assert {name: to_upper_camel(name) for name in names} == names

    def test_later_types_stay(self, mine):
        class Module:
            def to_cornerstone(self):
                return {"rows": 2, "sopClassUID": None}

        held = {"a": {"rows": 1, "columns": 3}, "b": Module()}
        mine.add_provider(lambda type, id: held.get(type))
        assert mine.get_normalized(ID, ["a", "none", "b"]) == {"Rows": 2, "Columns": 3, "SOPClassUID": None}
        assert mine.get_normalized(ID, ["a"], lambda type, id: {"x": type}) == {"X": "a"}
        held["c"] = 3
        with pytest.raises(TypeError, match="answer to c"):
            mine.get_normalized(ID, ["c"])


class TestTyped:
    def test_order_and_what_is_handed_on(self, mine):
        def link(name):
            return lambda next, query, data, options: [name, next(query, (data or 0) + 1, options)]

        mine.add_typed_provider("m", link("a"))
        mine.add_typed_provider("m", link("b"))
        mine.add_typed_provider("m", link("c"), -5)
        mine.add_typed_provider("m", link("d"), 5000)
        mine.add_typed_provider("m", lambda next, query, data, options: (query, data, options), -1000)
        assert mine.get("m", ID) == ["d", ["b", ["a", ["c", (ID, 4, None)]]]]
        assert mine.get("m", ID, {"x": 1}) == ["d", ["b", ["a", ["c", (ID, 4, {"x": 1})]]]]
        assert mine.get("n", ID) is None

    def test_the_end_of_the_chain(self, mine):
        mine.add_typed_provider("m", lambda next, query, data, options: next(query, data, options))
        assert mine.get("m", ID) is None
        assert mine.get("m", ID, options={"default_value": 3}) == 3

    def test_untyped_providers_come_first(self, mine):
        mine.add_typed_provider("m", lambda next, query, data, options: "typed")
        mine.add_provider(answers("late"), -1001)
        assert mine.get("m", ID) == "typed"
        mine.add_provider(answers("early"))
        assert mine.get("m", ID) == "early"

    def test_the_same_once_and_removed(self, mine):
        def function(next, query, data, options):
            return [next(query)]

        for _ in range(3):
            mine.add_typed_provider("m", function)
        assert mine.get("m", ID) == [None]
        assert "function" in mine.chain.registrations[0].name
        mine.remove_typed_provider("m", len)
        mine.remove_typed_provider("m", function)
        mine.remove_typed_provider("m", function)
        assert mine.providers == ()
        with pytest.raises(TypeError):
            mine.add_typed_provider("m", None)

    def test_clear_and_clear_query(self, mine):
        cleared = []
        for kind in ("m", "mAdd"):
            mine.add_typed_provider(
                kind,
                lambda next, query, data, options: object(),
                clear=lambda kind=kind: cleared.append(kind),
                clear_query=lambda query, kind=kind: cleared.append((kind, query)),
                cache=True,
            )
        base = ID.removesuffix("/frames/4")
        first, other = mine.get("m", ID), mine.get("m", "web:1")
        assert mine.get("m", ID) is first
        mine.clear_query("m", base)
        assert cleared == [("m", base), ("mAdd", base)]
        assert mine.get("m", ID) is not first
        assert mine.get("m", "web:1") is other
        del cleared[:]
        mine.clear("m")
        mine.clear_query("m", None)
        mine.clear("unknown")
        assert cleared == ["m", "mAdd"] * 2
        assert mine.get("m", "web:1") is not other

    def test_a_new_function_forgets_the_answers_of_its_type(self, mine):
        mine.add_typed_provider("m", lambda next, query, data, options: 1, cache=True)
        mine.add_typed_provider("n", lambda next, query, data, options: 1, cache=True)
        mine.get("m", ID)
        mine.get("n", ID)
        mine.add_typed_provider("m", lambda next, query, data, options: 2, cache=True)
        assert mine.get("m", ID) == 2
        assert mine.cache_info().entries == 2


class TestAdding:
    def test_custom_provider_in_three_lines(self, mine):
        scaling = Scaling()
        mine.add_provider(scaling.get, priority=10_000)
        scaling.add(ID, {"slope": 2})
        assert mine.get("scalingModule", ID) == {"slope": 2}
        with pytest.raises(MetadataNotFound, match="scalingModule to be added"):  # its `add` is its own business
            mine.add("scalingModule", ID, 1)

    def test_it_goes_to_the_first_that_takes_it(self, mine):
        first, second = Full(), Full()
        mine.add_provider(second, types=["m", "other", "instance"])
        mine.add_provider(first.get, 5)
        assert mine.add("m", ID, 1) == "added"
        assert mine.add("instance", ID, 2) == "added an instance"
        assert first.held == {("m", ID): 1, ("instance", ID): 2}
        with pytest.raises(MetadataNotFound, match="does not take it"):
            mine.add("other", ID, 3)

    def test_what_is_added_is_seen_at_once_on_all_frames(self, mine):
        full, base = Full(), ID.removesuffix("/frames/4")
        mine.add_provider(lambda type, id: full.held.get(("instance", base)), types="m", cache=True)
        mine.add_provider(full)
        assert mine.get("m", ID) is None
        mine.add("instance", base, 1)
        assert mine.get("m", ID) == 1

    def test_typed(self, mine):
        added = []
        mine.add_add_provider("m", lambda next, query, data, options: added.append((query, data)) or "done")
        assert mine.add("m", ID, 3) == "done"
        assert added == [(ID, 3)]

    def test_errors_have_the_name(self, mine):
        class Failing(Full):
            def add(self, type, image_id, value):
                raise OSError

        mine.add_provider(Failing())
        with pytest.raises(OSError) as caught:  # noqa: PT011
            mine.add("m", ID, 3)
        assert caught.value.__notes__ == ["while metadata provider Failing was given m"]

    @pytest.mark.parametrize("future", [False, True])
    def test_async(self, mine, future):
        class Slow(Full):
            def add(self, type, image_id, value):
                async def adding():
                    await asyncio.sleep(0)
                    self.held[type, image_id] = value

                return asyncio.ensure_future(adding()) if future else adding()

        async def go():
            slow = Slow()
            mine.add_provider(slow, cache=True)
            adding = mine.add("m", ID, 3)
            assert mine.get("m", ID) is None
            await adding
            await asyncio.sleep(0)
            assert mine.get("m", ID) == 3

        asyncio.run(go())


class TestAsync:
    def test_asked_twice_at_once_is_done_once(self, mine):
        """D14: there, two calls are two look-ups."""
        calls = []

        async def provider(type, image_id):
            calls.append(image_id)
            await asyncio.sleep(0)
            return 3

        async def go():
            mine.add_provider(provider, cache=True)
            assert await asyncio.gather(mine.get("m", ID), mine.get("m", ID)) == [3, 3]
            assert await mine.get("m", ID) == 3
            mine.invalidate(ID)
            assert await mine.get("m", ID) == 3

        asyncio.run(go())
        assert calls == [ID, ID]

    def test_failures_are_not_kept(self, mine):
        calls = []

        async def provider(type, image_id):
            calls.append(image_id)
            raise OSError

        async def go():
            mine.add_provider(provider, cache=True)
            for _ in range(2):
                with pytest.raises(OSError):  # noqa: PT011
                    await mine.get("m", ID)
                await asyncio.sleep(0)

        asyncio.run(go())
        assert len(calls) == 2

    def test_without_a_loop(self, mine):
        async def provider(type, image_id):
            return 3

        mine.add_provider(provider, cache=True)
        assert asyncio.run(mine.get("m", ID)) == 3
        assert mine.cache_info().entries == 0
        assert mine.explain("m", ID).answered_by == "TestAsync.test_without_a_loop.<locals>.provider".rpartition(".")[2]


def test_the_default_one():
    assert isinstance(metadata, MetadataProviders)
    assert repr(metadata).startswith("<MetadataProviders: ")
    assert list(inspect.signature(metadata.get).parameters) == ["type", "image_id", "args", "kwargs"]


def test_stubs_name_what_there_is():
    tree = ast.parse(Path(__file__).parents[1].joinpath("src/metalith/_providers.pyi").read_text(encoding="utf-8"))
    special = {"__init__", "__call__", "__bool__"}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert callable(getattr(_providers, node.name))
        elif isinstance(node, ast.ClassDef):
            made = {name for name in vars(getattr(_providers, node.name)) if not name.startswith("_")}
            members = (one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AnnAssign)))
            said = {one.name if isinstance(one, ast.FunctionDef) else one.target.id for one in members}
            assert said - special == made, node.name
