#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Workers that crash, hang or lose their daemon; datasets that cannot be read: the daemon survives, says so, and nothing
# already done is lost.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
configure "workers: 2" "worker: {stall: 20s}"
start

# --- killed in mid-audit: tried again
hold
deliver one
until_true 20 held
ok $? "a worker is in mid-audit"
until_true 20 has 1 .state running
kill -KILL "$(cat "$tmp/worker.pid")"
let_go
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "an audit whose worker was killed is tried again and passes"
is "$(field 1 .attempt)" 2 "at the second attempt"
like "$(cat "$tmp/log")" "killed by signal 9" "the log says what happened"
kill -0 "$daemon"
ok $? "the daemon survived"

# --- while the store cannot be written nothing is said to have happened
if command -v sqlite3 >/dev/null; then
	hold
	deliver late
	until_true 20 held
	until_true 20 has "$tmp/in/late" .state running
	late=$(field "$tmp/in/late" .id)
	lock_store
	kill -KILL "$(cat "$tmp/worker.pid")"
	said() { grep -q "$1.* run=$late " "$tmp/log"; }
	until_true 30 said "cannot record the outcome"
	ok $? "the outcome cannot be recorded"
	said "will be tried again"
	is $? 1 "and is not said to be"
	unlock_store
	let_go
	run "$ASSAY" wait "$tmp/in/late" --timeout 60s --no-progress
	is "$status" 0 "it is tried again when the store can be written"
	said "will be tried again"
	ok $? "and that is said"
fi

# --- killed every time: INCOMPLETE, while another dataset passes
cat >"$tmp/fatal" <<SH
#!/bin/sh
kill -SEGV \$\$
SH
chmod +x "$tmp/fatal"
cp "$tmp/worker" "$tmp/good"
cp "$tmp/fatal" "$tmp/worker"
deliver doomed
run "$ASSAY" wait "$tmp/in/doomed" --timeout 60s --no-progress
is "$status" 3 "a worker that always crashes makes the run INCOMPLETE"
is "$(field "$tmp/in/doomed" '.state, .verdict, (.attempt | tostring), (.report | tostring)' | tr '\n' ' ')" \
	"dead INCOMPLETE 3 null " "after the configured attempts, without a report"
like "$(field "$tmp/in/doomed" .reason)" "signal 11" "with the reason"
cp "$tmp/good" "$tmp/worker"
deliver two
run "$ASSAY" wait "$tmp/in/two" --timeout 60s --no-progress
is "$status" 0 "the next dataset is audited"
is "$(find "$tmp/state/reports/.staging" -mindepth 1 | wc -l)" 0 "nothing is left in staging"

# --- babble and silence
printf '#!/bin/sh\necho "not a message"\nexit 0\n' >"$tmp/worker"
deliver babble
run "$ASSAY" wait "$tmp/in/babble" --timeout 60s --no-progress
is "$status" 3 "a worker that ends well but says nothing sensible is not believed"
cp "$tmp/good" "$tmp/worker"

# --- what cannot be audited
mkfifo "$tmp/pipe"
run "$ASSAY" submit "$tmp/pipe" --wait --timeout 60s --no-progress
is "$status" 3 "a FIFO as a dataset is INCOMPLETE"
like "$(field "$tmp/pipe" .reason)" "neither a directory nor a regular file" "with the reason"
mkdir "$tmp/in/empty"
run "$ASSAY" wait "$tmp/in/empty" --timeout 60s --no-progress
is "$status" 3 "an empty directory is INCOMPLETE"

# --- the daemon is killed: its worker dies with it, the run is done after the restart
hold
deliver three
until_true 20 held
orphan=$(cat "$tmp/worker.pid")
until_true 20 has "$tmp/in/three" .state running
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
gone() { ! kill -0 "$orphan" 2>/dev/null; }
until_true 20 gone
ok $? "the worker does not outlive its daemon"
mkdir -p "$tmp/state/reports/.staging/run-99"
let_go
start
run "$ASSAY" wait "$tmp/in/three" --timeout 60s --no-progress
is "$status" 0 "an interrupted run is done after the restart"
[ ! -e "$tmp/state/reports/.staging/run-99" ]
ok $? "staging leftovers are removed"
like "$(cat "$tmp/log")" "interrupted runs are queued again" "the log says so"
is "$("$ASSAY" report "$tmp/in/one" --json | jq -r .run.verdict)" PASS "earlier verdicts are still there"

# --- a stuck worker is ended
stop
configure "retries: 0" "worker: {stall: 500ms}"
start
hold
deliver stuck
run "$ASSAY" wait "$tmp/in/stuck" --timeout 60s --no-progress
let_go
is "$status" 3 "a worker without progress is ended and the run INCOMPLETE"
like "$(field "$tmp/in/stuck" .reason)" "no progress" "with the reason"
stop
is "$status" 0 "the daemon ends well"

# --- an unreadable dataset; root reads everything, so it becomes nobody for this
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if [ "$(id -u)" -ne 0 ]; then
	as_nobody=
elif ! $as_nobody test -x "$ASSAYD" -a -x "$ASSAY_WORKER"; then
	as_nobody=none
fi
if [ "$as_nobody" != none ]; then
	configure
	cp "$ASSAY_WORKER" "$tmp/worker" 2>/dev/null
	[ -z "$as_nobody" ] || chown -R 65534:65534 "$tmp"
	daemon_prefix=$as_nobody
	start
	mkdir "$tmp/coming"
	printf '{"text":"fine"}\n' >"$tmp/coming/a.jsonl"
	chmod 000 "$tmp/coming"
	mv "$tmp/coming" "$tmp/in/locked"
	run "$ASSAY" wait "$tmp/in/locked" --timeout 60s --no-progress
	is "$status" 3 "an unreadable dataset is INCOMPLETE"
	like "$(field "$tmp/in/locked" .reason)" "Permission denied" "with the reason"
	mkdir -p "$tmp/coming/inner"
	printf '{"text":"fine"}\n' >"$tmp/coming/a.jsonl"
	printf '{"text":"fine"}\n' >"$tmp/coming/inner/b.jsonl"
	chmod 000 "$tmp/coming/inner"
	mv "$tmp/coming" "$tmp/in/partly"
	run "$ASSAY" wait "$tmp/in/partly" --timeout 60s --no-progress
	is "$status" 3 "a dataset with an unreadable directory is INCOMPLETE"
	is "$(field "$tmp/in/partly" '.state, .verdict' | tr '\n' ' ')" "done INCOMPLETE " "with a signed report on the rest"
	chmod 755 "$tmp/in/locked" "$tmp/in/partly/inner"
	stop
fi
done_testing
