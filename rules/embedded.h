/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/embedded.h: the packs and policies built into the library, as a table of files.
 *
 * rules/embed.sh writes the table from the files listed in rules/packs/Makefile.inc and
 * rules/policies/Makefile.inc. Names are "packs/PACK/FILE" and "policies/NAME.yaml", sorted by byte
 * value; the bytes are those of the file, followed by a NUL that `len` does not count.
 */
#ifndef ASSAY_RULES_EMBEDDED_H
#define ASSAY_RULES_EMBEDDED_H

#include "assay/base.h"

struct assay_embedded_file {
    const char *name;
    const char *data;
    size_t len;
};

extern const struct assay_embedded_file assay_embedded_files[]; /* ends with name NULL */

extern const char *const assay_embedded_packs[];    /* names, NULL-terminated */
extern const char *const assay_embedded_policies[]; /* names, NULL-terminated */

/* The file `name`; NULL when there is none. */
const struct assay_embedded_file *assay_embedded_find(const char *name);

#endif
