#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `assay metrics` prints: the exposition format to the letter, numbers that follow what happened, and no name of
# anything that was audited.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

# The text format, version 0.0.4, as strictly as it can be read: each metric has HELP and TYPE before its samples and all
# of them together, no sample twice, counters are named _total, buckets rise to +Inf, which is the count.
strict='
function bad(why) { print "line " NR ": " why ": " $0; failed = 1 }
function base(name) { sub(/_(bucket|sum|count)$/, "", name); return type[name] == "histogram" ? name : "" }
/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* [^ ]/ { if ($3 in help) bad("HELP twice"); help[$3] = 1; family = $3; next }
/^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram)$/ {
	if ($3 != family) bad("TYPE without its HELP"); if ($3 in type) bad("TYPE twice"); type[$3] = $4
	if ($4 == "counter" && $3 !~ /_total$/) bad("a counter is named _total")
	if ($4 != "counter" && $3 ~ /_total$/) bad("only a counter is named _total"); next }
/^#/ { bad("neither HELP nor TYPE"); next }
!/^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*"\})? [0-9]+(\.[0-9]+)?$/ { bad("no sample"); next }
{
	name = $0; sub(/[{ ].*/, "", name)
	if (name != family && base(name) != family) bad("a sample of another family")
	series = $0; sub(/ [^ ]*$/, "", series)
	if (series in seen) bad("a series twice"); seen[series] = 1; samples[family]++
	if (name ~ /_bucket$/) { if ($NF < last) bad("buckets fall"); last = $NF; if (/le="\+Inf"/) inf = $NF }
	if (name ~ /_count$/ && base(name) != "" && $NF != inf) bad("the count is not +Inf")
}
END { for (f in type) if (!samples[f]) { print f ": no sample"; failed = 1 } exit failed }'
value() { # value SERIES
	series=$1 awk 'index($0, ENVIRON["series"] " ") == 1 { print $NF }' "$tmp/out"
}

configure "  - {kind: directory, name: 'odd \"name\"', path: $tmp/nowhere}"
start
run "$ASSAY" metrics
is "$status" 0 "assay metrics"
is "$(awk "$strict" "$tmp/out")" "" "a fresh daemon: the format is kept"
for series in 'assay_runs_total{verdict="PASS"}' assay_queue_depth assay_queue_oldest_seconds assay_records_scanned_total \
	'assay_worker_failures_total{reason="stalled"}' 'assay_reload_total{result="failed"}' assay_run_duration_seconds_count; do
	like "$(value "$series")" '^0(\.000)?$' "$series begins at zero"
done
is "$(value 'assay_source_problem{source="odd \"name\""}')" 1 "a source that does not work is told"
is "$(value 'assay_source_problem{source="in"}')" 0 "from one that does"
is "$(value 'assay_workers{state="idle"}')" 1 "an idle worker"
like "$(value process_resident_memory_bytes)" '^[0-9]{6,}$' "memory of the process"
like "$(value process_start_time_seconds)" '^[0-9]{10}\.' "and its start"

hold
deliver secret-name "身份证110101199003074514"
until_true 30 held
deliver waiting
until_true 30 has "$tmp/in/waiting" .state queued
run "$ASSAY" metrics
is "$(value 'assay_run_state{state="running"}') $(value 'assay_run_state{state="queued"}') $(value assay_queue_depth)" "1 1 1" \
	"what runs and what waits"
is "$(value 'assay_workers{state="busy"}')" 1 "a busy worker"
waited() { "$ASSAY" metrics >"$tmp/out" && value assay_queue_oldest_seconds | grep -q '[1-9]'; }
until_true 20 waited
ok $? "how long the oldest has waited"
let_go
run "$ASSAY" wait "$tmp/in/secret-name" --timeout 60s --no-progress
run "$ASSAY" wait "$tmp/in/waiting" --timeout 60s --no-progress
printf 'sources: [\n' >"$tmp/broken.yaml"
cp "$tmp/assayd.yaml" "$tmp/kept.yaml"
cp "$tmp/broken.yaml" "$tmp/assayd.yaml"
run "$ASSAY" reload
is "$status" 2 "assay reload with a broken configuration"
cp "$tmp/kept.yaml" "$tmp/assayd.yaml"
run "$ASSAY" reload
is "$status" 0 "assay reload with a good one" || diag "$err"
run "$ASSAY" metrics
is "$(awk "$strict" "$tmp/out")" "" "after work: the format is kept"
is "$(value 'assay_runs_total{verdict="FAIL"}') $(value 'assay_runs_total{verdict="PASS"}')" "1 1" "verdicts"
is "$(value assay_records_scanned_total) $(value assay_run_duration_seconds_count) $(value assay_runs_queued_total)" "2 2 2" \
	"records, durations, queued"
is "$(value assay_bytes_scanned_total)" "$(cat "$tmp"/in/*/a.jsonl | wc -c)" "bytes"
like "$(value assay_findings_total)" '^[1-9]' "findings"
is "$(value 'assay_reload_total{result="ok"}') $(value 'assay_reload_total{result="failed"}')" "1 1" "reloads"
like "$(value assay_last_report_timestamp_seconds)" '^[0-9]{10}\.' "when the last report was made"
unlike "$out" "secret-name|waiting|110101199003074514|$tmp" "no dataset, path or value in it"

# --- workers that fail
printf '#!/bin/sh\nkill -SEGV $$\n' >"$tmp/worker"
deliver doomed
run "$ASSAY" wait "$tmp/in/doomed" --timeout 60s --no-progress
run "$ASSAY" metrics
is "$(value 'assay_worker_failures_total{reason="killed"}') $(value assay_run_retries_total)" "3 2" "failures and retries"
is "$(value 'assay_runs_total{verdict="INCOMPLETE"}')" 1 "a run without a report is INCOMPLETE"
stop
run "$ASSAY" metrics
is "$status" 6 "without a daemon: says so"
[ "$status" -eq 6 ] || diag "$(tail -n 20 "$tmp/log")"
done_testing
