# Frames of one object, for builders: what `metalith.frames` says of an attribute, found out once for all frames.

cdef enum:
    KNOWN_PLANS = 64

cdef uint32_t _POSITION = 0x00200032

@cython.final
cdef class _Held:
    """An attribute of a frame's own groups: in which group, None for the item itself, and which column there."""
    cdef InstanceTable table
    cdef uint32_t group, column
    cdef InstanceTable groups


@cython.final
cdef class FrameViews:
    """The frames of an object.

    Parameters
    ----------
    frames : metalith.frames.Frames
    layout_of : callable
        `metalith.frames_groups.layout_of`.
    special : frozenset of str
        Attributes that more than the functional groups decide on.
    """
    cdef Instance root
    cdef object frames, layout_of
    cdef frozenset special
    cdef Sequence items
    cdef Py_ssize_t count
    cdef dict plans      # by identity of a layout: the layout, and by tag a _Held or what all such frames have

    def __init__(self, frames, layout_of, frozenset special not None):
        self.frames, self.root, self.layout_of, self.count = frames, frames.instance, layout_of, len(frames)
        self.special = special
        items = frames._per_frame
        self.items = items if isinstance(items, Sequence) else _EMPTY_SEQUENCE
        self.plans = {}

    cdef FrameView view(self, int64_t number):
        """A frame by its number, from 1; None where there is none."""
        cdef FrameView view
        if not 1 <= number <= self.count:
            return None
        view = FrameView.__new__(FrameView)
        view.views = self
        if number <= self.items.length:
            view.item = _instance(self.items.table, self.items.first + <uint32_t>(number - 1))
        view.layout = self.layout_of(view.item)
        known = self.plans.get(id(view.layout))
        if known is None:
            known = (view.layout, {})
            if len(self.plans) < KNOWN_PLANS:
                self.plans[id(view.layout)] = known
        view.plan = <dict>(<tuple>known)[1]
        return view

    cdef object find(self, FrameView view, uint32_t tag):
        """Where frames of a view's layout have an attribute, or their value; NotImplemented where it takes more."""
        cdef Instance holder
        name = keyword_of(tag)
        group = view.layout.get(name)
        if group is not None:
            return self.held(view.item, group, name)
        group = self.frames.shared_layout.get(name)
        if group is not None:
            holder = self.frames._shared
            if group:
                holder = holder[group][0]
            value = holder.at_tag(tag)
        else:
            value = self.root.at_tag(tag)
        if name in self.special and (value is _MISSING or value is None or tag == _POSITION):
            return NotImplemented
        return value

    cdef object held(self, Instance item, str group, str name):
        cdef _Held held = _Held.__new__(_Held)
        cdef ml_column *c
        held.table = item.table
        held.group = ML_NO_INDEX
        held.groups = item.table
        if group:
            held.group = item.table.find(group)
            c = &item.table.table.columns[held.group]
            if c.twin != ML_NO_INDEX or c.child == NULL:
                return NotImplemented
            held.groups = item.table.child(held.group)
        held.column = held.groups.find(name)
        return held


@cython.final
cdef class FrameView:
    """One frame, as builders read it."""
    cdef FrameViews views
    cdef Instance item       # of PerFrameFunctionalGroupsSequence, or None
    cdef object layout
    cdef dict plan

    cdef object at_tag(self, uint32_t tag):
        """The value of an attribute; _MISSING, or NotImplemented."""
        cdef _Held held
        cdef ml_shape *shape
        cdef ml_value value
        cdef ml_table *table
        cdef uint32_t slot
        cdef PyObject *known = PyDict_GetItemWithError(self.plan, tag)
        found = <object>known if known != NULL else self.views.find(self, tag)
        if known == NULL:
            self.plan[tag] = found
        if type(found) is not _Held:
            return found
        held = <_Held>found
        if held.group == ML_NO_INDEX:
            return self.item.at_column(held.column)
        table = held.table.table
        shape = &table.shapes[self.item.row.shape]
        slot = ml_shape_slot(shape, held.group)
        if slot == ML_NO_INDEX:
            return NotImplemented
        value = ml_value_at(
            table.document, &table.columns[held.group], ml_shape_cell(shape, slot, self.item.row.index)
        )
        if value.form != ML_FORM_ITEMS or not ml_value_range(&value).count:
            return NotImplemented
        return _instance(held.groups, ml_value_range(&value).first).at_column(held.column)
