/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/maintain.h: a scanner's work on what it keeps between audits (assay/scanner.h, maintain).
 *
 * Why: what a scanner keeps has a format of the scanner's own, and the scanner may be a shared
 * object; so whoever wants it merged or thinned out asks here, with options, as for an audit.
 */
#ifndef ASSAY_ENGINE_MAINTAIN_H
#define ASSAY_ENGINE_MAINTAIN_H

#include "engine/audit.h"

/* Of `opt` only plugins, their options, `cancel` and `log` count. ASSAY_CONFIG: no such scanner, one
 * that keeps nothing, or a bad option; or what the scanner says. */
enum assay_status assay_scanner_maintain(const struct assay_audit_options *opt, const char *scanner,
                                         struct assay_error *err);

#endif
