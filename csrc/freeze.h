/*
 * freeze.h: a document as one block of bytes, to be written to a file and used in place from a read-only mapping of it.
 *
 * A block has two parts. The structure (tables, columns, shapes, problems) is what thawing reads and rebuilds around
 * the rest; it grows with the make-up of the rows, not with their number. The bulk (rows, values, cells, paths, the
 * arena) is used where it lies, and thawing does not look at it. So a document of a million rows is thawed in the
 * microseconds that one of ten takes.
 *
 * Each part has a checksum. ml_thaw checks that of the structure; whatever bytes it is given, it returns a document or
 * a status and touches nothing beyond the block. ml_thaw_verify checks both, which reads every byte, at about the speed
 * of memory. Only after it may a block that was out of the caller's hands be relied on: damaged rows, cells and values
 * may point anywhere. A block that passes both is as good as the document that was frozen. Against those who forge
 * blocks and compute the checksums anew there is no defence here: blocks have to come from where only the owner writes,
 * and must not change while they are mapped.
 *
 * Blocks are for machines of the same byte order and the same ML_FROZEN_VERSION (frozen.h); others are told from
 * damaged ones. They hold the document's seed, which is no secret any more to those who can read them.
 */
#ifndef ML_FREEZE_H
#define ML_FREEZE_H

#include "table.h"

#define ML_FREEZE_ALIGNMENT 64

typedef enum ml_thaw_status {
    ML_THAW_OK = 0,
    ML_THAW_MEMORY,
    ML_THAW_NOT_FROZEN, /* does not begin as a block does */
    ML_THAW_BYTE_ORDER, /* made by a machine of the other byte order */
    ML_THAW_VERSION,    /* made by another version */
    ML_THAW_TRUNCATED,  /* shorter than it says */
    ML_THAW_DAMAGED,
    ML_THAW_UNALIGNED /* the block's address is no multiple of eight */
} ml_thaw_status;

/* The size of a document's block, a multiple of ML_FREEZE_ALIGNMENT; 0 when it is more than can be addressed. */
size_t ml_freeze_size(const ml_document *document);

/*
 * Writes the block to `out`, which has room for ml_freeze_size() bytes and is aligned to ML_FREEZE_ALIGNMENT. The same
 * document always gives the same bytes, as does what is thawed from them. Needs no memory and cannot fail.
 */
void ml_freeze(const ml_document *document, char *out);

/*
 * The document in a block, which stays the caller's and has to outlive it unchanged; NULL with *status set otherwise.
 * It is read-only: rows cannot be added. ml_document_free returns what thawing took, which is one allocation, and the
 * maps that ml_shape_slot built; ml_document_bytes counts what lies in the block, too, whose size is in
 * document->mapped.
 */
ml_document *ml_thaw(const char *block, size_t n, ml_thaw_status *status);

/* Whether all bytes of a block are those that were written. */
ml_thaw_status ml_thaw_verify(const char *block, size_t n);

#endif
