/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/detect.h: what a file is: its media type by libmagic, the reader that takes it by probing,
 * the reader that its name asks for.
 */
#ifndef ASSAY_ENGINE_DETECT_H
#define ASSAY_ENGINE_DETECT_H

#include "engine/plugins.h"
#include "engine/stream.h"

#define ASSAY_MIME_MAX      96
#define ASSAY_EXTENSION_MAX 16

struct assay_magic; /* libmagic's cookie: one per worker */

/* NULL when libmagic's database cannot be loaded; then every media type is unknown. */
struct assay_magic *assay_magic_new(void);
void assay_magic_free(struct assay_magic *m); /* accepts NULL */
/* Media type of the first bytes of a file: "text/csv"; "" when unknown. `m` may be NULL. */
void assay_magic_type(struct assay_magic *m, struct assay_bytes head, char out[ASSAY_MIME_MAX]);

/* Index (in `ps`) of the reader with the highest probe; ties go to the first by name. -1: none
 * takes it. */
int assay_detect_reader(const struct assay_plugins *ps, struct assay_bytes head, const char *name);
/* The reader whose list of extensions holds `extension`; NULL: none. */
const char *assay_detect_expected(const struct assay_plugins *ps, const char *extension);
/* Copies `name` without the suffix of its compression (.gz, .zst, .zstd). Cut at cap. */
void assay_detect_plain_name(const char *name, enum assay_compression how, char *out, size_t cap);
/* Extension of a name: lower case, without dot; "" when there is none or it is too long to be one.
 */
void assay_detect_extension(const char *name, char out[ASSAY_EXTENSION_MAX]);

#endif
