# What csrc offers, as its headers declare it; the comments there hold.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "tags.h" nogil:
    ctypedef enum ml_vr:
        ML_VR_NONE
        ML_VR_AT
        ML_VR_PN
        ML_VR_SQ
        ML_VR_UN
        ML_VR_COUNT
    ctypedef enum ml_vr_class:
        ML_CLASS_TEXT
        ML_CLASS_INT
        ML_CLASS_FLOAT
        ML_CLASS_NAME
        ML_CLASS_BINARY
        ML_CLASS_SEQUENCE
    ml_vr ml_vr_of(const char *letters)
    const char *ml_vr_name(ml_vr vr)
    ml_vr_class ml_class_of(ml_vr vr)

    ctypedef struct ml_tag_info:
        uint32_t tag
        uint8_t vr
        uint8_t vm
        uint8_t retired
        uint8_t repeating
        uint8_t keyword_length
        const char *keyword
    const ml_tag_info *ml_tag_find(uint32_t tag)
    const ml_tag_info *ml_tag_by_keyword(const char *keyword, size_t length)
    const char *ml_vm_text(uint8_t vm)


cdef extern from "dcmjs_names.h" nogil:
    ctypedef struct ml_dcmjs_entry:
        const char *name
        uint8_t single
        const char *vr
    const ml_dcmjs_entry *ml_dcmjs_find(uint32_t tag)


cdef extern from "text.h" nogil:
    int ml_parse_tag(const char *s, uint32_t *tag, int *canonical)
    void ml_format_tag(uint32_t tag, char *out)
    size_t ml_unescape(const char *s, size_t n, char *out)


cdef extern from "number.h" nogil:
    ctypedef enum ml_number_status:
        ML_NUMBER_OK
        ML_NUMBER_BAD
        ML_NUMBER_RANGE
        ML_NUMBER_FRACTION
    ml_number_status ml_parse_double(const char *s, size_t n, double *out)
    ml_number_status ml_parse_int64(const char *s, size_t n, int64_t *out)


cdef extern from "base64.h" nogil:
    size_t ml_base64_length(const char *s, size_t n)
    void ml_base64_decode(const char *s, size_t n, uint8_t *out)


cdef extern from "status.h" nogil:
    ctypedef enum ml_code:
        ML_OK
        ML_E_MEMORY
        ML_E_NOT_DICOM
        ML_E_CUT
        ML_E_DEFLATED
        ML_E_FILE
    ctypedef struct ml_step:
        uint32_t tag
        uint32_t item
    enum:
        ML_PATH_KEPT
    ctypedef struct ml_problem:
        int kind
        uint32_t row
        uint64_t offset
        uint32_t count
        uint32_t depth
        ml_step *path
    ctypedef struct ml_problems:
        ml_problem *list
        uint32_t count
        uint32_t unlisted
    ctypedef struct ml_error:
        ml_code code
        int problem
        uint64_t offset
        uint64_t needed
        uint32_t row
        uint32_t depth
        ml_step *path


cdef extern from "table.h" nogil:
    enum:
        ML_NO_INDEX
    ctypedef enum ml_form:
        ML_FORM_EMPTY
        ML_FORM_EMPTY_LIST
        ML_FORM_STRING
        ML_FORM_NUMBER
        ML_FORM_LIST
        ML_FORM_ITEMS
        ML_FORM_BULK
        ML_FORM_INLINE
        ML_FORM_RAW
    ctypedef struct ml_value:
        ml_form form
        ml_vr vr
        const char *text
        size_t length
    ctypedef struct ml_range:
        uint32_t first
        uint32_t count
    ctypedef struct ml_column:
        uint32_t tag
        const ml_tag_info *info
        uint32_t twin
        uint32_t primary
        uint32_t count
        ml_table *child
    ctypedef struct ml_shape:
        uint32_t width
        uint32_t rows
        uint32_t *columns
        uint8_t identity
    ctypedef struct ml_row:
        uint32_t shape
        uint32_t index
    ctypedef struct ml_table:
        ml_document *document
        uint32_t rows
        ml_column *columns
        uint32_t column_count
        ml_shape *shapes
        uint32_t shape_count
    ctypedef struct ml_document:
        ml_table root
        ml_table meta
        ml_problems problems
    void ml_document_free(ml_document *document)
    size_t ml_document_bytes(const ml_document *document)
    uint32_t ml_table_find_tag(const ml_table *table, uint32_t tag)
    uint32_t ml_table_find_key(const ml_table *table, const char *key, size_t key_length)
    ml_row ml_table_row(const ml_table *table, uint32_t row)
    uint32_t ml_shape_cell(const ml_shape *shape, uint32_t slot, uint32_t index)
    uint32_t ml_shape_slot(ml_shape *shape, uint32_t column)
    ml_value ml_value_at(const ml_document *document, const ml_column *column, uint32_t cell)
    ml_range ml_value_range(const ml_value *value)
    const char *ml_document_path(const ml_document *document, uint32_t row, size_t *length)
    int ml_document_set_path(ml_document *document, uint32_t row, const char *path, size_t length)
    ml_document *ml_document_new(uint32_t seed)
    void ml_document_finish(ml_document *document)


