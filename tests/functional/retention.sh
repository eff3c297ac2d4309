#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Old reports and runs go; what has to stay stays; and nothing else is touched.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
mkdir "$tmp/data"
printf '{"text":"the weather was fine all week"}\n' >"$tmp/data/a.jsonl"
reports=$tmp/state/reports
audit() { "$ASSAY" submit "$tmp/data" --wait --timeout 60s --no-progress >/dev/null; }
counted() { "$ASSAY" metrics | sed -n "s/^assay_retention_$1 //p"; }
on_record() { "$ASSAY" status --json | jq -r '[.runs[] | .id] | sort | join(" ")'; }
on_disk() { (cd "$reports" && ls -d data-*) | tr '\n' ' '; }
disk_is() { [ "$(on_disk)" = "$1" ]; }
record_is() { [ "$(on_record)" = "$1" ]; }
counted_is() { [ "$(counted "$1")" = "$2" ]; }

# --- without it everything stays
configure
start
audit
audit
audit
audit
is "$(on_disk)" "data-1 data-2 data-3 data-4 " "by default every report stays"
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
is "$status" 0 "and that is a good configuration"

# --- by number, put in force by a reload
configure "retention: {reports_keep: 2, interval: 1s}"
run "$ASSAY" reload
is "$status" 0 "retention can be changed by a reload"
until_true 20 disk_is "data-3 data-4 "
ok $? "the newest two stay"
run "$ASSAY" verify "$reports/data-3/statement.dsse.json" --dataset "$tmp/data" --key "$tmp/state/keys/signing.pem.pub"
is "$status" 0 "whole"
until_true 20 counted_is 'removed_total{what="report"}' 2
ok $? "what went is counted"
is "$(grep -c 'report removed run=[12] ' "$tmp/log")" 2 "and logged"
is "$(on_record)" "1 2 3 4" "the runs are still on record"
is "$(field 1 '"\(.verdict) \(.report) \(.report_removed)"')" "PASS null true" "with their verdicts, and without a report"
run "$ASSAY" report 1
is "$status" 4 "asking for a report that is gone"
like "$err" "was removed.*retention" "says why"
is "$(field 4 .report)" "$reports/data-4" "those that are left are there"
is "$(find "$reports/.staging" -mindepth 1 | wc -l)" 0 "nothing of the others is left over"
audit
until_true 20 disk_is "data-4 data-5 "
ok $? "each new one takes the place of an old one"

# --- by number, runs
configure "retention: {reports_keep: 1, runs_keep: 2, interval: 1s}"
run "$ASSAY" reload
until_true 20 record_is "4 5"
ok $? "runs are forgotten after their reports"
is "$(on_disk)" "data-5 " "the newest report stays"
run "$ASSAY" report 2
is "$status" 2 "a forgotten run does not exist"
stop
start
is "$(on_record)" "4 5" "nor after a restart"
audit
until_true 20 record_is "5 6"
ok $? "and numbers are not given twice"

# --- by age; the newest verdict stays, however old
configure "retention: {reports_age: 1s, runs_age: 1s, interval: 1s}"
run "$ASSAY" reload
audit
until_true 30 record_is 7
ok $? "what is too old goes"
older() { [ "$("$ASSAY" status --json | jq "$1")" = true ]; }
until_true 20 older "(now * 1000 - .runs[0].finished_ms) > 4000"
is "$(on_record) $(on_disk)" "7 data-7 " "but not the newest verdict of a dataset"
[ "$(counted 'removed_total{what="run"}')" -ge 2 ]
ok $? "runs are counted too"

# --- a delivery that was judged is not judged again because its run is old
deliver one
"$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress >/dev/null
id=$(field "$tmp/in/one" .id)
until_true 20 older "(now * 1000 - ([.runs[] | select(.id == $id)][0].finished_ms)) > 3000"
stop
start
rescanned() { [ "$("$ASSAY" status --json | jq '.sources[0].datasets')" = 1 ] && [ "$("$ASSAY" status --json | jq '.sources[0].pending')" = 0 ]; }
until_true 20 rescanned
is "$(field "$tmp/in/one" .id)" "$id" "a delivery that was judged stays judged"
stop

# --- what is not a report of ours is left alone
mkdir "$tmp/precious"
echo gold >"$tmp/precious/statement.json"
configure
start
audit
audit
last=$(field "$tmp/data" .id)
before=$((last - 1))
mv "$reports/data-$before" "$tmp/kept"
ln -s "$tmp/precious" "$reports/data-$before"
mkdir "$reports/stranger-1"
configure "retention: {reports_keep: 1, interval: 1s}"
run "$ASSAY" reload
failed() { [ "$(counted failures_total)" -ge 2 ]; }
until_true 20 failed
ok $? "a link where a report was is counted as a failure, and tried again"
like "$(cat "$tmp/log")" "cannot be removed.*run=$before.*not a directory" "and logged"
is "$(cat "$tmp/precious/statement.json") $(readlink "$reports/data-$before")" "gold $tmp/precious" "neither the link nor what it leads to is touched"
is "$(field "$before" .report_removed)" false "nor is it said to be gone"
is "$(ls "$reports" | grep -c stranger)" 1 "what nobody has on record stays"
rm "$reports/data-$before"
gone() { [ "$(field "$before" .report_removed)" = true ]; }
until_true 20 gone
ok $? "what somebody else has removed is recorded as gone"

# --- killed in the middle: what was renamed and not yet unlinked
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
mkdir -p "$reports/.staging/gone-99/report"
start
is "$(ls "$reports/.staging" 2>/dev/null | grep -c gone)" 0 "leftovers are cleared at the start"
stop
is "$status" 0 "the daemon ends well"

# --- mistakes
bad() { # bad LINE REGEX NAME
	configure "$1"
	run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
	is "$status" 2 "$3"
	like "$err" "$2" "says so"
	like "$err" '\^' "and points at it"
}
bad "retention: {runs_keep: 5}" "runs_keep needs reports_keep" "runs shorter than their reports"
bad "retention: {runs_age: 1d, reports_age: 2d}" "runs_age needs reports_age" "the same by age"
bad "retention: {reports_keep: -1}" "reports_keep" "a number below zero"
bad "retention: {reports_age: 90}" "reports_age" "an age without a unit"
bad "retention: {report_keep: 9}" "did you mean 'reports_keep'" "a key that is none"
done_testing
