/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sketch.c: see the header.
 *
 * The minima of one group of permutations stay in registers while all shingles go by; then comes
 * the next group. Shingles of 1 KB of text are in the first-level cache meanwhile.
 */
#include "sketch.h"

#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#define DUP_X86
#endif
#ifdef __aarch64__
#include <arm_neon.h>
#define DUP_NEON
#endif

#include "mix.h"

#define WIDTH      5
#define WIDTH_LOW  3
#define FEW_TOKENS 20

/* ---- shingles ----------------------------------------------------------------------------------
 */

unsigned dup_shingle_width(size_t n_tokens)
{
    return n_tokens < WIDTH ? (unsigned)n_tokens : n_tokens < FEW_TOKENS ? WIDTH_LOW : WIDTH;
}

size_t dup_shingle_count(size_t n_tokens)
{
    return n_tokens == 0 ? 0 : n_tokens + 1 - dup_shingle_width(n_tokens);
}

void dup_shingles(const struct dup_token *tokens, size_t n, uint64_t *out)
{
    const unsigned width = dup_shingle_width(n);
    uint64_t h = 0, power = 1;
    for (size_t i = 0; i + 1 < width; i++) {
        h = h * DUP_ROOT5 + tokens[i].hash;
        power *= DUP_ROOT5;
    }
    for (size_t i = width - (width > 0); i < n; i++) {
        h = h * DUP_ROOT5 + tokens[i].hash;
        *out++ = dup_mix(h, width);
        h -= tokens[i + 1 - width].hash * power;
    }
}

/* The partition of Hoare's quicksort; values are hashes, so the middle one will do. */
static size_t split_numbers(uint64_t *v, size_t n)
{
    const uint64_t pivot = v[n / 2];
    size_t i = 0, j = n - 1;
    for (;;) {
        while (v[i] < pivot) {
            i++;
        }
        while (v[j] > pivot) {
            j--;
        }
        if (i >= j) {
            return j + 1;
        }
        uint64_t x = v[i];
        v[i++] = v[j];
        v[j--] = x;
    }
}

static void sort_numbers(uint64_t *v, size_t n)
{
    while (n > 24) {
        size_t left = split_numbers(v, n);
        if (left < n - left) {
            sort_numbers(v, left);
            v += left;
            n -= left;
        } else {
            sort_numbers(v + left, n - left);
            n = left;
        }
    }
    for (size_t i = 1; i < n; i++) {
        uint64_t x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--) {
            v[j] = v[j - 1];
        }
        v[j] = x;
    }
}

size_t dup_shingle_set(uint64_t *shingles, size_t n)
{
    size_t kept = n > 0;
    sort_numbers(shingles, n);
    for (size_t i = 1; i < n; i++) {
        shingles[kept] = shingles[i];
        kept += shingles[i] != shingles[kept - 1];
    }
    return kept;
}

size_t dup_shared(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b, size_t enough)
{
    size_t i = 0, j = 0, shared = 0;
    while (i < n_a && j < n_b) {
        size_t left = n_a - i < n_b - j ? n_a - i : n_b - j;
        if (shared + left < enough) {
            break;
        }
        shared += a[i] == b[j];
        size_t step_a = a[i] <= b[j], step_b = b[j] <= a[i];
        i += step_a;
        j += step_b;
    }
    return shared;
}

/* ---- minima ------------------------------------------------------------------------------------
 *
 * The constants: 128 steps of SplitMix64 from 1 (tests/unit/plugins/test_sketch.c makes them anew);
 * b is the upper half, a the lower half made odd.
 */

