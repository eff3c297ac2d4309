/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/versions.c: the libraries whose version can change what is found.
 */
#include "engine/result.h"

#include <magic.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <openssl/crypto.h>
#include <pcre2.h>
#include <utf8proc.h>
#include <xxhash.h>
#include <yara.h>
#include <zlib.h>
#include <zstd.h>

#include "config.h"
#ifdef HAVE_VECTORSCAN
#include <hs.h>
#endif

/* The version number at the front of a library's own sentence: "10.42 2022-12-11" -> "10.42". */
static enum assay_status add(struct assay_audit *a, const char *name, const char *version)
{
    char head[32];
    size_t n = strcspn(version, " ");
    (void)snprintf(head, sizeof head, "%.*s", (int)(n < sizeof head ? n : sizeof head - 1),
                   version);
    return assay_facts_add(&a->versions, name, head);
}

enum assay_status assay_audit_note_versions(struct assay_audit *a)
{
    char pcre2[64], magic[16], xxhash[16];
    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    (void)snprintf(magic, sizeof magic, "%d.%02d", magic_version() / 100, magic_version() % 100);
    unsigned xx = XXH_versionNumber();
    (void)snprintf(xxhash, sizeof xxhash, "%u.%u.%u", xx / 10000, xx / 100 % 100, xx % 100);
    const struct {
        const char *name, *version;
    } rows[] = {
        {"libmagic", magic},
        {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
        {"pcre2", pcre2},
        {"utf8proc", utf8proc_version()},
#ifdef HAVE_VECTORSCAN
        {"vectorscan", hs_version()},
#endif
        {"xxhash", xxhash},
        {"yara", YR_VERSION},
        {"zlib", zlibVersion()},
        {"zstd", ZSTD_versionString()},
    };
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == ASSAY_OK; i++) {
        status = add(a, rows[i].name, rows[i].version);
    }
    return status;
}
