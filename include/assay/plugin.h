/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/plugin.h: the one header a plugin includes, and the macros that export it.
 *
 * The same source builds into the program or as a shared object: ASSAY_READER_PLUGIN(jsonl) = {...}
 * defines assay_reader_jsonl when built in (ASSAY_PLUGIN_STATIC), and the symbol
 * assay_reader_plugin when built as jsonl.so. Likewise ASSAY_SCANNER_PLUGIN.
 */
#ifndef ASSAY_PLUGIN_H
#define ASSAY_PLUGIN_H

#include "base.h"
#include "finding.h"
#include "host.h"
#include "reader.h"
#include "record.h"
#include "scanner.h"

#ifdef __cplusplus
#define ASSAY_PLUGIN_LINKAGE extern "C"
#else
#define ASSAY_PLUGIN_LINKAGE extern
#endif

#ifdef ASSAY_PLUGIN_STATIC
#define ASSAY_READER_SYMBOL(name)  assay_reader_##name
#define ASSAY_SCANNER_SYMBOL(name) assay_scanner_##name
#else
#define ASSAY_READER_SYMBOL(name)  assay_reader_plugin
#define ASSAY_SCANNER_SYMBOL(name) assay_scanner_plugin
#endif

#define ASSAY_READER_PLUGIN(name)                                                                  \
    ASSAY_PLUGIN_LINKAGE ASSAY_EXPORT const struct assay_reader ASSAY_READER_SYMBOL(name);         \
    const struct assay_reader ASSAY_READER_SYMBOL(name)

#define ASSAY_SCANNER_PLUGIN(name)                                                                 \
    ASSAY_PLUGIN_LINKAGE ASSAY_EXPORT const struct assay_scanner ASSAY_SCANNER_SYMBOL(name);       \
    const struct assay_scanner ASSAY_SCANNER_SYMBOL(name)

#endif
