/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/reader.h: the reader contract: decoded bytes in, batches of records out.
 *
 * What:  the host opens the file, hashes it, undoes compression and character encoding; a reader
 *        sees UTF-8 text. It has two halves. split() runs on one thread, in file order, and only
 *        finds record boundaries; next() runs on many threads at once, each with its own local
 *        state, and parses a chunk of whole records.
 * Why:   hashing and inflating a file are sequential, parsing and matching are not. Cutting at
 *        record boundaries lets one large file feed every core, and makes ordinals exact.
 * Ownership: `self` (one per file) is immutable while next() may run: only open(), split() and
 *        close() change it, and split() only what next() does not read. `local` (one per worker and
 *        reader) is mutable. Batches are borrowed until the same local's next call.
 */
#ifndef ASSAY_READER_H
#define ASSAY_READER_H

#include "base.h"
#include "finding.h"
#include "host.h"
#include "record.h"

struct assay_reader_input {
    uint32_t size;
    uint32_t file;    /* inventory index */
    const char *name; /* path within the dataset, '/' separated, compression suffix removed */
    struct assay_bytes head; /* first decoded bytes (up to 64 KiB), whole file if shorter */
    int head_is_all;         /* the head is the whole file */
    uint64_t max_record;     /* bytes; longer records are discarded by the host through split() */
    uint32_t max_depth;      /* nesting levels */
};

enum assay_split_mode {
    ASSAY_SPLIT_MORE,   /* more bytes may follow */
    ASSAY_SPLIT_LAST,   /* data runs to the end of the file */
    ASSAY_SPLIT_DISCARD /* the record at the start of data is over long: find its end */
};

struct assay_split {
    size_t consumed;  /* bytes of whole records, terminators included; 0: none complete yet */
    uint64_t records; /* records in them */
    int done;         /* DISCARD: the end of the over-long record was found at `consumed` */
};

struct assay_chunk {
    uint32_t file;
    uint32_t reserved;
    struct assay_bytes data; /* whole records; 64 readable bytes follow */
    uint64_t offset;         /* of data, in the decoded file */
    uint64_t first_ordinal;  /* of the first record in data */
    int last;                /* the file ends with this chunk */
};

struct assay_reader {
    uint32_t abi;     /* ASSAY_PLUGIN_ABI */
    uint32_t size;    /* sizeof (struct assay_reader) */
    const char *name; /* ^[a-z][a-z0-9_]*$, equals the file name of a shared plugin */
    const char *version;
    const char *license;                 /* SPDX */
    const char *summary;                 /* one line */
    const char *extensions;              /* space separated, without dots: "jsonl ndjson json" */
    const struct assay_option *options;  /* may be NULL */
    const struct assay_rule_decl *rules; /* findings this reader raises; may be NULL */

    /* How well the decoded head fits, 0 (not at all) .. 100 (certain). Pure. `name` as above. */
    int (*probe)(struct assay_bytes head, const char *name);
    /* Prepares for one file: dialect, header row, mode. */
    enum assay_status (*open)(const struct assay_host *host, const struct assay_reader_input *in,
                              void **ret_self, struct assay_error *err);
    /* Finds record boundaries. `data` starts at the first byte not yet consumed and is the previous
     * data's remainder plus what came since, so a reader may remember how far it looked. Bytes that
     * belong to no record (header row, blank lines, brackets) count as consumed, not as records. */
    enum assay_status (*split)(void *self, struct assay_bytes data, enum assay_split_mode mode,
                               struct assay_split *ret);
    enum assay_status (*local_init)(const struct assay_host *host, void **ret_local,
                                    struct assay_error *err);
    /* Parses `chunk`: called again with the same chunk until it returns ASSAY_END (no batch then).
     * `restart` is non-zero on the first call for a chunk. A broken record is a finding plus a skip
     * on `sink`, and the rest goes on; it keeps its ordinal. */
    enum assay_status (*next)(const void *self, void *local, const struct assay_chunk *chunk,
                              int restart, struct assay_batch *ret, struct assay_sink *sink,
                              struct assay_error *err);
    void (*local_free)(void *local); /* accepts NULL */
    void (*close)(void *self);       /* accepts NULL */
};

#endif