static const uint32_t mul[DUP_MINIMA] = {
    0x89025cc1, 0x658eec67, 0xfb32555f, 0xee42c90b, 0xd101b5b9, 0x90150281, 0xd7363ca5, 0x12278575,
    0x357e3da9, 0x74616797, 0x01564f61, 0x14cf8bff, 0x4baa5dc1, 0x90d7a28b, 0x6f4c57a9, 0xa5794a3b,
    0xb7fd0b63, 0x572baaf1, 0x30af89ef, 0x73ef6509, 0x65e98747, 0x5c2a449d, 0xd1548fcd, 0x3ef306ad,
    0xd1aab99f, 0xc177b6f7, 0x864a7135, 0x0d2df7ab, 0x445bcd27, 0x1909778b, 0x12c5d085, 0xc90789bb,
    0x5a072c6d, 0x48dce01d, 0x2ef3fc17, 0x56feff0d, 0x5e4be0f5, 0x003553c1, 0x96eb9d19, 0xbe5b133d,
    0x607e2c87, 0x881e2907, 0x59108163, 0x8687ffb3, 0x9fc66081, 0x12c87e39, 0x18e9685f, 0x304d9f97,
    0x21373073, 0x61edd57b, 0x77ba0575, 0x4c4cbee5, 0xbd6ae8f9, 0x29ca1791, 0x0c5b4a8f, 0x2751ecaf,
    0x9acd7aaf, 0xc8c694cd, 0xbff06253, 0x5a4dc853, 0x5ce2ce15, 0x1075b77f, 0x7914ffbd, 0x401ed25b,
    0x359e0b63, 0x39325fad, 0xca73e0f3, 0x41c3936b, 0x0cde66a9, 0x929813bb, 0xa0ec2561, 0x27a21187,
    0xa328d575, 0x6f1dcf73, 0x6cd2330f, 0x68668743, 0x9554aa53, 0x97ca63bf, 0xc10ffb55, 0x2e7d779d,
    0x2cc57f39, 0x1eb06ce1, 0x931e49d7, 0x684b83f3, 0x69576109, 0x2e600eb1, 0x3811c379, 0xfe81f26f,
    0xb560315d, 0xb5f3ba41, 0xdea951a9, 0x74f0c83f, 0x762810c3, 0x72d1294b, 0xe17386af, 0x343d01f9,
    0xc13e4a81, 0xb30d1391, 0x9ea524f3, 0x35c3b951, 0x50141d01, 0x5151ec53, 0xbde4ae5b, 0x782acb93,
    0xc9cf4b25, 0x00ce2d0b, 0xf6c43e6f, 0x0f53e5d7, 0xb21d8f6d, 0x79eb517b, 0xa8487c5b, 0x9dd14427,
    0x1f72235f, 0x5f97eca3, 0xcb9a9f17, 0x84763a13, 0xdf4a692f, 0x669e4cc5, 0xe709a103, 0x29b95dbb,
    0x50ff4223, 0x3cff78df, 0xb6c47b9f, 0xda657471, 0xdcd26b71, 0x725b6ed3, 0xc0db4d9d, 0xfe73cb45,
};
static const uint32_t flip[DUP_MINIMA] = {
    0x910a2dec, 0xbeeb8da1, 0xf893a2ee, 0x71c18690, 0x71bb54d8, 0xc34d0bff, 0xe099ec6c, 0x85e7bb0f,
    0x491718de, 0xcb435c8e, 0x6775dc77, 0x9afcd44d, 0x7476cf8a, 0x87b341d6, 0x6f9b6dae, 0x2ac2ce17,
    0xa534a6a6, 0xd0bad0da, 0xae843796, 0xe2631837, 0x10e2c468, 0x14d7973c, 0x7ef1fd0e, 0x1f841063,
    0x497305c5, 0x0c43407d, 0x83f91ca7, 0xb6b9aeef, 0x0b331645, 0xff6c67e8, 0x990cd70b, 0x962b1967,
    0x65ace268, 0x70616f2f, 0x40d6824e, 0x879e2e22, 0x8b2e0244, 0xbf8c59bb, 0xd16aa4b2, 0xab27a171,
    0xdca0c749, 0xb54b3c40, 0x3c821fbf, 0xa7ff0d38, 0xde70d101, 0xd6de6acd, 0x530e0e61, 0x28bff9ea,
    0xe4d93032, 0xe9a61004, 0x4d4673ef, 0x21af8cfd, 0x536000f4, 0xf0af3ce4, 0x64c70b0b, 0x16758727,
    0x9b679c85, 0x27cd5f9e, 0xf55540b2, 0xe0285292, 0x86c5d1b0, 0x1180b23a, 0xc09a1a81, 0x88b894e1,
    0xb86c9a98, 0x47a9dc67, 0x099545b4, 0x05a2e189, 0x91866d4d, 0x1eb967d7, 0x29663e9e, 0xd2c61eeb,
    0xf902155a, 0xb0eb094e, 0x90ccb6a0, 0x78788347, 0x9fbd9635, 0xdc3320bb, 0xce45a342, 0x1bea994d,
    0xa64b31c2, 0x38849506, 0x6c38537a, 0xe31d5ce0, 0xaf60baae, 0xf0dad827, 0xc0257e40, 0x2072b26d,
    0x2d4de979, 0xbcf35b6d, 0xc7c9572d, 0x635b0b7e, 0x18c80a5e, 0xf3f0a4b1, 0x98d0ff43, 0x180a2bd6,
    0xdb20290a, 0xd80391ff, 0x00077ba9, 0x4f05f037, 0xbc730140, 0x96bf5d40, 0xaa3de53f, 0x7bc42e82,
    0x764176e3, 0xfd845ef3, 0xa3e9bfbb, 0x0781577a, 0xd909c315, 0xe8e6022a, 0x62db179c, 0x263346a6,
    0xa2e4fe84, 0x98f30af4, 0x2f596652, 0x19a3c590, 0xfd0d1f90, 0x67cae465, 0x795179bb, 0x9005becd,
    0xb19892fd, 0xbd7de8f2, 0xf85a587b, 0x7a2d99b9, 0x3782f608, 0x32647003, 0x1805127c, 0x6524e51f,
};

