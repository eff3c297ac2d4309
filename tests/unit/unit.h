/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/unit.h: what every unit test includes: cmocka and its prerequisites, in order. */
#ifndef ASSAY_TESTS_UNIT_H
#define ASSAY_TESTS_UNIT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#endif
