# Attributes by keyword, tag text or tag number.

cdef object _intern(const char *s, Py_ssize_t n):
    """A str that is the same object as the literal of that name in the caller's code."""
    cdef PyObject *text
    made = PyUnicode_FromStringAndSize(s, n)
    Py_INCREF(made)
    text = <PyObject *>made
    PyUnicode_InternInPlace(&text)
    result = <object>text
    Py_DECREF(result)
    return result


# Names that were made before, by tag: most tables have the same ones. A tag that comes to another's place replaces it.
cdef struct KnownName:
    uint32_t tag
    PyObject *name

cdef enum:
    KNOWN_NAMES = 4096

cdef KnownName _known_names[KNOWN_NAMES]


cdef object _column_name(const ml_table *table, uint32_t column):
    """The natural name: the keyword, else eight upper-case digits, else the key as it came."""
    cdef uint32_t tag = table.columns[column].tag
    cdef KnownName *known
    if table.columns[column].primary == ML_NO_INDEX:
        return _make_name(table, column)
    known = &_known_names[(tag * 0x9E3779B1u) >> 20]
    if known.name == NULL or known.tag != tag:
        name = _make_name(table, column)
        Py_INCREF(name)
        Py_XDECREF(known.name)
        known.tag = tag
        known.name = <PyObject *>name
    return <object>known.name


cdef object _make_name(const ml_table *table, uint32_t column):
    cdef const ml_column *c = &table.columns[column]
    cdef char digits[8]
    cdef size_t n
    cdef const char *key
    if c.info != NULL and c.info.keyword_length and not c.info.repeating:
        return _intern(c.info.keyword, c.info.keyword_length)
    if c.primary == ML_NO_INDEX:
        key = ml_column_key(table.document, c, digits, &n)
        return _intern(key, n)
    ml_format_tag(c.tag, digits)
    return _intern(digits, 8)


cdef uint32_t _find_text(const ml_table *table, object name) except? 0xFFFFFFFE:
    """The first column that a keyword, or a tag in the spellings 00280010 and (0028,0010), stands for."""
    cdef Py_ssize_t n
    cdef const char *s
    cdef const ml_tag_info *info
    cdef uint32_t tag
    cdef int canonical
    cdef char digits[8]
    try:
        s = PyUnicode_AsUTF8AndSize(name, &n)
    except UnicodeEncodeError:  # half of a surrogate pair: no key is that
        return ML_NO_INDEX
    info = ml_tag_by_keyword(s, n)
    if info != NULL and not info.repeating:
        return ml_table_find_tag(table, info.tag)
    if n == 8 and ml_parse_tag(s, &tag, &canonical):
        return ml_table_find_tag(table, tag)
    if n == 11 and s[0] == b'(' and s[5] == b',' and s[10] == b')':
        memcpy(digits, s + 1, 4)
        memcpy(digits + 4, s + 6, 4)
        if ml_parse_tag(digits, &tag, &canonical):
            return ml_table_find_tag(table, tag)
    return ml_table_find_key(table, s, n)


cdef uint32_t _find_number(const ml_table *table, object tag) except? 0xFFFFFFFE:
    """The first column of a tag number, of whatever type of integer."""
    if not hasattr(tag, "__index__"):
        raise TypeError(f"an attribute is named by keyword, tag text or tag number, not by {type(tag).__name__}")
    number = tag.__index__()
    return ml_table_find_tag(table, number) if 0 <= number <= 0xFFFFFFFF else ML_NO_INDEX


def keyword_of(tag):
    """The PS3.6 keyword of a tag number; None for private, unknown and repeating-group tags."""
    cdef const ml_tag_info *info = ml_tag_find(tag)
    if info == NULL or info.repeating or not info.keyword_length:
        return None
    return _intern(info.keyword, info.keyword_length)


def describe_tag(tag):
    """What PS3.6 says of a tag number: (tag, keyword, VR, VM, retired), or None.

    The VR may be one of the dictionary's choices, such as "US or SS". Of a repeating group the tag is that of its
    first group.
    """
    cdef const ml_tag_info *info = ml_tag_find(tag)
    return None if info == NULL else _described(info)


def describe_keyword(str keyword not None):
    """The same for a keyword."""
    cdef Py_ssize_t n
    cdef const char *s = PyUnicode_AsUTF8AndSize(keyword, &n)
    cdef const ml_tag_info *info = ml_tag_by_keyword(s, n)
    return None if info == NULL else _described(info)


cdef object _described(const ml_tag_info *info):
    vr, vm = ml_vr_name(<ml_vr>info.vr).decode(), ml_vm_text(info.vm).decode()
    return (info.tag, info.keyword.decode(), vr, vm, bool(info.retired))


def dcmjs_entry(tag):
    """What dcmjs calls a tag: (name, VR, whether its VM is 1), or None where it keeps the tag."""
    cdef const ml_dcmjs_entry *entry = ml_dcmjs_find(tag)
    return None if entry == NULL else (entry.name.decode(), entry.vr.decode(), bool(entry.single))
