/* SPDX-License-Identifier: Apache-2.0
 *
 * core/banned.h: functions that are compile errors here, and what to use instead.
 * The build includes it before everything else, so the system headers come first.
 */
#ifndef ASSAY_CORE_BANNED_H
#define ASSAY_CORE_BANNED_H
#ifndef __cplusplus

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ASSAY_BANNED(func) sorry_##func##_is_banned

/* Unbounded or silently truncating copies: use struct assay_buf, or memcpy with a checked length.
 */
#undef strcpy
#define strcpy(x, y) ASSAY_BANNED(strcpy)
#undef strcat
#define strcat(x, y) ASSAY_BANNED(strcat)
#undef strncpy
#define strncpy(x, y, n) ASSAY_BANNED(strncpy)
#undef strncat
#define strncat(x, y, n) ASSAY_BANNED(strncat)
#undef sprintf
#define sprintf(...) ASSAY_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) ASSAY_BANNED(vsprintf)
/* No error report: use core/option.h. */
#undef atoi
#define atoi(x) ASSAY_BANNED(atoi)
#undef atol
#define atol(x) ASSAY_BANNED(atol)
#undef atoll
#define atoll(x) ASSAY_BANNED(atoll)
#undef sscanf
#define sscanf(...) ASSAY_BANNED(sscanf)
/* Static state: use the _r forms. */
#undef strtok
#define strtok(x, y) ASSAY_BANNED(strtok)
#undef gmtime
#define gmtime(t) ASSAY_BANNED(gmtime)
#undef localtime
#define localtime(t) ASSAY_BANNED(localtime)
#undef ctime
#define ctime(t) ASSAY_BANNED(ctime)
#undef asctime
#define asctime(t) ASSAY_BANNED(asctime)
/* Races and shells: use mkstemp or O_TMPFILE, and posix_spawn. */
#undef mktemp
#define mktemp(x) ASSAY_BANNED(mktemp)
#undef tmpnam
#define tmpnam(x) ASSAY_BANNED(tmpnam)
#undef system
#define system(x) ASSAY_BANNED(system)
#undef popen
#define popen(x, y) ASSAY_BANNED(popen)

#endif
#endif