static void plain_minhash(const uint64_t *shingles, size_t n, struct dup_sketch *ret)
{
    for (unsigned i = 0; i < DUP_MINIMA; i++) {
        uint32_t min = UINT32_MAX;
        for (size_t k = 0; k < n; k++) {
            uint32_t h = ((uint32_t)shingles[k] ^ flip[i]) * mul[i];
            min = h < min ? h : min;
        }
        ret->min[i] = min;
    }
}

/* Before a loop over the vectors of one group, which must be unrolled for them to be in registers. */
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

static int always(void)
{
    return 1;
}

#ifdef DUP_X86

#define AVX2  __attribute__((target("avx2")))
#define SSE41 __attribute__((target("sse4.1")))

AVX2 static void avx2_minhash(const uint64_t *shingles, size_t n, struct dup_sketch *ret)
{
    for (unsigned i = 0; i < DUP_MINIMA; i += 32) {
        __m256i a[4], b[4], min[4];
        UNROLLED
        for (unsigned v = 0; v < 4; v++) {
            a[v] = _mm256_loadu_si256((const __m256i *)(const void *)(mul + i + 8 * v));
            b[v] = _mm256_loadu_si256((const __m256i *)(const void *)(flip + i + 8 * v));
            min[v] = _mm256_set1_epi32(-1);
        }
        for (size_t k = 0; k < n; k++) {
            const __m256i x = _mm256_set1_epi32((int)(uint32_t)shingles[k]);
            UNROLLED
            for (unsigned v = 0; v < 4; v++) {
                __m256i h = _mm256_mullo_epi32(_mm256_xor_si256(x, b[v]), a[v]);
                min[v] = _mm256_min_epu32(min[v], h);
            }
        }
        UNROLLED
        for (unsigned v = 0; v < 4; v++) {
            _mm256_storeu_si256((__m256i *)(void *)(ret->min + i + 8 * v), min[v]);
        }
    }
}

SSE41 static void sse41_minhash(const uint64_t *shingles, size_t n, struct dup_sketch *ret)
{
    for (unsigned i = 0; i < DUP_MINIMA; i += 16) {
        __m128i a[4], b[4], min[4];
        UNROLLED
        for (unsigned v = 0; v < 4; v++) {
            a[v] = _mm_loadu_si128((const __m128i *)(const void *)(mul + i + 4 * v));
            b[v] = _mm_loadu_si128((const __m128i *)(const void *)(flip + i + 4 * v));
            min[v] = _mm_set1_epi32(-1);
        }
        for (size_t k = 0; k < n; k++) {
            const __m128i x = _mm_set1_epi32((int)(uint32_t)shingles[k]);
            UNROLLED
            for (unsigned v = 0; v < 4; v++) {
                __m128i h = _mm_mullo_epi32(_mm_xor_si128(x, b[v]), a[v]);
                min[v] = _mm_min_epu32(min[v], h);
            }
        }
        UNROLLED
        for (unsigned v = 0; v < 4; v++) {
            _mm_storeu_si128((__m128i *)(void *)(ret->min + i + 4 * v), min[v]);
        }
    }
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static int has_sse41(void)
{
    return __builtin_cpu_supports("sse4.1");
}

#endif

#ifdef DUP_NEON

/* Part of every AArch64 processor. */
static void neon_minhash(const uint64_t *shingles, size_t n, struct dup_sketch *ret)
{
    for (unsigned i = 0; i < DUP_MINIMA; i += 32) {
        uint32x4_t a[8], b[8], min[8];
        UNROLLED
        for (unsigned v = 0; v < 8; v++) {
            a[v] = vld1q_u32(mul + i + 4 * v);
            b[v] = vld1q_u32(flip + i + 4 * v);
            min[v] = vdupq_n_u32(UINT32_MAX);
        }
        for (size_t k = 0; k < n; k++) {
            const uint32x4_t x = vdupq_n_u32((uint32_t)shingles[k]);
            UNROLLED
            for (unsigned v = 0; v < 8; v++) {
                min[v] = vminq_u32(min[v], vmulq_u32(veorq_u32(x, b[v]), a[v]));
            }
        }
        UNROLLED
        for (unsigned v = 0; v < 8; v++) {
            vst1q_u32(ret->min + i + 4 * v, min[v]);
        }
    }
}

#endif

dup_minhash *dup_minhash_get(unsigned i)
{
    static const struct {
        int (*runs_here)(void);
        dup_minhash *minhash;
    } all[] = {
#ifdef DUP_X86
        {has_avx2, avx2_minhash},
        {has_sse41, sse41_minhash},
#endif
#ifdef DUP_NEON
        {always, neon_minhash},
#endif
        {always, plain_minhash},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (all[k].runs_here() && i-- == 0) {
            return all[k].minhash;
        }
    }
    return NULL;
}
