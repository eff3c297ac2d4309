/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/engine/plugin_variant.c: one shared object a fault, chosen by -DVARIANT_x, for
 * test_plugins. */
#include "assay/plugin.h"

static enum assay_status v_init(const struct assay_host *host, void **ret, struct assay_error *err)
{
    (void)host;
    (void)err;
    *ret = NULL;
    return ASSAY_OK;
}

static enum assay_status v_local_init(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    (void)err;
    *ret = NULL;
    return ASSAY_OK;
}

static enum assay_status v_file(const void *shared, void *local, const struct assay_file *file,
                                struct assay_sink *sink)
{
    (void)shared;
    (void)local;
    (void)file;
    (void)sink;
    return ASSAY_OK;
}

#ifndef VARIANT_member
static enum assay_status v_merge(const void *shared, void *into, void *from,
                                 struct assay_error *err)
{
    (void)shared;
    (void)into;
    (void)from;
    (void)err;
    return ASSAY_OK;
}
#endif

static enum assay_status v_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    (void)shared;
    (void)merged;
    (void)sink;
    return ASSAY_OK;
}

static void v_free(void *p)
{
    (void)p;
}

#ifdef VARIANT_abi
#define ABI (ASSAY_PLUGIN_ABI + 1)
#else
#define ABI ASSAY_PLUGIN_ABI
#endif
#ifdef VARIANT_size
#define SIZE 16
#else
#define SIZE sizeof(struct assay_scanner)
#endif
#ifdef VARIANT_member
#define MERGE NULL
#else
#define MERGE v_merge
#endif

#ifdef VARIANT_symbol
extern const struct assay_scanner unrelated;
ASSAY_EXPORT const struct assay_scanner unrelated = {
#else
ASSAY_SCANNER_PLUGIN(variant) = {
#endif
    .abi = ABI,
    .size = SIZE,
    .name = "variant",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "for tests",
    .init = v_init,
    .local_init = v_local_init,
    .file = v_file,
    .merge = MERGE,
    .finish = v_finish,
    .local_free = v_free,
    .free = v_free,
};

#ifdef VARIANT_both
ASSAY_READER_PLUGIN(variant) = {.abi = ASSAY_PLUGIN_ABI, .name = "variant"};
#endif
