/* SPDX-License-Identifier: Apache-2.0 */
#include "pdq.h"

#include <math.h>
#include <string.h>

#define SAMPLES 64
#define FREQS   16
#define PASSES  2

struct samples {
    float at[SAMPLES][SAMPLES];
};

struct freqs {
    float at[FREQS][FREQS];
};

const char *const pdq_view_names[PDQ_VIEWS] = {"as it is",
                                               "rotated by 90 degrees",
                                               "rotated by 180 degrees",
                                               "rotated by 270 degrees",
                                               "flipped upside down",
                                               "mirrored",
                                               "transposed",
                                               "transposed the other way"};

/* ---- blur and sample ----------------------------------------------------------------------- */

/* Half a sample's width, rounded up: two passes then see a whole one. */
static unsigned window_of(unsigned side)
{
    return (side + 2 * SAMPLES - 1) / (2 * SAMPLES);
}

/* A box filter over `n` values `step` apart: each becomes the mean of up to `window` around it, as
 * many as there are at the borders. `lanes` neighbours are done side by side. */
static void box(const float *in, float *out, unsigned n, size_t step, unsigned window,
                unsigned lanes)
{
    float sum[PDQ_SIDE] = {0};
    const unsigned after = window / 2; /* values that follow the middle one */
    const unsigned before = window - 1 - after;
    unsigned first = 0, end = 0; /* what is in the sum */
    for (unsigned at = 0; at < n; at++) {
        for (; end < n && end <= at + after; end++) {
            for (unsigned l = 0; l < lanes; l++) {
                sum[l] += in[end * step + l];
            }
        }
        for (; first + before < at; first++) {
            for (unsigned l = 0; l < lanes; l++) {
                sum[l] -= in[first * step + l];
            }
        }
        const float count = (float)(end - first);
        for (unsigned l = 0; l < lanes; l++) {
            out[at * step + l] = sum[l] / count;
        }
    }
}

static void blur(struct pdq_picture *p)
{
    for (int pass = 0; pass < PASSES; pass++) {
        for (unsigned r = 0; r < p->rows; r++) {
            const size_t row = (size_t)r * p->cols;
            box(p->luma + row, p->work + row, p->cols, 1, window_of(p->cols), 1);
        }
        box(p->work, p->luma, p->rows, p->cols, window_of(p->rows), p->cols);
    }
}

/* The value in the middle of each of 64 x 64 tiles. */
static void sample(const struct pdq_picture *p, struct samples *ret)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        const size_t row = (2 * i + 1) * p->rows / (2 * SAMPLES);
        for (unsigned j = 0; j < SAMPLES; j++) {
            ret->at[i][j] = p->luma[row * p->cols + (2 * j + 1) * p->cols / (2 * SAMPLES)];
        }
    }
}

/* ---- quality ------------------------------------------------------------------------------- */

static unsigned step_of(float a, float b)
{
    const int percent = (int)((a - b) * 100 / 255);
    return (unsigned)(percent < 0 ? -percent : percent);
}

/* How much neighbours differ, in whole percents of the range, so that noise does not count. */
static unsigned quality_of(const struct samples *s)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        for (unsigned j = 0; j < SAMPLES; j++) {
            sum += i + 1 < SAMPLES ? step_of(s->at[i][j], s->at[i + 1][j]) : 0;
            sum += j + 1 < SAMPLES ? step_of(s->at[i][j], s->at[i][j + 1]) : 0;
        }
    }
    return sum / 90 < 100 ? sum / 90 : 100;
}

/* ---- frequencies --------------------------------------------------------------------------- */

static void fill_dct(float d[FREQS][SAMPLES])
{
    const float scale = (float)sqrt(2.0 / SAMPLES);
    const double pi = 3.14159265358979323846;
    for (unsigned i = 0; i < FREQS; i++) {
        for (unsigned j = 0; j < SAMPLES; j++) {
            d[i][j] = scale * (float)cos(pi / 2.0 / SAMPLES * (i + 1) * (2 * j + 1));
        }
    }
}

