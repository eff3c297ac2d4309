/* SPDX-License-Identifier: Apache-2.0
 * libfyaml 0.7.12 leaks a few hundred bytes of its own on some malformed quoted scalars; ours are
 * still found. */
#ifndef ASSAY_TESTS_FUZZ_LIBFYAML_LEAKS_H
#define ASSAY_TESTS_FUZZ_LIBFYAML_LEAKS_H
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}
#endif
