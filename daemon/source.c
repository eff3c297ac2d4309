/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/source.h"

const struct assay_source_kind *const assay_source_kinds[] = {&assay_source_directory,
                                                              &assay_source_redis, NULL};

const struct assay_source_kind *assay_source_find(const char *name)
{
    for (size_t i = 0; assay_source_kinds[i] != NULL; i++) {
        if (strcmp(assay_source_kinds[i]->name, name) == 0) {
            return assay_source_kinds[i];
        }
    }
    return NULL;
}

const char *const *assay_source_names(void)
{
    static const char *names[sizeof assay_source_kinds / sizeof assay_source_kinds[0]];
    for (size_t i = 0; assay_source_kinds[i] != NULL; i++) {
        names[i] = assay_source_kinds[i]->name;
    }
    return names;
}
