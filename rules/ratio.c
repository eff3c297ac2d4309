/* SPDX-License-Identifier: Apache-2.0
 *
 * Exact comparisons of ratios, and the Wilson bound without floating point.
 */
#include "rules/policy_expr.h"

__extension__ typedef unsigned __int128 u128;

#define MILLION ((u128)ASSAY_MILLION)

/* z = 1.6448536269514722, z^2 = 2.70554345409540..., in billionths, rounded up. */
#define Z2_BILLIONTHS ((u128)2705543455u)
#define BILLION       ((u128)1000000000u)

static int compare(u128 a, u128 b)
{
    return (a > b) - (a < b);
}

int assay_op_holds(int order, enum assay_op op)
{
    static const uint8_t allowed[] = {2, 5, 3, 6, 1, 4}; /* bits: less, equal, greater */
    return allowed[op] >> (order + 1) & 1;
}

int assay_compare_share(uint64_t num, uint64_t den, enum assay_op op, int64_t limit_millionths)
{
    return assay_op_holds(compare((u128)num * MILLION, (u128)den * (u128)limit_millionths), op);
}

struct product {
    u128 high, low;
};

/* 128 x 128 -> 256 bits, by halves. */
static struct product multiply(u128 a, u128 b)
{
    u128 mask = UINT64_MAX;
    u128 ll = (a & mask) * (b & mask);
    u128 lh = (a & mask) * (b >> 64);
    u128 hl = (a >> 64) * (b & mask);
    u128 middle = (ll >> 64) + (lh & mask) + (hl & mask);
    struct product p = {(a >> 64) * (b >> 64) + (lh >> 64) + (hl >> 64) + (middle >> 64),
                        (middle << 64) | (ll & mask)};
    return p;
}

/* Whether share `l` millionths is at or above the bound; monotone in l from x/n on. */
static int reaches(u128 l, u128 x, u128 n)
{
    if (l * n < x * MILLION) {
        return 0;
    }
    u128 gap = l * n - x * MILLION;
    struct product left = multiply(gap * BILLION, gap);
    struct product right = multiply(l * (MILLION - l) * n, Z2_BILLIONTHS);
    int c = compare(left.high, right.high);
    return c != 0 ? c > 0 : left.low >= right.low;
}

uint64_t assay_wilson_upper95(uint64_t x, uint64_t n)
{
    uint64_t low = 0, high = ASSAY_MILLION;
    if (n == 0 || x >= n) {
        return ASSAY_MILLION;
    }
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (reaches(mid, x, n)) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}