cdef extern from "copy.h" nogil:
    int ml_copy_row(ml_table *to, const ml_table *source, uint32_t row)
    ctypedef struct ml_copier:
        pass
    ml_copier *ml_copier_new(ml_document *document)
    int ml_copier_add(ml_copier *copier, const ml_document *source, uint32_t row)
    void ml_copier_free(ml_copier *copier)
    const char *ml_column_key(const ml_document *document, const ml_column *column, char *digits, size_t *length)
    ml_vr ml_effective_vr(const ml_column *column, ml_vr given)


cdef extern from "items.h" nogil:
    ctypedef enum ml_item_kind:
        ML_ITEM_STRING
        ML_ITEM_NUMBER
        ML_ITEM_NULL
        ML_ITEM_BOOL
        ML_ITEM_OBJECT
    ctypedef struct ml_item:
        ml_item_kind kind
        int escaped
        const char *text
        size_t length
    ctypedef struct ml_items:
        pass
    ml_items ml_items_of(const char *text, size_t length)
    int ml_items_next(ml_items *items, ml_item *item)
    int ml_members_next(ml_items *items, ml_item *key, ml_item *value)


cdef extern from "gather.h" nogil:
    void ml_gather_cells(const ml_table *table, uint32_t column, uint32_t first, uint32_t count, uint32_t *cells)
    int ml_is_constant(const ml_table *table, uint32_t column, uint32_t *cell)
    uint32_t ml_value_count(const ml_value *value)
    int ml_value_doubles(const ml_value *value, double *out, uint32_t count)
    int ml_value_vector(
        const ml_value *value, uint32_t count, double *out, const ml_value *before, const double *before_out
    )
    int ml_value_integers(const ml_value *value, int64_t *out, uint8_t *missing, uint32_t count)


cdef extern from "document.h" nogil:
    ctypedef struct ml_limits:
        uint64_t bytes
        uint32_t sequence_depth
        uint32_t json_depth
        uint32_t odd_keys
        uint32_t problems
    ctypedef struct ml_scan:
        pass
    ml_scan *ml_scan_new(const ml_limits *limits, uint32_t seed, int strict)
    int ml_scan_all(ml_scan *scan, const char *text, size_t n)
    int ml_scan_feed(ml_scan *scan, const char *text, size_t n)
    int ml_scan_end(ml_scan *scan)
    const ml_error *ml_scan_error(const ml_scan *scan)
    ml_document *ml_scan_take(ml_scan *scan)
    void ml_scan_free(ml_scan *scan)


cdef extern from "write.h" nogil:
    ctypedef struct ml_buffer:
        char *data
        size_t length
        size_t capacity
        int failed
    ctypedef enum ml_dialect:
        ML_DIALECT_DICOM
        ML_DIALECT_NATURAL
        ML_DIALECT_DCMJS
        ML_DIALECT_CORNERSTONE
        ML_DIALECT_SPELLED
    ctypedef struct ml_writer:
        pass
    ml_writer *ml_writer_new(ml_dialect dialect)
    void ml_writer_free(ml_writer *writer)
    ml_buffer *ml_writer_buffer(ml_writer *writer)
    int ml_write_row(ml_writer *writer, const ml_table *table, uint32_t row)
    void ml_put(ml_buffer *buffer, const char *s, size_t n)


cdef extern from "part10.h" nogil:
    ctypedef struct ml_frame:
        uint64_t meta_start
        uint64_t meta_end
        uint64_t start
        uint64_t end
        uint64_t series
        uint32_t series_length
        uint8_t deflated
    ctypedef struct ml_framing:
        uint64_t size
        uint32_t until
        uint32_t max_depth
        uint8_t inflated
        uint8_t partial
        uint64_t max_bytes
    ctypedef struct ml_part10_options:
        const uint32_t *only
        uint32_t only_count
        uint32_t bulk_above
        int (*decode)(
            void *context, const char *value, size_t length, ml_vr vr, const char *character_set,
            size_t character_set_length, ml_buffer *out
        ) noexcept
        void *context
    ctypedef struct ml_origin:
        const char *path
        size_t path_length
        uint64_t size
        int64_t modified
        uint64_t base
        uint64_t deflated_from
    ctypedef struct ml_part10:
        pass
    int ml_part10_frame(const char *data, size_t n, const ml_framing *how, ml_frame *frame, ml_error *error)
    ml_part10 *ml_part10_new(const ml_limits *limits, uint32_t seed, int strict, const ml_part10_options *options)
    int ml_part10_add(ml_part10 *reader, const char *data, const ml_frame *frame, const ml_origin *origin)
    const ml_error *ml_part10_error(const ml_part10 *reader)
    uint32_t ml_part10_rows(const ml_part10 *reader)
    ml_document *ml_part10_take(ml_part10 *reader)
    void ml_part10_free(ml_part10 *reader)


cdef extern from "file.h" nogil:
    ctypedef struct ml_file:
        char *data
        size_t length
        uint64_t size
        int64_t modified
        int system_error
    int ml_file_read_header(
        const char *path, size_t first, const ml_framing *how, ml_file *file, ml_frame *frame, ml_error *error
    )
