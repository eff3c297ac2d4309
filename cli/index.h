/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index.h: the option that every `assay index` command has.
 */
#ifndef ASSAY_CLI_INDEX_H
#define ASSAY_CLI_INDEX_H

#include "cli/command.h"

#define INDEX_OPTION                                                                               \
    CLI_OPTION("index", 'i', "DIR", NULL, "directory of the index; default: one of your own", 0)

#endif
