#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Priorities, audits at once per source, cancellation and deadlines, as `assay` shows them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
mkdir "$tmp/slow" "$tmp/data"
configure "  - {kind: directory, name: slow, path: $tmp/slow, settle: 100ms, concurrency: 1}" "workers: 3"
for n in 1 2 3 4 5 6; do
	mkdir "$tmp/data/$n"
	printf '{"text":"fine %s"}\n' "$n" >"$tmp/data/$n/a.jsonl"
done
count() { [ "$("$ASSAY" status --json | jq -r ".$1")" = "$2" ]; }

# --- audits at once
start
hold
for n in a b c; do
	mkdir "$tmp/coming"
	printf '{"text":"fine"}\n' >"$tmp/coming/a.jsonl"
	mv "$tmp/coming" "$tmp/slow/$n"
done
three_known() { [ "$("$ASSAY" status --json | jq '.queued + .running')" = 3 ]; }
until_true 20 three_known
until_true 20 count running 1
is "$("$ASSAY" status --json | jq -r '"\(.running) \(.queued)"')" "1 2" "one audit of that source runs, though three workers are free"
run "$ASSAY" submit "$tmp/data/1"
until_true 20 count running 2
ok $? "another source is not held up by it"

# --- cancellation
waiting=$("$ASSAY" status --json | jq '[.runs[] | select(.state == "queued")][0].id')
running=$("$ASSAY" status --json | jq '[.runs[] | select(.state == "running" and .source == "slow")][0].id')
run "$ASSAY" cancel "$waiting"
is "$status $out" "0 run $waiting: cancelled" "a run that waits is cancelled at once"
is "$(field "$waiting" '.state, .verdict, .reason' | tr '\n' ' ')" "cancelled INCOMPLETE cancelled on request " "and counts as INCOMPLETE"
run "$ASSAY" cancel "$running"
is "$status" 0 "one that runs is told"
until_true 20 has "$running" .state cancelled
ok $? "and is cancelled when its worker has ended"
run "$ASSAY" cancel "$running"
is "$status" 2 "twice is refused"
like "$err" "cancelled already" "with the reason"
run "$ASSAY" cancel 9999
is "$status" 2 "and so is a run that does not exist"
run "$ASSAY" cancel nonsense
is "$status" 2 "or is no number"
let_go
idle() { [ "$("$ASSAY" status --json | jq '.queued + .running')" = 0 ]; }
until_true 60 idle
ok $? "the others are done"
is "$("$ASSAY" status --json | jq -r '"\(.done) \(.cancelled)"')" "2 2" "each once"
stop

# --- a cancelled worker that does not listen is killed
configure
cp "$tmp/worker" "$tmp/good"
cat >"$tmp/worker" <<SH
#!/bin/sh
trap '' TERM
echo \$\$ >"$tmp/worker.pid.new" && mv "$tmp/worker.pid.new" "$tmp/worker.pid"
while :; do sleep 0.05; done
SH
start
rm -f "$tmp/worker.pid"
deliver deaf
until_true 20 held
until_true 20 has "$tmp/in/deaf" .state running
run "$ASSAY" cancel "$(field "$tmp/in/deaf" .id)"
until_true 30 has "$tmp/in/deaf" .state cancelled
ok $? "a worker that ignores SIGTERM is killed after a grace"

# --- deadlines
rm -f "$tmp/worker.pid"
run "$ASSAY" submit "$tmp/data/2" --deadline 700ms
until_true 20 held
run "$ASSAY" submit "$tmp/data/3" --deadline 100ms --wait --timeout 60s --no-progress
is "$status" 3 "a deadline that passes in the queue ends the run as INCOMPLETE"
run "$ASSAY" wait "$tmp/data/2" --timeout 60s --no-progress
is "$status" 3 "and one that passes while it runs"
is "$(field "$tmp/data/2" '.state, .reason' | tr '\n' ' ')" "dead the deadline passed before it was done " "with the reason"
is "$(field "$tmp/data/3" .state)" dead "for both"
run "$ASSAY" submit "$tmp/data/2" --deadline soon
is "$status" 2 "a deadline that is no time is refused"
run "$ASSAY" submit "$tmp/data/2" --priority 101
is "$status" 2 "and a priority out of range"
cp "$tmp/good" "$tmp/worker"

# --- priorities
hold
rm -f "$tmp/worker.pid"
run "$ASSAY" submit "$tmp/data/4"
until_true 20 held
run "$ASSAY" submit "$tmp/data/5"
run "$ASSAY" submit "$tmp/data/6" --priority 9
let_go
"$ASSAY" wait "$tmp/data/5" --timeout 60s --no-progress >/dev/null
"$ASSAY" wait "$tmp/data/6" --timeout 60s --no-progress >/dev/null
[ "$(field "$tmp/data/6" .started_ms)" -le "$(field "$tmp/data/5" .started_ms)" ] &&
	[ "$(grep -n "started.*data/6" "$tmp/log" | cut -d: -f1)" -lt "$(grep -n "started.*data/5" "$tmp/log" | cut -d: -f1)" ]
ok $? "the greater priority starts first"

# --- a cancellation that the daemon does not live to see
hold
rm -f "$tmp/worker.pid"
deliver unlucky
until_true 20 held
until_true 20 has "$tmp/in/unlucky" .state running
id=$(field "$tmp/in/unlucky" .id)
kill -STOP "$(cat "$tmp/worker.pid")"
run "$ASSAY" cancel "$id"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
let_go
start
is "$(field "$id" .state)" cancelled "after kill -9 and a restart it is cancelled, not started again"
stop
is "$status" 0 "the daemon ends well"
done_testing
