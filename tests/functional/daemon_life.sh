#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configuration errors, reload, drain, one daemon per store, stores from the future.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

# --- configuration
configure "worker: {stal: 5s}" "workers: many"
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
is "$status" 2 "a broken configuration is refused"
like "$err" "assayd.yaml:7:10: error: unknown worker key 'stal', did you mean 'stall'" "with a place and a suggestion"
like "$err" "assayd.yaml:8:10: error: option workers: 'many' is not a whole number" "all errors at once"
run "$ASSAYD" -c "$tmp/none.yaml"
is "$status" 2 "a missing configuration is refused"
configure "  - {kind: directory, path: $tmp/state/reports}"
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
like "$err" "overlap" "what is watched and what is written must not overlap"
run "$ASSAYD" --help
like "$out" "--check-config" "help lists the options"
run "$ASSAYD" --version
like "$out" "^assayd [0-9]" "version"
run "$ASSAYD" --nonsense
is "$status" 2 "an unknown option is refused"
configure
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
is "$status" 0 "a good configuration is ok"

# --- reload
start
printf 'sources: [\n' >"$tmp/assayd.yaml"
kill -HUP "$daemon"
complained() { grep -q "the old configuration stays" "$tmp/log"; }
until_true 20 complained
ok $? "SIGHUP with a broken file: the old configuration stays"
deliver one
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "and still works"
mkdir "$tmp/more"
configure "  - {kind: directory, path: $tmp/more, settle: 200ms}"
kill -HUP "$daemon"
printf '{"text":"fine"}\n' >"$tmp/more/b.jsonl"
run "$ASSAY" wait "$tmp/more/b.jsonl" --timeout 60s --no-progress
is "$status" 0 "SIGHUP with a good file: the new source is watched"
sed -i "s|$tmp/state|$tmp/other|" "$tmp/assayd.yaml"
kill -HUP "$daemon"
fixed() { grep -q "state_dir cannot change" "$tmp/log"; }
until_true 20 fixed
ok $? "what cannot change while it runs is refused"
configure

# --- one daemon per store
run "$ASSAYD" -c "$tmp/assayd.yaml"
is "$status" 2 "a second assayd on the same store is refused"
like "$err" "another assayd" "with a clear message"

# --- drain: running audits finish, queued ones wait
hold
deliver two
until_true 20 held
until_true 20 has "$tmp/in/two" .state running
deliver three
until_true 20 has "$tmp/in/three" .state queued
ok $? "one audit runs, one waits"
kill -TERM "$daemon"
draining() { [ "$("$ASSAY" status --json | jq -r .state)" = draining ]; }
until_true 20 draining
ok $? "SIGTERM drains"
run "$ASSAY" submit "$tmp/in/one"
is "$status" 6 "nothing new is accepted meanwhile"
let_go
status=0
wait "$daemon" || status=$?
is "$status" 0 "it ends when the running audit has"
start
is "$(field "$tmp/in/two" .verdict)" PASS "the running audit was finished and recorded"
run "$ASSAY" wait "$tmp/in/three" --timeout 60s --no-progress
is "$status" 0 "the waiting one is done after the restart"

# --- a drain is bounded, and the run is not lost
stop
configure "drain: 100ms"
start
hold
deliver four
until_true 20 held
until_true 20 has "$tmp/in/four" .state running
stop
is "$status" 0 "a drain ends after its time"
let_go
start
run "$ASSAY" wait "$tmp/in/four" --timeout 60s --no-progress
is "$status" 0 "the audit that was cut short is done after the restart"
stop

# --- the socket
[ ! -e "$tmp/control.sock" ]
ok $? "the socket is removed"
run "$ASSAY" status
is "$status" 6 "without a daemon the client says so"
like "$err" "cannot reach assayd" "in words"

# --- a store from the future
if command -v sqlite3 >/dev/null 2>&1; then
	sqlite3 "$tmp/state/assay.db" 'PRAGMA user_version = 99'
else
	# the version is a big-endian number at byte 60 of the header; the log must be folded in first, which closing did
	printf '\000\000\000\143' | dd of="$tmp/state/assay.db" bs=1 seek=60 conv=notrunc 2>/dev/null
fi
run "$ASSAYD" -c "$tmp/assayd.yaml"
is "$status" 3 "a store of a newer format is refused"
like "$err" "newer assayd" "with a clear message"
done_testing
