# Part-10 files: headers framed (by any thread, into nothing shared), then added to a table.

cdef int _decode_text(
    void *context, const char *value, size_t length, ml_vr vr, const char *character_set, size_t n, ml_buffer *out
) noexcept with gil:
    """For csrc: text that is neither ASCII nor Latin-1 nor UTF-8."""
    cdef Py_ssize_t size
    cdef const char *utf8
    try:
        from metalith._charsets import decode
        name = PyBytes_FromStringAndSize(character_set, n).decode("latin-1")
        text, valid = decode(PyBytes_FromStringAndSize(value, length), ml_vr_name(vr).decode(), name)
        utf8 = PyUnicode_AsUTF8AndSize(text, &size)
        ml_put(out, utf8, size)
        return 1 if valid else 2
    except BaseException:
        return 0


cdef size_t _FIRST_READ = 16384
cdef size_t _MOST_AT_FIRST = 1 << 18   # one long header is no reason to read as much of every file after it
cdef size_t _MOST_AT_ONCE = 1 << 23    # bytes that the headers of one `Framing.read_many` may take
cdef const char *_NOTHING = ""


cdef struct _Job:
    const char *path   # NULL: there is nothing to read
    ml_file *file
    ml_frame *frame
    const char **data


@cython.final
@cython.no_gc
cdef class Header:
    """The header of one file: its bytes, and where everything in them is. For `HeaderReader.add`.

    Attributes
    ----------
    series : bytes
        SeriesInstanceUID as it stands in the file, without padding; empty when it has none.
    length : int
        Bytes of the header, from the beginning of the file to the value of the pixel data.
    """
    cdef ml_file file
    cdef ml_frame frame
    cdef object owner          # of the bytes, where they are not `file`'s
    cdef const char *data
    cdef readonly bytes path   # as the system has it; None when the bytes are not a file's
    cdef uint64_t deflated_from
    cdef public uint64_t base  # where in a file object the file begins

    def __dealloc__(self):
        free(self.file.data)

    cdef _Job job(self, bytes path):
        """Where a file and its frame are to be read to."""
        cdef _Job job
        if b"\0" in path:
            raise ValueError("embedded null byte")
        self.path = path
        job.path = path
        job.file = &self.file
        job.frame = &self.frame
        job.data = &self.data
        return job

    @property
    def series(self):
        cdef const char *s = self.data + self.frame.series
        cdef uint32_t n = self.frame.series_length
        while n and (s[n - 1] == 0 or s[n - 1] == 32):
            n -= 1
        return PyBytes_FromStringAndSize(s, n)

    @property
    def length(self):
        return self.frame.end

    @property
    def is_index(self):
        """Whether it is a DICOMDIR (PS3.10 section 8), as its file meta information says. bool."""
        meta = PyBytes_FromStringAndSize(
            self.data + self.frame.meta_start, self.frame.meta_end - self.frame.meta_start
        )
        return b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10" in meta


