/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/finding.h: what a scanner says: findings and metrics, through a sink.
 *
 * What:  a finding names a rule and a place. The raw value travels in `value` only as far as the
 * sink, which at once turns it into a masked preview and a keyed fingerprint; it is never stored.
 * Rules: `detail` must be composed of constants and numbers, never of dataset text.
 * Thread rule: a sink belongs to the call it was passed to.
 */
#ifndef ASSAY_FINDING_H
#define ASSAY_FINDING_H

#include "base.h"
#include "record.h"

enum assay_severity {
    ASSAY_SEVERITY_INFO,
    ASSAY_SEVERITY_LOW,
    ASSAY_SEVERITY_MEDIUM,
    ASSAY_SEVERITY_HIGH,
    ASSAY_SEVERITY_CRITICAL,
    ASSAY_SEVERITY_MAX
};

/* A rule that a plugin's code implements (pattern and word rules live in packs instead). A table
 * ends with a row whose id is NULL. Ids are stable for ever: "scanner.check". */
struct assay_rule_decl {
    const char *id;
    const char *entity; /* NULL where the rule is not about an entity */
    enum assay_severity severity;
    const char *title_en;
    const char *title_zh;
    const char *help_en; /* what it means and what to do, one or two sentences */
    const char *help_zh;
};

/* One member of a group finding (duplicates, conflicting labels). */
struct assay_member {
    uint32_t file;   /* inventory index */
    uint64_t record; /* ordinal; ASSAY_NO_RECORD for the whole file */
};

#define ASSAY_NO_RECORD UINT64_MAX

/* `offset` is a place in the file, also where it is 0. */
#define ASSAY_FINDING_OFFSET 0x1u

struct assay_finding {
    uint32_t size;       /* sizeof (struct assay_finding) */
    uint32_t rule;       /* index from host->rule_index or assay_match.rule */
    uint32_t file;       /* inventory index; ASSAY_NONE for a dataset-level finding */
    uint32_t record;     /* index into the batch's records; ASSAY_NONE when not about one record */
    uint32_t field;      /* index into the batch's fields; ASSAY_NONE */
    uint32_t start, end; /* bytes within the field's value */
    uint16_t confidence; /* thousandths, 0..1000 */
    uint16_t flags;      /* ASSAY_FINDING_... */
    uint64_t offset;     /* bytes in the file, where no record exists (broken line); else 0 */
    uint64_t ordinal;    /* record ordinal when `record` is ASSAY_NONE; ASSAY_NO_RECORD */
    struct assay_bytes value;           /* sensitive; masked and fingerprinted by the sink */
    struct assay_bytes detail;          /* safe text, ASCII; may be empty */
    const struct assay_member *members; /* sorted by (file, record) */
    uint32_t n_members;                 /* members given here */
    uint64_t members_total;             /* members in the group */
};

static inline struct assay_finding assay_finding_init(uint32_t rule)
{
    struct assay_finding f;
    memset(&f, 0, sizeof f);
    f.size = (uint32_t)sizeof f;
    f.rule = rule;
    f.file = f.record = f.field = ASSAY_NONE;
    f.confidence = 1000;
    f.ordinal = ASSAY_NO_RECORD;
    return f;
}

/* Why something was not scanned. XX(symbol, name in reports). Each makes the audit INCOMPLETE. */
#define ASSAY_SKIP_MAP(XX)                                                                         \
    XX(UNREADABLE, "unreadable")                                                                   \
    XX(SYMLINK, "symlink")                                                                         \
    XX(SPECIAL, "special-file")                                                                    \
    XX(OUTSIDE, "outside-root")                                                                    \
    XX(UNSUPPORTED, "unsupported-format")                                                          \
    XX(MALFORMED, "malformed-record")                                                              \
    XX(TOO_LONG, "record-too-long")                                                                \
    XX(TOO_DEEP, "nesting-too-deep")                                                               \
    XX(ENCODING, "undecodable-text")                                                               \
    XX(TRUNCATED, "truncated-stream")                                                              \
    XX(CORRUPT, "corrupt-stream")                                                                  \
    XX(RATIO, "decompression-ratio")                                                               \
    XX(CHANGED, "changed-while-read")                                                              \
    XX(MATCH_LIMIT, "match-limit")                                                                 \
    XX(TIMEOUT, "timeout")                                                                         \
    XX(PLUGIN, "plugin-failure")                                                                   \
    XX(LIMIT, "limit")                                                                             \
    XX(CANCELLED, "cancelled")                                                                     \
    XX(POISON, "worker-crashed")

