#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `duplicates` says of random datasets, against what the documents promise, worked out the slow way by oracle.py. A few seeds;
# ASSAY_ORACLE_SEEDS=200 takes the first two hundred instead.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null 2>&1 || skip_all "no python3"
python3 -c 'import fractions, json, unicodedata' 2>/dev/null || skip_all "python3 without its standard library"

seeds="4 8 13 14 16 34 51 58"
[ -z "${ASSAY_ORACLE_SEEDS:-}" ] || seeds=$(seq 1 "$ASSAY_ORACLE_SEEDS")
# shellcheck disable=SC2086
PYTHONDONTWRITEBYTECODE=1 python3 "$ASSAY_SRCDIR/tests/functional/oracle.py" "$ASSAY" "$tmp" $seeds
