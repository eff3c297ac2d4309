#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A thousand events a second for a while: what the daemon holds does not grow, and every dataset is judged as it ends.
. "$(dirname "$0")/lib.sh"
[ -x "$ASSAYD" ] && [ -x "$ASSAY_BUILDDIR/bench/churner" ] || skip_all "assayd or bench/churner is not built"
case $("$ASSAYD" --version 2>/dev/null; nm -D "$ASSAYD" 2>/dev/null) in
*__asan_init* | *__tsan_init*) export CHURN_SLACK=65536 ;; # sanitizers keep freed memory for a while
esac
run "$ASSAY_SRCDIR/bench/churn" -b "$ASSAY_BUILDDIR" -s 15 -e 5
is "$status" 0 "nothing grew, nothing was missed"
diag "$out"
like "$out" " 0 of [0-9]+ datasets not judged as they are" "the last state of every dataset was judged"
done_testing