enum assay_skip {
#define ASSAY_SKIP_ENUM(sym, name) ASSAY_SKIP_##sym,
    ASSAY_SKIP_MAP(ASSAY_SKIP_ENUM)
#undef ASSAY_SKIP_ENUM
        ASSAY_SKIP_MAX
};

/* `place` says again what `keep` says, which stands before it: whoever cleans the dataset may drop
 * the one and keep the other. */
struct assay_membership {
    uint32_t size; /* sizeof (struct assay_membership) */
    uint32_t rule; /* the tier: a declared rule of the scanner */
    struct assay_member place, keep;
    uint16_t similarity; /* thousandths, as compared with `keep` itself */
    uint16_t reserved;
};

/* What one scanner found and another knows more about: records whose places say that they are of two
 * splits, answers that somebody judges. `topic` says what is handed over and what the members mean;
 * docs/plugin-tutorial.md lists the topics. Everything here is the giver's, for the time of the
 * call. */
struct assay_group {
    uint32_t size; /* sizeof (struct assay_group) */
    uint32_t rule; /* declared rule of the giver that the group is about; ASSAY_NONE */
    const char *topic;
    const struct assay_member *members; /* sorted by (file, record) */
    const uint64_t *weights;            /* by member, what the topic says; NULL: 1 each */
    uint32_t n_members;                 /* members given here */
    uint32_t field;                     /* in scan(): index into the batch's fields; ASSAY_NONE */
    uint64_t members_total;             /* members in the group */
    uint64_t key[2];  /* a hash of what the group shares, not keyed; not for output */
    uint64_t sums[2]; /* over all members, what the topic says */
    uint32_t record;  /* in scan(): index into the batch's records; ASSAY_NONE */
    uint32_t reserved;
    struct assay_bytes said; /* safe text to append to a finding's detail; empty, or "; ..." */
};

#define ASSAY_REPLY_SAID 768 /* bytes, the end included: sixteen splits have room */

/* What the takers answered, all together. */
struct assay_reply {
    uint32_t size;               /* sizeof (struct assay_reply) */
    uint32_t set_aside;          /* not zero: an accepted group, of which the giver says nothing */
    char said[ASSAY_REPLY_SAID]; /* safe text to append to a finding's detail; begins with "; " */
};

struct assay_sink {
    uint32_t size;
    void *ctx;
    /* Reports a finding. Copies what it needs before it returns. */
    enum assay_status (*finding)(void *ctx, const struct assay_finding *f);
    /* Counts something not scanned: `records` and `bytes` may be 0 when unknown. */
    void (*skip)(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes);
    /* Sets metric `name` ("duplicates.record_ratio") to num/den; den 1 for counts. finish() only.
     */
    enum assay_status (*metric)(void *ctx, const char *name, uint64_t num, uint64_t den);
    /* Names one member of a group that a group finding speaks of, which lists only the first of
     * them. Say each member but one, in any order; `keep` stands before `place` (by file, then
     * record), was compared with it, and may itself be named as `place`: then its own `keep` stands
     * for both. A member that was compared with no other that is kept is not named: it is not for
     * dropping. finish() only; cheap when nobody wants to know. */
    enum assay_status (*member)(void *ctx, const struct assay_membership *m);
    /* Hands a group to the scanners that take its topic, before it returns; the giver lists the
     * topic among those it gives. Not in reviews. `reply` is made empty first.
     * ASSAY_NOTFOUND: nobody takes it. A taker that fails is the host's business. */
    enum assay_status (*hand)(void *ctx, const struct assay_group *g, struct assay_reply *reply);
};

#endif
