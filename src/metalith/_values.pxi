# Python objects of values. Everything was validated by the scan, so nothing here can fail but for want of memory.

cdef object _PersonName = None
cdef object _BulkData = None


cdef object _text(const char *s, size_t n, bint escaped):
    cdef char *plain
    if not escaped:
        return PyUnicode_DecodeUTF8(s, n, NULL)
    plain = <char *>malloc(n if n else 1)
    if plain == NULL:
        raise MemoryError
    try:
        n = ml_unescape(s, n, plain)
        return PyUnicode_DecodeUTF8(plain, n, NULL)
    finally:
        free(plain)


cdef object _number(ml_vr vr, const char *s, size_t n):
    """A number by its VR; the text itself when it is none, None when it is blank."""
    cdef double real
    cdef int64_t integer
    cdef ml_number_status status
    if ml_class_of(vr) == ML_CLASS_INT:
        status = ml_parse_int64(s, n, &integer)
        if status == ML_NUMBER_OK:
            return PyLong_FromLongLong(integer)
        if status == ML_NUMBER_RANGE:
            return _big_integer(_text(s, n, False))
    if ml_parse_double(s, n, &real) == ML_NUMBER_OK:
        if ml_class_of(vr) == ML_CLASS_INT and real - real == 0:
            return _text(s, n, False)
        return PyFloat_FromDouble(real)
    text = _text(s, n, False)
    return text if text.strip(" \0") else None


cdef object _big_integer(object text):
    """An integer beyond 64 bits, in any of the spellings that ml_parse_int64 takes."""
    text = text.strip(" \0")
    if not text.lstrip("+-").isdigit():
        from decimal import Decimal
        number = Decimal(text)
        # an exponent could ask for more digits than the machine has memory for
        return int(number) if number.adjusted() < 400 else float(text)
    return int(text) if len(text) < 4000 else text


cdef object _name(const ml_item *item):
    """A name object's groups as PersonName; None when all are empty."""
    cdef ml_items members = ml_items_of(item.text + 1, item.length - 2)
    cdef ml_item key, value
    groups = ["", "", ""]
    while ml_members_next(&members, &key, &value):
        if value.kind == ML_ITEM_STRING:
            which = 0 if key.length == 10 else 1 if key.length == 11 else 2
            groups[which] = _text(value.text, value.length, value.escaped)
    return _PersonName(*groups) if any(groups) else None


cdef object _name_of_text(text):
    """The legacy form: groups joined by "="."""
    groups = text.split("=", 2)
    return _PersonName(*groups, *[""] * (3 - len(groups))) if any(groups) else None


cdef object _item(ml_vr vr, const ml_item *item):
    cdef ml_vr_class kind = ml_class_of(vr)
    if item.kind == ML_ITEM_NULL:
        return None
    if item.kind == ML_ITEM_OBJECT:
        return _name(item)
    if kind == ML_CLASS_INT or kind == ML_CLASS_FLOAT:
        if item.escaped:
            return _make_number(_text(item.text, item.length, True), ml_vr_name(vr).decode())
        if item.kind != ML_ITEM_BOOL:
            return _number(vr, item.text, item.length)
    elif item.kind == ML_ITEM_NUMBER and kind == ML_CLASS_BINARY:
        # UN with values: JSON's own types are all there is to go by
        text = _text(item.text, item.length, False)
        return float(text) if "." in text or "e" in text or "E" in text else int(text)
    text = _text(item.text, item.length, item.escaped)
    if not text:
        return None
    if vr == ML_VR_PN:
        return _name_of_text(text)
    if vr == ML_VR_AT:
        return text.upper()
    return text


cdef object _list(ml_vr vr, const ml_value *value):
    cdef ml_items items = ml_items_of(value.text, value.length)
    cdef ml_item item
    result = []
    while ml_items_next(&items, &item):
        result.append(_item(vr, &item))
    return tuple(result) if len(result) > 1 else result[0]


cdef object _inline(const char *s, size_t n):
    cdef size_t length = ml_base64_length(s, n)
    cdef bytes made
    if length == <size_t>-1:
        return _text(s, n, False)
    made = PyBytes_FromStringAndSize(NULL, length)
    ml_base64_decode(s, n, <uint8_t *><char *>made)
    return made


cdef object _make_value(InstanceTable table, uint32_t column, uint32_t cell):
    global _PersonName, _BulkData
    cdef ml_column *c = &table.table.columns[column]
    cdef ml_value value = ml_value_at(table.table.document, c, cell)
    cdef ml_vr vr = ml_effective_vr(c, value.vr)
    cdef ml_item item
    cdef ml_range range_
    if _PersonName is None:
        from metalith.bulk import BulkData
        from metalith.values import PersonName
        _PersonName, _BulkData = PersonName, BulkData
    if value.form == ML_FORM_STRING or value.form == ML_FORM_NUMBER:
        item.kind = ML_ITEM_STRING if value.form == ML_FORM_STRING else ML_ITEM_NUMBER
        item.escaped = 0
        item.text = value.text
        item.length = value.length
        return _item(vr, &item)
    if value.form == ML_FORM_LIST:
        return _list(vr, &value)
    if value.form == ML_FORM_ITEMS:
        range_ = ml_value_range(&value)
        return _sequence(table.child(column), range_.first, range_.count)
    if value.length == 0 and value.form != ML_FORM_ITEMS:
        return _EMPTY_SEQUENCE if vr == ML_VR_SQ else None
    if value.form == ML_FORM_BULK:
        return _BulkData(_text(value.text, value.length, False), ml_vr_name(vr).decode(), table.document.local)
    if value.form == ML_FORM_INLINE:
        return _inline(value.text, value.length)
    if value.form == ML_FORM_RAW:
        from metalith._lenient import natural_value
        return natural_value(PyBytes_FromStringAndSize(value.text, value.length), ml_vr_name(value.vr).decode(), c.tag)
    return None


cdef object _raw_item(const ml_item *item):
    cdef ml_items members
    cdef ml_item key, part
    if item.kind == ML_ITEM_NULL:
        return None
    if item.kind == ML_ITEM_OBJECT:
        members = ml_items_of(item.text + 1, item.length - 2)
        groups = {}
        while ml_members_next(&members, &key, &part):
            groups[_text(key.text, key.length, False)] = _raw_item(&part)
        return groups
    return _text(item.text, item.length, item.escaped)


cdef object _raw_value(InstanceTable table, uint32_t column, uint32_t cell):
    cdef ml_column *c = &table.table.columns[column]
    cdef ml_value value = ml_value_at(table.table.document, c, cell)
    cdef ml_items items
    cdef ml_item item
    cdef ml_range range_
    if value.form == ML_FORM_LIST:
        items = ml_items_of(value.text, value.length)
        result = []
        while ml_items_next(&items, &item):
            result.append(_raw_item(&item))
        return tuple(result) if len(result) > 1 else result[0]
    if value.form == ML_FORM_ITEMS:
        import json
        range_ = ml_value_range(&value)
        return json.loads(_rows_to_json(table.child(column), range_.first, range_.count, "dicom", True))
    if value.form == ML_FORM_EMPTY or value.form == ML_FORM_EMPTY_LIST:
        return None
    return _text(value.text, value.length, False)


def _make_number(str text, str vr):
    """A number as a scanned one would be; for `metalith._lenient`."""
    cdef Py_ssize_t n
    cdef const char *s = PyUnicode_AsUTF8AndSize(text, &n)
    return _number(ml_vr_of(vr.encode()), s, n)
