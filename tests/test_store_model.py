"""A store against a model of plain dicts, through whatever sequence of changes Hypothesis thinks of."""

from __future__ import annotations

import copy

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from models.store_checks import Refused, all_series, check, natural

import metalith
from metalith.store import MetadataStore

SERIES = [("1", "1.1"), ("1", "1.2"), ("2", "2.1")]
SOPS = [f"5.{i}" for i in range(12)]

series = st.sampled_from(SERIES)
rows = st.lists(st.tuples(st.sampled_from(SOPS), series), max_size=8)
policies = st.sampled_from(["replace", "keep", "raise", None])


class Model:
    """Studies, their series, and what these have: version by UID, in order; None of a series that was evicted."""

    def __init__(self):
        self.studies = {}

    def known(self, key):
        return self.studies.setdefault(key[0], {}).setdefault(key[1], {})

    def all(self):
        return [((study, uid), held) for study, found in self.studies.items() for uid, held in found.items()]

    def where(self, sop):
        return next((key for key, held in self.all() if held and sop in held), None)

    def add(self, sop, key, version, policy):
        """Whether it came in."""
        held = self.known(key)
        there = self.where(sop)
        if there and policy == "raise":
            raise metalith.DuplicateInstanceError("", rows=[])
        if there and policy == "keep":
            return 0
        if there:
            del self.studies[there[0]][there[1]][sop]
        if held is None:
            held = self.studies[key[0]][key[1]] = {}
        held[sop] = version
        return 1