@cython.final
@cython.no_gc
cdef class Framing:
    """How files are framed: where to stop, and what to do about damaged ones.

    Parameters
    ----------
    limits : metalith.Limits
    until : int
        The first tag that is not read; 0 for none.
    partial : bool
        Of a damaged file, take the elements before the damage.
    """
    cdef ml_framing how
    cdef object limits
    cdef size_t first    # bytes to begin with: what the last header took
    cdef bint stopped

    def __cinit__(self, limits, uint32_t until, bint partial):
        self.how.until = until
        self.how.max_depth = min(limits.max_sequence_depth, 1023)
        self.how.partial = partial
        self.how.max_bytes = limits.max_bytes
        self.limits = limits
        self.first = _FIRST_READ

    cdef object fail(self, const ml_error *error, object source, size_t at_hand):
        from metalith.errors import header_error
        return header_error(error.code, error.problem, error.offset, error.needed, at_hand, source, self.limits)

    cdef Header inflate(self, Header header, object data, object source):
        """The same header from its inflated bytes, of which only as many are made as it takes."""
        from metalith._deflate import Inflater
        from metalith.errors import TruncatedError
        cdef Header inflated
        inflater = Inflater(data, header.frame.start, self.limits, source)
        wanted = header.frame.start + 4 * _FIRST_READ
        while True:
            whole = inflater.up_to(wanted)
            try:
                inflated = self.frame(whole, None if inflater.finished else -1, True, source)
                break
            except TruncatedError as error:
                if inflater.finished:
                    raise
                wanted = max(error.needed, 2 * wanted)
        inflated.deflated_from = header.frame.start
        inflated.path = header.path
        inflated.file.size = header.file.size
        inflated.file.modified = header.file.modified
        return inflated

    def frame(self, const uint8_t[::1] data not None, size, bint inflated=False, source=None):
        """Frames bytes that are at hand. Header.

        Parameters
        ----------
        data : bytes-like
        size : int or None
            Of the whole file, of which data is the beginning; None when data is all of it, -1 when it is not known.
        source : str, optional
            Named in errors.

        Raises
        ------
        ParseError
        """
        cdef Header header = Header.__new__(Header)
        cdef ml_framing how = self.how
        cdef ml_error error
        cdef int done
        cdef size_t n = data.shape[0]
        how.size = n
        if size is not None:
            how.size = <uint64_t>-1 if size < 0 else <uint64_t>size
        how.inflated = inflated
        header.data = <const char *>&data[0] if n else _NOTHING
        header.owner = data
        if not inflated and how.size != <uint64_t>-1:
            header.file.size = how.size
        with nogil:
            done = ml_part10_frame(header.data, n, &how, &header.frame, &error)
        if done:
            return header
        if error.code == ML_E_DEFLATED:
            return self.inflate(header, data, source)
        raise self.fail(&error, source, n)

    cdef bint read_one(self, _Job *job, ml_error *error) noexcept nogil:
        cdef bint done = ml_file_read_header(job.path, self.first, &self.how, job.file, job.frame, error)
        job.data[0] = job.file.data if job.file.data != NULL else _NOTHING
        if done:  # the next one will be about as long
            self.first = min(max(_FIRST_READ // 4, (job.frame.end + 5119) // 4096 * 4096), _MOST_AT_FIRST)
        return done

    cdef Header rescue(self, Header header, ml_error *error, object source):
        """What becomes of a header that `read_one` did not manage: it was deflated, or there is an error."""
        if error.code == ML_E_DEFLATED:
            return self.inflate(header, PyBytes_FromStringAndSize(header.file.data, header.file.length), source)
        if error.code == ML_E_FILE:
            raise self.system_error(header.file.system_error, header.path)
        raise self.fail(error, source, header.file.length)

    def read(self, path not None, source=None):
        """Reads and frames the header of a file. Header.

        Parameters
        ----------
        path : bytes
            As the system has it (`os.fsencode`), absolute.

        Raises
        ------
        OSError
            The system cannot read it, or it is no regular file.
        ParseError
        """
        cdef Header header = Header.__new__(Header)
        cdef _Job job
        cdef ml_error error
        cdef bint done
        job = header.job(path)
        with nogil:
            done = self.read_one(&job, &error)
        return header if done else self.rescue(header, &error, source)

    def read_many(self, list paths not None):
        """Reads and frames the headers of many files, none of which stops the others. list.

        The interpreter's lock is let go for many files together, not for each.

        Parameters
        ----------
        paths : list
            Paths as for `read`. What is not bytes comes back as it is, in its place.

        Returns
        -------
        list
            Of each file the Header, or the OSError or ParseError that `read` would raise. Fewer than asked for after
            `stop`, and when the headers take many bytes: the rest is left for another call.
        """
        cdef Py_ssize_t n = len(paths), i
        cdef list results = paths[:]
        cdef Header header
        cdef ml_error error
        cdef bint done = True
        cdef size_t held = 0
        cdef _Job *jobs = <_Job *>_zeroed(n, sizeof(_Job))
        try:
            for i in range(n):
                if type(results[i]) is bytes:
                    header = Header.__new__(Header)
                    jobs[i] = header.job(results[i])
                    results[i] = header
            i = 0
            while i < n and held <= _MOST_AT_ONCE and not self.stopped:
                with nogil:
                    while i < n and held <= _MOST_AT_ONCE and not self.stopped:
                        if jobs[i].path != NULL:
                            done = self.read_one(&jobs[i], &error)
                            if not done:
                                break
                            held += jobs[i].file.length
                        i += 1
                if not done:
                    results[i] = self.outcome(results[i], &error)
                    if type(results[i]) is Header:  # inflated
                        held += (<Header>results[i]).frame.end
                    done = True
                    i += 1
        finally:
            free(jobs)
        return results if i == n else results[:i]

    cdef object outcome(self, Header header, ml_error *error):
        from metalith.errors import ParseError
        from os import fsdecode
        try:
            return self.rescue(header, error, fsdecode(header.path))
        except (OSError, ParseError) as failure:
            return failure.with_traceback(None)  # which would keep frames alive as long as somebody keeps the error

    def stop(self):
        """Makes `read_many` return after the file it is at, in whatever thread, and from now on at once."""
        self.stopped = True

    cdef object system_error(self, int number, bytes name):
        import errno
        import os
        if number == 0:
            return OSError(errno.EINVAL, "no regular file", os.fsdecode(name))
        return OSError(number, os.strerror(number), os.fsdecode(name))


@cython.final
@cython.no_gc
cdef class HeaderReader:
    """Reads framed headers into one table. One use each.

    Parameters
    ----------
    limits : metalith.Limits
    strict : bool
    bulk_above : int
        Binary values of more bytes become `BulkData`.
    only : array of uint32, ascending, or None
        The tags that are kept.
    """
    cdef ml_part10 *reader
    cdef ml_part10_options options
    cdef const uint32_t[::1] only
    cdef object limits
    cdef bint busy

    def __cinit__(self, limits, bint strict, uint32_t bulk_above, const uint32_t[::1] only=None):
        cdef ml_limits c = _c_limits(limits)
        self.limits = limits
        self.only = only
        self.options.bulk_above = bulk_above
        self.options.decode = _decode_text
        if only is not None:
            self.options.only = &only[0] if only.shape[0] else <const uint32_t *>&self.options
            self.options.only_count = only.shape[0]
        self.reader = ml_part10_new(&c, _SEED, strict, &self.options)
        if self.reader == NULL:
            raise MemoryError

    def __dealloc__(self):
        ml_part10_free(self.reader)

    def __len__(self):
        return ml_part10_rows(self.reader)

    def add(self, Header header not None, source=None):
        """Adds a file as a row; nothing of the header is kept. After an error the rows are those from before."""
        cdef ml_origin origin
        cdef const ml_error *error
        cdef int done
        if self.busy:
            raise RuntimeError("the reader is in use in another thread, or used up")
        origin.path = NULL
        origin.path_length = 0
        if header.path is not None:
            origin.path = <const char *>header.path
            origin.path_length = len(header.path)
        origin.size = header.file.size
        origin.modified = header.file.modified
        origin.base = header.base
        origin.deflated_from = header.deflated_from + (header.base if header.deflated_from else 0)
        self.busy = True
        with nogil:
            done = ml_part10_add(self.reader, header.data, &header.frame, &origin)
        self.busy = False
        if done:
            return
        error = ml_part10_error(self.reader)
        if error.code == ML_E_MEMORY:
            raise MemoryError
        from metalith.errors import parse_error
        path = _path(error.path, error.depth, error.depth)
        raise parse_error(error.code, error.problem, error.offset, error.row, path, source, self.limits)

    def finish(self):
        """The files that were added. InstanceTable."""
        cdef _Document document = _Document.__new__(_Document)
        if self.busy:
            raise RuntimeError("the reader is in use in another thread, or used up")
        self.busy = True
        with nogil:
            document.document = ml_part10_take(self.reader)
        document.local = True
        return _view(document, &document.document.root)
