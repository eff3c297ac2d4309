/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/generate: writes a generated corpus to standard output and its statistics to standard
 * error.
 *
 *     bench/generate BYTES [SEED [jsonl|csv [PII_PER_MIB]]] >corpus.jsonl
 */
#include "bench/corpus.h"

#define BLOCK ((size_t)1 << 20)

static int flush(struct assay_buf *b)
{
    size_t n = fwrite(b->ptr, 1, b->len, stdout);
    int ok = n == b->len;
    assay_buf_clear(b);
    return ok;
}

static int generate(struct corpus *c, uint64_t bytes)
{
    struct assay_buf out;
    int ok = 1;
    assay_buf_init(&out, 4 * BLOCK);
    corpus_head(c, &out);
    while (ok && corpus_stats(c)->bytes < bytes) {
        corpus_record(c, &out);
        if (out.len >= BLOCK) {
            ok = flush(&out);
        }
    }
    ok = ok && assay_buf_status(&out) == ASSAY_OK && flush(&out) && fflush(stdout) == 0;
    assay_buf_release(&out);
    return ok;
}

int main(int argc, char **argv)
{
    uint64_t bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int csv = argc > 3 && strcmp(argv[3], "csv") == 0;
    unsigned pii = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 100;
    if (bytes == 0) {
        fprintf(stderr, "usage: %s BYTES [SEED [jsonl|csv [PII_PER_MIB]]]\n", argv[0]);
        return 2;
    }
    struct corpus *c = corpus_new(seed, csv ? CORPUS_CSV : CORPUS_JSONL, pii);
    int ok = c != NULL && generate(c, bytes);
    if (ok) {
        const struct corpus_stats *s = corpus_stats(c);
        fprintf(stderr,
                "bytes %llu records %llu text %llu planted %llu insults %llu duplicates %llu "
                "escaped %llu chinese %llu\n",
                (unsigned long long)s->bytes, (unsigned long long)s->records,
                (unsigned long long)s->text_bytes, (unsigned long long)s->planted,
                (unsigned long long)s->insults, (unsigned long long)s->duplicates,
                (unsigned long long)s->escaped, (unsigned long long)s->chinese);
    }
    corpus_free(c);
    return ok ? 0 : 1;
}
