# Instance: one row. Sequence: some rows of a child table.

cdef object _MISSING = object()
cdef tuple _IDENTIFIERS = (
    ("SOPInstanceUID", frozenset("0123456789.")),
    ("Modality", frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    ("InstanceNumber", frozenset("-0123456789")),
)


cdef bint _same_value(object a, object b) except -1:
    """Equality of content: NaN equals NaN."""
    if a is b or a == b:
        return True
    if isinstance(a, float) and isinstance(b, float):
        return a != a and b != b
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all([_same_value(x, y) for x, y in zip(a, b)])
    return False


cdef bint _same_content(dict a, dict b) except -1:
    for name, value in a.items():
        if name not in b or not _same_value(value, b[name]):
            return False
    return len(a) == len(b)


cdef object _hashable(object value):
    """The value, or something in its place that hashes by content."""
    if isinstance(value, float) and value != value:
        return "NaN"
    return tuple([_hashable(member) for member in value]) if isinstance(value, tuple) else value


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Instance:
    """One dataset in natural form: an immutable mapping of attribute names to values.

    Attributes are found by keyword (`instance.Rows`, `instance["Rows"]`), by tag (`instance["00280010"]`,
    `instance[0x00280010]`) and, when private, by creator (`instance.private("GEMS_PARM_01", 0x0043, 0x39)`). One
    value is the value, several are a tuple, a present but empty attribute is None, an absent one raises `KeyError` or
    `AttributeError`.

    Examples
    --------
    >>> instance = metalith.naturalize(b'{"00280010":{"vr":"US","Value":[512]},"00100010":{"vr":"PN"}}')[0]
    >>> instance.Rows, instance["00280010"], instance.PatientName, "Columns" in instance
    (512, 512, None, False)
    """
    cdef InstanceTable table
    cdef ml_row row
    cdef uint32_t index

    def __init__(self):
        raise TypeError("Instance is made by metalith.naturalize, metalith.naturalize_dataset or Instance.replace")

    # ---- look-up ----

    cdef object at_column(self, uint32_t column):
        """The value of a column, or of its other spellings, in this row; _MISSING."""
        cdef ml_table *table = self.table.table
        cdef ml_shape *shape = &table.shapes[self.row.shape]
        cdef uint32_t slot
        while column != ML_NO_INDEX:
            slot = column if shape.identity and column < shape.width else ml_shape_slot(shape, column)
            if slot != ML_NO_INDEX:
                return self.table.value(column, ml_shape_cell(shape, slot, self.row.index))
            column = table.columns[column].twin
        return _MISSING

    cdef object at_tag(self, uint32_t tag):
        """The same for the attribute of a tag."""
        return self.at_column(ml_table_find_tag(self.table.table, tag))

    cdef bint locate(self, object key, uint32_t *column, uint32_t *cell) except -1:
        """Where the attribute of a keyword, tag text or tag number stands; 0 when the instance lacks it."""
        cdef ml_table *table = self.table.table
        cdef ml_shape *shape = &table.shapes[self.row.shape]
        cdef uint32_t slot
        column[0] = self.table.find(key) if isinstance(key, str) else _find_number(table, key)
        while column[0] != ML_NO_INDEX:
            slot = ml_shape_slot(shape, column[0])
            if slot != ML_NO_INDEX:
                cell[0] = ml_shape_cell(shape, slot, self.row.index)
                return 1
            column[0] = table.columns[column[0]].twin
        return 0

    cdef object lookup(self, object key):
        cdef uint32_t column, cell
        if PyUnicode_CheckExact(key):
            return self.at_column(self.table.find(key))
        return self.table.value(column, cell) if self.locate(key, &column, &cell) else _MISSING

    def __getitem__(self, key):
        value = self.lookup(key)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __getattribute__(self, name):
        # keywords begin with a capital or, as tags, a digit; what the class has begins with a small letter or an
        # underscore
        if PyUnicode_GET_LENGTH(name) and PyUnicode_READ_CHAR(name, 0) < c'_':
            value = self.at_column(self.table.find(name))
            if value is not _MISSING:
                return value
            raise AttributeError(f"the instance has no {name}", name=name, obj=self)
        return PyObject_GenericGetAttr(self, name)

    def __setattr__(self, name, value):
        raise AttributeError(f"an Instance is immutable; replace({name}=…) gives a changed one", name=name, obj=self)

    def __delattr__(self, name):
        raise AttributeError(f"an Instance is immutable; replace({name}=...) gives one without", name=name, obj=self)

    def get(self, key, default=None):
        """The value of an attribute, or `default` where the instance lacks it."""
        value = self.lookup(key)
        return default if value is _MISSING else value

    def __contains__(self, key):
        cdef uint32_t column, cell
        return self.locate(key, &column, &cell) if isinstance(key, str) or hasattr(key, "__index__") else False

    def private(self, str creator not None, group, element, default=_MISSING):
        """The value of a private attribute, by its creator.

        Parameters
        ----------
        creator : str
            Private creator, as in the block's (gggg,0010-00FF) element.
        group, element : int
            The odd group, and the element or its last two digits (0x39 and 0x1039 mean the same).
        default : optional
            Given back instead of raising.

        Raises
        ------
        KeyError
            The instance has no such block, or the block no such element.

        Notes
        -----
        PS3.5 section 7.8.1.
        """
        cdef uint32_t block, tag
        for block in range(0x10, 0x100):
            reserved = self.lookup(<uint32_t>group << 16 | block)
            if reserved is not _MISSING and isinstance(reserved, str) and reserved.strip() == creator:
                tag = <uint32_t>group << 16 | block << 8 | (<uint32_t>element & 0xFF)
                value = self.lookup(tag)
                if value is not _MISSING:
                    return value
        if default is _MISSING:
            raise KeyError((creator, group, element))
        return default

    def raw(self, key):
        """The value as it was sent, before it was typed: number texts and strings as str, several as tuple, null as
        None.

        Names give a dict of their component groups, InlineBinary its base64 text, BulkDataURI its URI, an element of
        unusual make-up its JSON text, a sequence the list of its items as DICOM JSON dicts.
        """
        cdef uint32_t column, cell
        if not self.locate(key, &column, &cell):
            raise KeyError(key)
        return _raw_value(self.table, column, cell)

    def vr(self, key):
        """The VR that decides the type of the value: as sent, or the dictionary's where it was not (which may be a
        choice, "OB or OW"). str.
        """
        cdef uint32_t column, cell
        cdef ml_value value
        if not self.locate(key, &column, &cell):
            raise KeyError(key)
        value = ml_value_at(self.table.table.document, &self.table.table.columns[column], cell)
        return ml_vr_name(ml_effective_vr(&self.table.table.columns[column], value.vr)).decode()

    def tag(self, key):
        """The tag number of an attribute; None for a key that is no tag. int."""
        cdef uint32_t column, cell
        if not self.locate(key, &column, &cell):
            raise KeyError(key)
        return None if self.table.table.columns[column].primary == ML_NO_INDEX else self.table.table.columns[column].tag

    def frame(self, number):
        """One frame of a multi-frame object, as a view that reads like an instance; see `metalith.frames`.

        Parameters
        ----------
        number : int
            Counted from 1, as in image ids.

        Returns
        -------
        metalith.frames.FrameInstance

        Raises
        ------
        metalith.frames.FrameError
            The object has no such frame.

        Examples
        --------
        >>> places = ({"vr": "DS", "Value": [0, 0, z]} for z in (1, 2))
        >>> planes = [{"00209113": {"vr": "SQ", "Value": [{"00200032": place}]}} for place in places]
        >>> enhanced = {"00280008": {"vr": "IS", "Value": [2]}, "52009230": {"vr": "SQ", "Value": planes}}
        >>> metalith.naturalize_dataset(enhanced).frame(2).ImagePositionPatient
        (0.0, 0.0, 2.0)
        """
        from metalith.frames import frame_of
        return frame_of(self, number)

    # ---- files ----

    @property
    def path(self):
        """The file that the instance was read from; None when it was none. str."""
        return _row_path(self.table, self.index)

    @property
    def file_meta(self):
        """The file meta information (PS3.10 section 7.1), TransferSyntaxUID among it; None when the instance did not
        come from a file. Instance.
        """
        cdef InstanceTable meta = _file_meta(self.table)
        return None if meta is None else _instance(meta, self.index)

    # ---- mapping ----

    def __len__(self):
        return self.table.table.shapes[self.row.shape].width

    def __iter__(self):
        return iter(self.keys())

    def keys(self):
        """Names of the attributes, in the order they came. list of str."""
        cdef ml_shape *shape = &self.table.table.shapes[self.row.shape]
        return [self.table.name(shape.columns[slot]) for slot in range(shape.width)]

    def values(self, key=None):
        """All values (list), or those of one attribute: always a tuple, empty when it is empty."""
        cdef ml_shape *shape
        cdef uint32_t slot
        if key is not None:
            return _several(self[key])
        shape = &self.table.table.shapes[self.row.shape]
        result = []
        for slot in range(shape.width):
            result.append(self.table.value(shape.columns[slot], ml_shape_cell(shape, slot, self.row.index)))
        return result

    def items(self):
        """Names and values. list of (str, value)."""
        cdef ml_shape *shape = &self.table.table.shapes[self.row.shape]
        cdef uint32_t slot, column
        result = []
        for slot in range(shape.width):
            column = shape.columns[slot]
            value = self.table.value(column, ml_shape_cell(shape, slot, self.row.index))
            result.append((self.table.name(column), value))
        return result

    def __eq__(self, other):
        cdef Instance o
        if isinstance(other, Instance):
            o = <Instance>other
            if self.table is o.table and self.index == o.index:
                return True
            return len(self) == len(o) and _same_content(dict(self.items()), dict(o.items()))
        if isinstance(other, dict):
            return _same_content(dict(self.items()), other)
        return NotImplemented

    def __hash__(self):
        return hash(frozenset([(name, _hashable(value)) for name, value in self.items()]))

    def __reduce__(self):
        body = _rows_to_json(self.table, self.index, 1, "dicom", False)
        return _instance_from_json, (body, _origin_of(self.table, self.index, 1))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __dir__(self):
        return sorted({*object.__dir__(self), *self.keys()})

    def __repr__(self):
        shown = []
        for name, allowed in _IDENTIFIERS:
            text = str(self.get(name, ""))
            # only what looks like an identifier: any text may stand in any attribute
            if 0 < len(text) <= 64 and allowed.issuperset(text):
                shown.append(f"{name}={text}")
        return f"<Instance{' ' if shown else ''}{' '.join(shown)}: {len(self)} attributes>"

    # ---- other forms ----

    def replace(self, **changes):
        """An instance with some attributes changed, added, or (with `...`) removed; this one stays as it is.

        Parameters
        ----------
        **changes
            Natural values by keyword; for tags use `instance.replace(**{"00091001": "x"})`.

        Returns
        -------
        Instance

        Examples
        --------
        >>> instance = metalith.naturalize(b'{"00281051":{"vr":"DS","Value":[400]}}')[0]
        >>> instance.replace(WindowWidth=350.0).WindowWidth
        350.0
        """
        from metalith.encode import replace
        return replace(self, changes)

    def __replace__(self, **changes):
        return self.replace(**changes)

    def to_dict(self, str dialect="natural"):
        """The instance as plain dicts and lists.

        Parameters
        ----------
        dialect : {"natural", "dcmjs", "cornerstone", "dicom"}
            "natural": keywords and typed values. "dcmjs": what dcmjs 0.52's `naturalizeDataset` gives. "cornerstone":
            what `@cornerstonejs/metadata` 5.14 gives. "dicom": the DICOM JSON Model.

        Returns
        -------
        dict
        """
        from metalith._dialects import to_dict
        return to_dict(self, dialect)

    def to_json(self, str dialect="natural"):
        """The same as JSON text, written without building the dicts. bytes."""
        return _rows_to_json(self.table, self.index, 1, dialect, False)


cdef Instance _instance(InstanceTable table, uint32_t row):
    cdef Instance instance = Instance.__new__(Instance)
    instance.table = table
    instance.index = row
    instance.row = ml_table_row(table.table, row)
    return instance


def _table_from_json(bytes body, origin=None):
    """What was accepted once, from its own JSON; the limits in force now do not matter."""
    from metalith.limits import WIDEST
    cdef InstanceTable table = Scanner(WIDEST, False, None).scan(body)
    if origin is not None:
        _restore_origin(table, origin[0], origin[1])
    return table


cdef object _restore_origin(InstanceTable table, paths, bytes meta):
    """Makes rows the files again that they were."""
    cdef ml_document *document = table.document.document
    cdef InstanceTable rows
    cdef uint32_t row
    cdef bytes path
    table.document.local = True
    if paths is None:
        return
    from metalith.limits import WIDEST
    from os import fsencode
    rows = Scanner(WIDEST, False, None).scan(meta)
    for row in range(table.table.rows):
        path = b"" if paths[row] is None else fsencode(paths[row])
        if path and not ml_document_set_path(document, row, path, len(path)):
            raise MemoryError
        if not ml_copy_row(&document.meta, rows.table, row):
            raise MemoryError
    ml_document_finish(document)


def _instance_from_json(bytes body, origin=None):
    """The same for one instance."""
    return _table_from_json(body, origin)[0]


cdef tuple _several(value):
    if value is None:
        return ()
    if isinstance(value, tuple):
        return value
    if isinstance(value, Sequence):
        return tuple(value)
    return (value,)


@cython.final
@cython.no_gc
cdef class Sequence:
    """The items of a sequence attribute: an immutable sequence of `Instance`.

    A sequence of one item lets attribute access through to it, so that `instance.PixelMeasuresSequence.PixelSpacing`
    reads as it is meant. Items are rows of a table that all instances of a response share: a sequence of any length
    costs nothing until its items are asked for.
    """
    cdef InstanceTable table
    cdef uint32_t first
    cdef uint32_t length

    def __init__(self):
        raise TypeError("Sequence is made by metalith.naturalize")

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple([_instance(self.table, self.first + i) for i in range(*index.indices(self.length))])
        cdef Py_ssize_t i = index
        if i < 0:
            i += self.length
        if not 0 <= i < self.length:
            raise IndexError(f"item {index} of a sequence of {self.length}")
        return _instance(self.table, self.first + <uint32_t>i)

    def __iter__(self):
        if self.length == 0:
            return iter(())
        return _InstanceIterator.__new__(_InstanceIterator, self.table, self.first, self.first + self.length)

    def __getattr__(self, name):
        if self.length == 1 and not name.startswith("_"):
            return getattr(_instance(self.table, self.first), name)
        raise AttributeError(f"a sequence of {self.length} items has no {name} of its own", name=name, obj=self)

    def __eq__(self, other):
        cdef Sequence o
        if isinstance(other, Sequence):
            o = <Sequence>other
            if self.length == o.length and self.table is o.table and self.first == o.first:
                return True
            return self.length == o.length and all(a == b for a, b in zip(self, o))
        if isinstance(other, (list, tuple)):
            return self.length == len(other) and all(a == b for a, b in zip(self, other))
        return NotImplemented

    def __hash__(self):
        return hash(tuple(self))

    def __repr__(self):
        return f"<Sequence of {self.length} item{'' if self.length == 1 else 's'}>"

    def __reduce__(self):
        if not self.length:
            return _sequence_from_json, (b"[]",)
        body = _rows_to_json(self.table, self.first, self.length, "dicom", True)
        return _sequence_from_json, (body, _origin_of(self.table, self.first, self.length))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __dir__(self):
        own = set(object.__dir__(self))
        return sorted(own | set(self[0].keys()) if self.length == 1 else own)

    def index(self, item, start=0, stop=None):
        """Where an item first stands."""
        for i in range(*slice(start, stop).indices(self.length)):
            if self[i] == item:
                return i
        raise ValueError("the sequence has no such item")

    def count(self, item):
        """How many items equal this one."""
        return sum([1 for own in self if own == item])

    def column(self, keyword, *, masked=False, dtype=None):
        """The values of an attribute in all items, as an array; see `InstanceTable.column`."""
        from metalith._columns import column
        if not self.length:
            raise KeyError(keyword)
        return column(self.table, keyword, self.first, self.length, masked, dtype)


cdef Sequence _sequence(InstanceTable table, uint32_t first, uint32_t count):
    cdef Sequence sequence = Sequence.__new__(Sequence)
    sequence.table = table
    sequence.first = first
    sequence.length = count
    return sequence


cdef Sequence _EMPTY_SEQUENCE = _sequence(None, 0, 0)


def _sequence_from_json(bytes body, origin=None):
    """The same for a sequence; also what `metalith._lenient` makes one of."""
    cdef InstanceTable table
    if body == b"[]":
        return _EMPTY_SEQUENCE
    table = _table_from_json(body, origin)
    return _sequence(table, 0, table.table.rows)


abc.Mapping.register(Instance)
abc.Sequence.register(Sequence)


# ---- for metalith.frames ----

cdef enum:
    KNOWN_LAYOUTS = 64


cdef bytes _make_up(InstanceTable table, ml_row row):
    """Which attributes an item and the first items of its sequences have: shape numbers; None for odd elements."""
    cdef ml_table *t = table.table
    cdef ml_shape *shape = &t.shapes[row.shape]
    cdef ml_value value
    cdef ml_range items
    cdef bytes made = PyBytes_FromStringAndSize(NULL, 4 * (<Py_ssize_t>shape.width + 1))
    cdef uint32_t *out = <uint32_t *><char *>made
    cdef uint32_t slot, column
    out[0] = row.shape
    for slot in range(shape.width):
        column = shape.columns[slot]
        out[slot + 1] = ML_NO_INDEX
        value = ml_value_at(t.document, &t.columns[column], ml_shape_cell(shape, slot, row.index))
        if value.form == ML_FORM_RAW:
            return None
        if value.form == ML_FORM_ITEMS:
            items = ml_value_range(&value)
            if items.count:
                out[slot + 1] = ml_table_row(t.columns[column].child, items.first).shape
    return made


def layout_of(Instance item not None, make):
    """What `make(item)` gives, which depends on names alone: asked once for all rows that have the same."""
    cdef InstanceTable table = item.table
    key = _make_up(table, item.row)
    if key is None:
        return make(item)
    if table.layouts is None:
        table.layouts = {}
    known = (<dict>table.layouts).get(key)
    if known is None:
        known = make(item)
        if len(<dict>table.layouts) < KNOWN_LAYOUTS:
            (<dict>table.layouts)[key] = known
    return known


def group_rows(Sequence items not None, str group not None):
    """Where the first items of a group are that rows have: (InstanceTable, bytearray of uint32); the highest number
    where a row has none. None when rows spell or make up the group differently.
    """
    cdef InstanceTable table = items.table
    cdef uint32_t column = ML_NO_INDEX if table is None else table.find(group)
    cdef ml_column *c
    cdef ml_shape *shape
    cdef ml_row row
    cdef ml_value value
    cdef ml_range found
    cdef bytearray made
    cdef uint32_t *out
    cdef uint32_t i, slot
    if column == ML_NO_INDEX:
        return None
    c = &table.table.columns[column]
    if c.twin != ML_NO_INDEX or c.child == NULL:
        return None
    made = bytearray(4 * <size_t>items.length)
    out = <uint32_t *><char *>made
    for i in range(items.length):
        row = ml_table_row(table.table, items.first + i)
        shape = &table.table.shapes[row.shape]
        slot = ml_shape_slot(shape, column)
        out[i] = ML_NO_INDEX
        if slot != ML_NO_INDEX:
            value = ml_value_at(table.table.document, c, ml_shape_cell(shape, slot, row.index))
            if value.form == ML_FORM_RAW:
                return None
            if value.form == ML_FORM_ITEMS:
                found = ml_value_range(&value)
                if found.count:
                    out[i] = found.first
    return table.child(column), made
