/* SPDX-License-Identifier: Apache-2.0
 *
 * core/limits.h: every bound on something a user or a dataset controls, in one place. (Plugins see
 * no header of ours but the SDK's: a bound of theirs stands beside the code that enforces it, or is
 * an option.)
 *
 * Reaching one is never silent: it is an error value, or a skip with a reason that makes the audit
 * INCOMPLETE. Sizes are bytes unless the name says otherwise.
 */
#ifndef ASSAY_CORE_LIMITS_H
#define ASSAY_CORE_LIMITS_H

#define ASSAY_KIB(n) ((size_t)(n) << 10)
#define ASSAY_MIB(n) ((size_t)(n) << 20)

/* Documents a user writes */
#define ASSAY_LIMIT_YAML_FILE     ASSAY_MIB(8)
#define ASSAY_LIMIT_YAML_DEPTH    64
#define ASSAY_LIMIT_DIAGNOSTICS   100           /* reported at once; the rest is counted */
#define ASSAY_LIMIT_JSON_DOCUMENT ASSAY_MIB(64) /* envelopes, statements, control messages */
#define ASSAY_LIMIT_KEY_FILE      ASSAY_KIB(64)

/* Rules */
#define ASSAY_LIMIT_PACKS          256
#define ASSAY_LIMIT_PACK_FILES     4096 /* rule files of one pack */
#define ASSAY_LIMIT_PACK_DEPTH     8
#define ASSAY_LIMIT_RULES          20000
#define ASSAY_LIMIT_RULE_ID        100
#define ASSAY_LIMIT_RULE_MEMORY    ASSAY_MIB(512) /* of one rule set */
#define ASSAY_LIMIT_PATTERN        ASSAY_KIB(16)
#define ASSAY_LIMIT_WORDS          500000 /* terms over all word rules */
#define ASSAY_LIMIT_WORD           256    /* one term */
#define ASSAY_LIMIT_CONTEXT_WORDS  256    /* per rule */
#define ASSAY_LIMIT_CONTEXT_WINDOW 512    /* code points on each side */
#define ASSAY_LIMIT_PCRE2_MATCH    200000 /* match limit of one confirm */
#define ASSAY_LIMIT_PCRE2_HEAP_KIB 8192
#define ASSAY_LIMIT_POLICY_TERMS   256
#define ASSAY_LIMIT_EXPR           4096 /* bytes of one policy expression */
#define ASSAY_LIMIT_EXPR_DEPTH     32   /* nested parentheses and "not" in it */
#define ASSAY_LIMIT_CACHE_FILE     ASSAY_MIB(512)
#define ASSAY_LIMIT_ANCHOR         4096          /* bytes of one YARA anchor */
#define ASSAY_LIMIT_YARA_WHOLE     ASSAY_MIB(64) /* files up to this are scanned in one piece */
#define ASSAY_YARA_OVERLAP         ASSAY_MIB(1)  /* of the pieces of larger files */
#define ASSAY_LIMIT_YARA_SECONDS   60            /* one file */

/* Datasets */
#define ASSAY_LIMIT_FILES           50000000 /* in one dataset */
#define ASSAY_LIMIT_PATH_DEPTH      128
#define ASSAY_LIMIT_NAME            4096 /* path within the dataset */
#define ASSAY_LIMIT_RECORD          ASSAY_MIB(32)
#define ASSAY_LIMIT_DEPTH           512  /* nesting of one record */
#define ASSAY_LIMIT_POINTER         4096 /* JSON Pointer; deeper members are skipped and counted */
#define ASSAY_LIMIT_INFLATE_RATIO   1000 /* output : input, once output passes the floor */
#define ASSAY_LIMIT_INFLATE_FLOOR   ASSAY_MIB(16)
#define ASSAY_LIMIT_HEAD            ASSAY_KIB(64)
#define ASSAY_LIMIT_ZSTD_WINDOW_LOG 27 /* 128 MiB: what every level uses without --long */

/* The engine */
#define ASSAY_LIMIT_JOBS         256
#define ASSAY_CHUNK              ASSAY_KIB(256) /* target size of a chunk of whole records */
#define ASSAY_CHUNK_PADDING      64             /* readable bytes behind every chunk */
#define ASSAY_GROUP_BYTES        ASSAY_MIB(1)   /* small files per task */
#define ASSAY_GROUP_FILES        64
#define ASSAY_LARGE_FILE         ASSAY_MIB(1) /* above: cut into chunks and scanned by many */
#define ASSAY_BUFFERS_PER_WORKER 3
#define ASSAY_SCANNER_BUDGET     ASSAY_MIB(128) /* memory of one scanner over all workers */
#define ASSAY_LIMIT_MEMBERS      1000 /* listed in one group finding; the total is always given */
#define ASSAY_LIMIT_FILE_HITS    1000 /* raw-byte rule hits per file */
#define ASSAY_LIMIT_INPUT_COPY   ((uint64_t)64 << 30) /* of standard input, for a second look */
#define ASSAY_LIMIT_METRICS      4096                 /* of all scanners */

