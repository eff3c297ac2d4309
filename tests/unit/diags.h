/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/diags.h: a fresh set of diagnostics for each test, and how they read. */
#ifndef ASSAY_TESTS_UNIT_DIAGS_H
#define ASSAY_TESTS_UNIT_DIAGS_H
#include "core/yaml.h"

static struct assay_diags *diags;
static struct assay_buf rendered;

static int diags_setup(void **state)
{
    (void)state;
    diags = assay_diags_new();
    assay_buf_init(&rendered, 100000);
    return diags == NULL;
}

static int diags_teardown(void **state)
{
    (void)state;
    assay_diags_free(diags);
    assay_buf_release(&rendered);
    return 0;
}

static void diags_again(void)
{
    void *none = NULL;
    (void)diags_teardown(&none);
    (void)diags_setup(&none);
}

static const char *diags_text(void)
{
    assay_buf_clear(&rendered);
    assay_diags_render(diags, &rendered, 0);
    return assay_buf_str(&rendered);
}
#endif
