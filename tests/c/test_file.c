/*
 * test_file.c: headers of files on disk: what is no file, files that end too early or are cut while they are read, and
 * no more reads than it takes.
 *
 * file.c is compiled into this one, with a pread of the test's that can be made to fail.
 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "base.h"

#ifdef _WIN32

int main(void) {
    return 0;
}

#else

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int reads;
static size_t most_at_once; /* 0: no limit */
static int interruptions;   /* EINTR so often before each read */
static uint64_t cut_at;     /* the file ends there, whatever its size was; 0: not */
static int refused_from;    /* EIO from this read on; 0: never */
static int interrupted;

static ssize_t test_pread(int fd, void *data, size_t n, off_t at) {
    if (interrupted < interruptions) {
        interrupted++;
        errno = EINTR;
        return -1;
    }
    interrupted = 0;
    reads++;
    if (refused_from && reads >= refused_from) {
        errno = EIO;
        return -1;
    }
    if (most_at_once && n > most_at_once) n = most_at_once;
    if (cut_at) n = (uint64_t)at >= cut_at ? 0 : ml_min(n, (size_t)(cut_at - (uint64_t)at));
    return n ? pread(fd, data, n, at) : 0;
}

#define pread test_pread
#include "../../csrc/file.c"
#undef pread

#include "part10_bytes.h"

static char folder[64];
static char path[100];

static const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const ml_buffer *b) {
    FILE *f = fopen(in_folder("file.dcm"), "wb");
    if (b->length) fwrite(b->data, 1, b->length, f);
    fclose(f);
    return path;
}

static int read_path(const char *name, size_t first, const ml_framing *framing, ml_file *file, ml_frame *frame,
                     ml_error *error) {
    memset(file, 0, sizeof *file);
    reads = 0;
    int done = ml_file_read_header(name, first, framing, file, frame, error);
    CHECK(done == (error->code == ML_OK));
    return done;
}

/* What is no regular file is refused, and not waited for. */
static void test_no_file(void) {
    ml_framing framing = framing_of(0);
    ml_file file;
    ml_frame frame;
    ml_error error;
    CHECK(!read_path(in_folder("missing"), 100, &framing, &file, &frame, &error));
    CHECK(error.code == ML_E_FILE && file.system_error == ENOENT && !file.data);
    CHECK(!read_path("", 100, &framing, &file, &frame, &error) && file.system_error == ENOENT);
    CHECK(!read_path(folder, 100, &framing, &file, &frame, &error));
    CHECK(error.code == ML_E_FILE && file.system_error == EISDIR && !file.data);
    CHECK(!read_path(in_folder("missing/file"), 100, &framing, &file, &frame, &error) && error.code == ML_E_FILE);
    CHECK(mkfifo(in_folder("fifo"), 0600) == 0);
    CHECK(!read_path(path, 100, &framing, &file, &frame, &error));
    CHECK(error.code == ML_E_FILE && file.system_error == 0 && !file.data);
    unlink(path);
    CHECK(!read_path("/dev/null", 100, &framing, &file, &frame, &error) && error.code == ML_E_FILE);
    ml_buffer empty = {0};
    CHECK(!read_path(write_file(&empty), 100, &framing, &file, &frame, &error));
    CHECK(error.code == ML_E_NOT_DICOM && file.length == 0 && file.size == 0);
    free(file.data);
}

/* A header of about n bytes, and pixel data or what is no element behind. */
static ml_buffer header_of(size_t n, int pixels, size_t garbage) {
    ml_buffer data = {0};
    put_text(&data, EXPLICIT, 0x00080060, "CS", "CT");
    while (data.length + 200 < n) {
        opened sequence = open_value(&data, EXPLICIT, 0x00081140, "SQ", data.length % 4 < 2);
        opened item = open_item(&data, EXPLICIT, data.length % 8 < 4);
        put_text(&data, EXPLICIT, 0x00081155, "UI", data.length % 16 < 8 ? "1.2.3" : "1.2.3.4.5");
        close_value(&data, item);
        close_value(&data, sequence);
    }
    ml_buffer b = file_of(EXPLICIT, data);
    if (pixels) {
        put_head(&b, EXPLICIT, 0x7FE00010, "OW", 5000);
        for (int i = 0; i < 5000; i++) ml_put_char(&b, 'x');
    }
    while (garbage--) ml_put_char(&b, 'x');
    return b;
}

static void test_growing(void) {
    static const size_t firsts[] = {0, 1, 16, 131, 132, 200, 1000, 4096, 1 << 20};
    static const size_t sizes[] = {0, 300, 3000, 30000};
    ml_framing framing = framing_of(0);
    for (size_t s = 0; s < 4; s++) {
        for (int pixels = 0; pixels < 2; pixels++) {
            for (size_t garbage = 0; garbage < 8; garbage++) {
                ml_buffer b = header_of(sizes[s], pixels, pixels ? 0 : garbage);
                ml_frame whole, frame;
                ml_error error;
                CHECK(frame_all(&b, &whole, &error));
                write_file(&b);
                for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
                    ml_file file;
                    int done = read_path(path, firsts[i], &framing, &file, &frame, &error);
                    CHECK_MSG(done && memcmp(&frame, &whole, sizeof frame) == 0, "%d bytes from %d: error %d",
                              (int)b.length, (int)firsts[i], error.code);
                    CHECK(file.size == b.length && file.length >= frame.end && file.length <= b.length);
                    CHECK(memcmp(file.data, b.data, file.length) == 0 && file.modified > 0);
                    /* no more than a header twice as long would take, and not in small steps */
                    CHECK(file.length <= firsts[i] || file.length <= 2 * frame.end + 132);
                    CHECK_MSG(reads <= 16, "%d reads of %d bytes from %d", reads, (int)frame.end, (int)firsts[i]);
                    free(file.data);
                }
                free(b.data);
                if (pixels) break;
            }
        }
    }
}