/* Reports */
#define ASSAY_LIMIT_HTML        ASSAY_MIB(4) /* samples shrink, aggregates never */
#define ASSAY_LIMIT_HTML_ROWS   20           /* examples per rule */
#define ASSAY_LIMIT_TABLE_ROWS  20
#define ASSAY_LIMIT_SIGNATURES  16
#define ASSAY_LIMIT_MANIFEST    ASSAY_MIB(4096)
#define ASSAY_LIMIT_DIFFERENCES 100 /* listed by verify, of each kind; the rest is counted */

/* Lists of accepted groups */
#define ASSAY_LIMIT_ACCEPTED       10000 /* entries over all lists; the scanner's own bound, too */
#define ASSAY_LIMIT_ACCEPTED_LISTS 16
#define ASSAY_LIMIT_ACCEPTED_TEXT  500 /* bytes of a reason, or a name */

/* Options of plugins that are given for one audit */
#define ASSAY_LIMIT_SETTINGS 64

/* The daemon */
#define ASSAY_LIMIT_CONTROL_MESSAGE  ASSAY_MIB(1)
#define ASSAY_LIMIT_JOB              ASSAY_MIB(1) /* what a worker is told */
#define ASSAY_LIMIT_CHECK_MS         600000       /* a reload may take so long */
#define ASSAY_LIMIT_PLUGIN_FILE      ASSAY_MIB(256)
#define ASSAY_LIMIT_CLIENTS          64
#define ASSAY_LIMIT_WATCH_MS         200 /* between two replies to who watches */
#define ASSAY_LIMIT_WATCH_MAX_MS     3600000
#define ASSAY_LIMIT_SIGNED           1024                /* runs that a signer remembers */
#define ASSAY_LIMIT_WORKER_FILES     1024                /* open in one worker */
#define ASSAY_LIMIT_WORKER_FILE_SIZE (UINT64_C(1) << 40) /* that a worker writes */
#define ASSAY_LIMIT_WORKER_PROCESSES 4096  /* and threads, of the worker's user; it forks nothing */
#define ASSAY_LIMIT_POISON           64    /* files of one run that are set aside */
#define ASSAY_WORKER_BEAT_MS         1000  /* a worker says something so often */
#define ASSAY_LIMIT_WORKER_SILENCE   30000 /* ms; a worker that has begun and is silent is dead */
#define ASSAY_LIMIT_SYNC_FILES       64    /* of one directory that is synced as a whole */
#define ASSAY_LIMIT_SYNC_THREADS     15 /* that wait for the device together, besides the caller */
#define ASSAY_LIMIT_SOURCES          256
#define ASSAY_LIMIT_PRIORITY         100
#define ASSAY_LIMIT_DEADLINE_MS      (UINT64_C(365) * 24 * 3600 * 1000)
#define ASSAY_LIMIT_ORIGIN           512 /* of a request, and the name of its job */

/* Watching */
#define ASSAY_LIMIT_OPEN_FILES     4096 /* followed per dataset until they are closed */
#define ASSAY_LIMIT_READY_MANIFEST ASSAY_MIB(64)

/* Redis */
#define ASSAY_LIMIT_REDIS_MESSAGE ASSAY_MIB(1) /* the fields of one job, together */
#define ASSAY_LIMIT_REDIS_FIELDS  64           /* of one job */
#define ASSAY_LIMIT_REDIS_KEY     256          /* tenant, group, consumer, job id */
#define ASSAY_LIMIT_REDIS_FLIGHTS 128          /* jobs one source has taken and not answered */
#define ASSAY_LIMIT_REDIS_ARGS    192          /* words of one command */
#define ASSAY_LIMIT_REDIS_COMMAND ASSAY_MIB(8)
#define ASSAY_LIMIT_REDIS_OUTPUT  ASSAY_MIB(32) /* waiting to be sent */
#define ASSAY_LIMIT_REDIS_REPLY   ASSAY_MIB(72)
#define ASSAY_LIMIT_REDIS_STRING  ASSAY_MIB(8)
#define ASSAY_LIMIT_REDIS_LINE    ASSAY_KIB(16)
#define ASSAY_LIMIT_REDIS_ITEMS   65536        /* over all arrays of a reply */
#define ASSAY_LIMIT_REDIS_PENDING 256          /* commands without a reply yet */
#define ASSAY_LIMIT_REDIS_PROOF   ASSAY_MIB(1) /* an envelope that is copied into Redis */

#endif
