/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/saved.h: private: a state as bytes.
 *
 * A magic number, the parameters (settings.h), the counts, how many entries each table has, how
 * many records were delivered before, what `across` counted, then the entries of each table in no particular order; all numbers are 64 bits,
 * least byte first (common/state.h). A state is saved before its second look, and
 * not while an index is made of it (keep.h). Loading adds to what
 * is there; bytes that disagree with themselves are refused before anything is added, and a
 * state that was made with other options is refused with the name of the option.
 */
#ifndef ASSAY_DUPLICATES_SAVED_H
#define ASSAY_DUPLICATES_SAVED_H

#include "assay/plugin.h"

/* The verbs `save` and `load` of the scanner; `local` is a struct dup_local. */
enum assay_status dup_save(const void *shared, const void *local,
                           enum assay_status (*put)(void *ctx, const void *data, size_t len),
                           void *ctx);
enum assay_status dup_load(const void *shared, void *local, struct assay_bytes data,
                           struct assay_error *err);

#endif