/* d s dT: rows and columns 1 to 16 of the transform of s. */
static void transform(const struct samples *s, struct freqs *ret)
{
    float d[FREQS][SAMPLES], half[FREQS][SAMPLES];
    fill_dct(d);
    memset(half, 0, sizeof half);
    for (unsigned i = 0; i < FREQS; i++) {
        for (unsigned k = 0; k < SAMPLES; k++) {
            for (unsigned j = 0; j < SAMPLES; j++) {
                half[i][j] += d[i][k] * s->at[k][j];
            }
        }
    }
    for (unsigned i = 0; i < FREQS; i++) {
        for (unsigned j = 0; j < FREQS; j++) {
            float sum = 0;
            for (unsigned k = 0; k < SAMPLES; k++) {
                sum += half[i][k] * d[j][k];
            }
            ret->at[i][j] = sum;
        }
    }
}

/* The 128th of 256 values in ascending order (the lower median), by quickselect. */
static float median_of(const struct freqs *f)
{
    float v[FREQS * FREQS];
    memcpy(v, f->at, sizeof v);
    const size_t want = FREQS * FREQS / 2 - 1;
    size_t low = 0, high = FREQS * FREQS - 1;
    while (low < high) {
        const float pivot = v[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (v[i] < pivot) {
                i++;
            }
            while (v[j] > pivot) {
                j--;
            }
            if (i >= j) {
                break;
            }
            const float t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        if (want <= j) {
            high = j;
        } else {
            low = j + 1;
        }
    }
    return v[want];
}

static struct pdq_hash bits_of(const struct freqs *f)
{
    struct pdq_hash h = {{0}};
    const float median = median_of(f);
    for (unsigned i = 0; i < FREQS * FREQS; i++) {
        h.w[i / 64] |= (uint64_t)(f->at[i / FREQS][i % FREQS] > median) << (i % 64);
    }
    return h;
}

/* Turning a picture transposes its frequencies and turns the sign of odd rows, odd columns or both
 * (a mirrored cosine of odd order is its negative). Row i holds order i + 1. */
static const struct {
    uint8_t transposed, rows, cols; /* sign of the odd orders of the result's rows, columns */
} views[PDQ_VIEWS] = {
    [PDQ_AS_IS] = {0, 0, 0},        [PDQ_ROTATE_90] = {1, 0, 1},
    [PDQ_ROTATE_180] = {0, 1, 1},   [PDQ_ROTATE_270] = {1, 1, 0},
    [PDQ_FLIP_UP_DOWN] = {0, 1, 0}, [PDQ_FLIP_LEFT_RIGHT] = {0, 0, 1},
    [PDQ_TRANSPOSE] = {1, 0, 0},    [PDQ_ANTITRANSPOSE] = {1, 1, 1},
};

static void turn(const struct freqs *f, enum pdq_view view, struct freqs *ret)
{
    for (unsigned i = 0; i < FREQS; i++) {
        for (unsigned j = 0; j < FREQS; j++) {
            const float v = views[view].transposed ? f->at[j][i] : f->at[i][j];
            const int negative =
                (views[view].rows && i % 2 == 0) != (views[view].cols && j % 2 == 0);
            ret->at[i][j] = negative ? -v : v;
        }
    }
}

unsigned pdq_hash_views(struct pdq_picture *p, struct pdq_hash ret[PDQ_VIEWS])
{
    struct samples samples;
    struct freqs freqs, turned;
    memset(ret, 0, PDQ_VIEWS * sizeof ret[0]);
    if (p->rows < PDQ_MIN_SIDE || p->cols < PDQ_MIN_SIDE) {
        return 0;
    }
    if (p->rows != SAMPLES || p->cols != SAMPLES) {
        blur(p);
    }
    sample(p, &samples);
    transform(&samples, &freqs);
    for (unsigned v = 0; v < PDQ_VIEWS; v++) {
        turn(&freqs, (enum pdq_view)v, &turned);
        ret[v] = bits_of(&turned);
    }
    return quality_of(&samples);
}