/* Without preamble and with less than one would take. */
static void test_small(void) {
    ml_framing framing = framing_of(0);
    for (size_t garbage = 0; garbage < 8; garbage++) {
        for (int elements = 1; elements < 4; elements++) {
            for (int meta = 0; meta < 2; meta++) {
                ml_buffer b = {0};
                if (meta) put_text(&b, EXPLICIT, ML_TAG_TRANSFER_SYNTAX, "UI", UID_EXPLICIT);
                for (int i = meta; i < elements; i++) {
                    put_text(&b, EXPLICIT, 0x00080060 + (uint32_t)i, "CS", i % 2 ? "" : "CT");
                }
                for (size_t i = 0; i < garbage; i++) ml_put_char(&b, 'x');
                ml_frame whole, frame;
                ml_error error;
                CHECK(frame_all(&b, &whole, &error));
                for (size_t first = 0; first <= b.length; first++) {
                    ml_file file;
                    int done = read_path(write_file(&b), first, &framing, &file, &frame, &error);
                    CHECK_MSG(done && memcmp(&frame, &whole, sizeof frame) == 0, "%d bytes from %d: error %d",
                              (int)b.length, (int)first, error.code);
                    free(file.data);
                }
                free(b.data);
            }
        }
    }
}

/* A file that ends in its header is not read to its end to say so; what is whole of it is had on demand. */
static void test_cut(void) {
    ml_buffer b = {0};
    put_meta(&b, UID_EXPLICIT);
    put_text(&b, EXPLICIT, 0x00080060, "CS", "CT");
    size_t end = b.length;
    put_head(&b, EXPLICIT, 0x00420011, "OB", 1 << 20);
    for (int i = 0; i < 100000; i++) ml_put_char(&b, 'x');
    ml_framing framing = framing_of(0);
    ml_file file;
    ml_frame frame;
    ml_error error;
    CHECK(!read_path(write_file(&b), 16, &framing, &file, &frame, &error));
    CHECK(error.code == ML_E_CUT && error.needed == end + 12 + (1 << 20) && error.offset == end);
    CHECK(file.length < 1000);
    free(file.data);
    framing.partial = 1;
    CHECK(read_path(path, 16, &framing, &file, &frame, &error) && frame.end == end && frame.damaged == 0x00420011);
    free(file.data);
    /* an element that is there, but beyond what a header may be */
    framing = framing_of(0);
    framing.max_bytes = 5000;
    b.length = end;
    put_head(&b, EXPLICIT, 0x00420011, "OB", 10000);
    for (int i = 0; i < 10000; i++) ml_put_char(&b, 'x');
    CHECK(!read_path(write_file(&b), 16, &framing, &file, &frame, &error) && error.code == ML_E_LIMIT_BYTES);
    CHECK(file.length < 1000);
    free(file.data);
    free(b.data);
}

static void test_deflated(void) {
    ml_buffer b = {0};
    put_meta(&b, UID_DEFLATED);
    size_t start = b.length;
    for (int i = 0; i < 100000; i++) ml_put_char(&b, (char)(0xED + i * 7));
    ml_framing framing = framing_of(0);
    ml_file file;
    ml_frame frame;
    ml_error error;
    CHECK(!read_path(write_file(&b), 16, &framing, &file, &frame, &error) && error.code == ML_E_DEFLATED);
    CHECK(frame.start == start && file.length == b.length && memcmp(file.data, b.data, b.length) == 0);
    free(file.data);
    free(b.data);
}

/* Interrupted, given less than asked for, refused, and cut by another program meanwhile. */
static void test_reads(void) {
    ml_buffer b = header_of(3000, 1, 0);
    ml_framing framing = framing_of(0);
    ml_file file;
    ml_frame frame, whole;
    ml_error error;
    CHECK(frame_all(&b, &whole, &error));
    write_file(&b);
    most_at_once = 7;
    interruptions = 2;
    CHECK(read_path(path, 1000, &framing, &file, &frame, &error) && memcmp(&frame, &whole, sizeof frame) == 0);
    CHECK(memcmp(file.data, b.data, file.length) == 0);
    free(file.data);
    most_at_once = 0;
    interruptions = 0;
    for (refused_from = 1; refused_from < 4; refused_from++) {
        CHECK(!read_path(path, 16, &framing, &file, &frame, &error));
        CHECK(error.code == ML_E_FILE && file.system_error == EIO);
        free(file.data);
    }
    refused_from = 0;
    for (cut_at = 1; cut_at < whole.end; cut_at++) {
        framing.partial = cut_at & 1;
        int done = read_path(path, 16, &framing, &file, &frame, &error);
        ml_framing same = framing_of(cut_at);
        same.partial = framing.partial;
        ml_frame part;
        ml_error fault;
        CHECK(done == frame_bytes(b.data, (size_t)cut_at, &same, &part, &fault) && error.code == fault.code);
        CHECK(file.length <= cut_at);
        if (done) CHECK(memcmp(&frame, &part, sizeof frame) == 0 && file.size == cut_at);
        free(file.data);
    }
    cut_at = 0;
    free(b.data);
}

int main(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/metalith-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 2;
    }
    test_no_file();
    test_growing();
    test_small();
    test_cut();
    test_deflated();
    test_reads();
    unlink(in_folder("file.dcm"));
    rmdir(folder);
    return ml_check_report();
}

#endif