class StoreMachine(RuleBasedStateMachine):
    @initialize(policy=st.sampled_from(["replace", "keep"]), chosen=rows)
    def begin(self, policy, chosen):
        self.evicted = {}
        self.store = MetadataStore(on_duplicate=policy, loader=self.load)
        self.policy, self.model, self.version, self.open = policy, Model(), 0, []
        self.put(chosen, None, "dicts")

    def load(self, study, uid):
        held = self.evicted.get((study, uid), {})
        return [natural(sop, uid, study, InstanceNumber=version) for sop, version in held.items()]

    def instances(self, chosen):
        self.version += 1
        return [natural(sop, key[1], key[0], InstanceNumber=self.version) for sop, key in chosen]

    # ---- changes ----

    @rule(chosen=rows, policy=policies, form=st.sampled_from(["dicts", "instances"]))
    def add(self, chosen, policy, form):
        self.put(chosen, policy, form)

    @rule(chosen=rows, policy=policies)
    def add_table(self, chosen, policy):
        self.put(chosen, policy, "table")

    @rule(chosen=rows, policy=policies)
    def add_tables(self, chosen, policy):
        self.put(chosen, policy, "tables")

    @rule(sop=st.sampled_from(SOPS), key=series, policy=policies)
    def add_one(self, sop, key, policy):
        self.put([(sop, key)], policy, "dicts")

    def put(self, chosen, policy, form):
        given = self.instances(chosen)
        if form != "dicts":
            given = metalith.naturalize(metalith.dumps(given))
        if form == "instances":
            given = list(given)
        if form == "tables":
            given = [metalith.naturalize([metalith.denaturalize(one)]) for one in given]
        before = copy.deepcopy(self.model)
        # a table is cut into its series, which come one after the other
        first = [key for _, key in chosen]
        order = chosen if form == "tables" else sorted(chosen, key=lambda one: first.index(one[1]))
        try:
            for sop, key in order:
                self.model.add(sop, key, self.version, policy or self.policy)
        except metalith.DuplicateInstanceError:
            self.model = before
            with pytest.raises(metalith.DuplicateInstanceError):
                self.store.add_instances(given, on_duplicate=policy)
        else:
            self.store.add_instances(given, on_duplicate=policy)

    @rule(sop=st.sampled_from(SOPS), whole=st.booleans())
    def remove_instance(self, sop, whole):
        key = self.model.where(sop)
        uids = (*key, sop) if key and whole else (sop,)
        assert self.store.remove_instance(*uids) == (key is not None)
        if key:
            del self.model.studies[key[0]][key[1]][sop]

    @rule(key=series)
    def remove_series(self, key):
        known = key[1] in self.model.studies.get(key[0], {})
        assert self.store.remove_series(*key) == known
        if known:
            del self.model.studies[key[0]][key[1]]

    @rule(study=st.sampled_from(["1", "2"]))
    def remove_study(self, study):
        assert self.store.remove_study(study) == (study in self.model.studies)
        self.model.studies.pop(study, None)

    @rule(key=series)
    def know_of(self, key):
        self.store.add_series_metadata(natural("", key[1], key[0]))
        self.model.known(key)

    @rule(key=series)
    def update(self, key):
        held = self.model.studies.get(key[0], {}).get(key[1])
        if held:
            self.version += 1
            self.store.update_metadata_for_series(*key, {"InstanceNumber": self.version})
            held.update(dict.fromkeys(held, self.version))
        else:
            with pytest.raises(metalith.StoreError):
                self.store.update_metadata_for_series(*key, {"InstanceNumber": 0})

    @precondition(lambda self: not self.open)
    @rule(pinned=st.sets(series))
    def evict(self, pinned):
        for one in all_series(self.store):
            one.pinned = (one.study_instance_uid, one.series_instance_uid) in pinned
        self.store._max_bytes = 0
        with self.store.transaction():
            pass
        self.store._max_bytes = None
        for key, held in self.model.all():
            if held and key not in pinned:
                self.evicted[key] = held
                self.model.studies[key[0]][key[1]] = None

    @rule(key=series)
    def bring_back(self, key):
        known = self.store.series(*key)
        if known is None:
            return
        held = self.model.studies[key[0]][key[1]]
        known.load()
        if not held:
            for sop, version in self.evicted.get(key, {}).items():
                self.model.add(sop, key, version, "keep")

    # ---- transactions ----

    @precondition(lambda self: len(self.open) < 3)
    @rule()
    def enter(self):
        block = self.store.transaction()
        block.__enter__()
        self.open.append((block, copy.deepcopy(self.model)))

    @precondition(lambda self: self.open)
    @rule(fails=st.booleans())
    def leave(self, fails):
        block, before = self.open.pop()
        if fails:
            error = Refused()
            assert not block.__exit__(Refused, error, None)
            self.model = before
        else:
            block.__exit__(None, None, None)

    def teardown(self):
        while getattr(self, "open", None):
            self.leave(True)
        if hasattr(self, "store"):
            self.same()

    # ---- what can be seen ----

    @invariant()
    def same(self):
        store = self.store
        if not self.open:
            check(store)
        found = {
            study.study_instance_uid: {
                one.series_instance_uid: None
                if one.is_evicted
                else {instance.SOPInstanceUID: instance.InstanceNumber for instance in one}
                for one in study
            }
            for study in store
        }
        assert found == self.model.studies
        assert list(found) == list(self.model.studies) == store.study_instance_uids
        for study, held in found.items():
            assert list(held) == list(self.model.studies[study])
            for uid, instances in held.items():
                expected = self.model.studies[study][uid]
                assert list(instances or ()) == list(expected or ())
                assert len(store.series(study, uid)) == len(expected or ())
        for sop in SOPS:
            key, instance = self.model.where(sop), store.instance(sop)
            assert (sop in store) == (key is not None) == (instance is not None)
            if key:
                assert (instance.StudyInstanceUID, instance.SeriesInstanceUID) == key
                assert instance.InstanceNumber == self.model.studies[key[0]][key[1]][sop]
                assert store.instance_by_image_id(f"wadors:/instances/{sop}/frames/1") == instance
            for other in SERIES:
                assert (store.instance(*other, sop) is not None) == (other == key)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
