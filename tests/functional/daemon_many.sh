#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many datasets at once: each is judged once, by directory and by queue; what is recorded together is lost or kept together.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
many() { # many OPTION...
	run "$ASSAY_SRCDIR/bench/datasets" -b "$ASSAY_BUILDDIR" -n 60 -w 3 "$@"
	is "$status" 0 "sixty datasets at once are judged ($*)"
	like "$out" "judged: 60 of 60; reports verified: 3" "each once, with a report that verifies"
	diag "$out$err"
}
many
if command -v redis-server >/dev/null 2>&1; then
	many -r
fi

# --- the store is locked by somebody while reports are published: they are recorded when it is free again, each once
configure "workers: 3"
hold
start
for n in 1 2 3; do
	deliver "d$n"
done
three_run() { [ "$("$ASSAY" status --json | jq .running)" = 3 ]; }
until_true 60 three_run
ok $? "three audits run"
cat >"$tmp/lock.py" <<'PY'
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2] + ".locked", "w").close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)
db.execute("ROLLBACK")
PY
: >"$tmp/locking"
spawn python3 "$tmp/lock.py" "$tmp/state/assay.db" "$tmp/locking"
until_true 60 test -e "$tmp/locking.locked"
let_go
refused() { grep -q "cannot record the outcome; trying again" "$tmp/log"; }
until_true 90 refused
ok $? "outcomes that cannot be recorded are tried again"
is "$(grep -c "runs: done run=" "$tmp/log")" 0 "and nobody is told of them"
rm "$tmp/locking"
all_done() { [ "$("$ASSAY" status --json | jq .done)" = 3 ]; }
until_true 90 all_done
ok $? "they are recorded when the store can be written"
is "$(grep -c "runs: done run=" "$tmp/log")" 3 "each once"
is "$(find "$tmp/state/reports" -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l)" 3 "with one report each"
is "$(wc -l <"$tmp/starts")" 3 "and no audit was made twice"
stop
is "$status" 0 "the daemon ends well"
done_testing
