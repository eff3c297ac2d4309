/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/splits.h: which part of a dataset a record belongs to: training, validation, test.
 *
 * By name: the words of a path decide. A word is a run of letters (of ASCII, in any case, or of
 * other scripts); so `train.jsonl`, `data/test-00001-of-00002.csv`, `squad_dev_v2.json`,
 * `val2017/1.txt` and `训练集.csv` speak, and `latest.json` and `contest/a.txt` do not. In this
 * order, the first that names exactly one split is believed: the file's name when it is nothing but
 * such a word; the nearest directory that is nothing but such a word; the words of the file's name;
 * the words of the directories, the nearest first. Words of two splits in one name say nothing.
 *
 * By option: `split_map` lists globs (LABEL=GLOB,GLOB;LABEL=GLOB) and replaces all of that;
 * `split_field` names a field whose value, as a word or as the name of a split, decides before the
 * file does. `benchmarks`, of the same form, names the files of evaluation sets: each is a split
 * apart, whatever the rest says of its files.
 */
#ifndef ASSAY_DUPLICATES_SPLITS_H
#define ASSAY_DUPLICATES_SPLITS_H

#include "labels.h"

#define DUP_SPLITS 16 /* "none" included */

enum { DUP_SPLIT_TRAIN = 1, DUP_SPLIT_VALIDATION, DUP_SPLIT_TEST };

/* Reads the options. *ret_benchmarks: a bit for each label that is a benchmark. ASSAY_CONFIG with a
 * sentence. */
enum assay_status dup_splits_init(struct dup_labels *l, const struct assay_host *host,
                                  uint32_t *ret_benchmarks, struct assay_error *err);
/* What a path says by its words. */
unsigned dup_split_by_name(const char *path);
/* What a record's own value says, as a mark: 0 when it has none. */
uint8_t dup_split_mark(const struct dup_labels *l, const struct assay_batch *b,
                       const struct assay_record *r);
/* Whether the glob matches all of `path`: '*' and '?' stay within a name, "**" does not; a
 * backslash takes the next character as it is. */
int dup_glob(struct assay_bytes glob, const char *path);

#endif
