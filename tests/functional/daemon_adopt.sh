#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A daemon that is killed between publishing a report and recording it: the report is taken over if it is what it should be,
# and made again otherwise; reports of an earlier store are left alone.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
command -v sqlite3 >/dev/null || skip_all "sqlite3 is not installed"
reports=$tmp/state/reports
state_of() {
	sqlite3 "$tmp/state/assay.db" "SELECT state FROM runs WHERE id = $1"
}
begun() { # how many workers were started
	wc -l <"$tmp/starts"
}
verified() { # the report in directory $1 verifies
	"$ASSAY" verify "$1/statement.dsse.json" --no-data --key "$tmp/state/keys/signing.pem.pub"
}
kill_between() { # kill_between NAME RUN: the daemon dies with the report published and the run not recorded
	hold
	deliver "$1"
	until_true 60 held
	until_true 60 has "$2" .state running
	lock_store
	let_go
	until_true 60 test -e "$reports/$1-$2/statement.dsse.json"
	ok $? "$1: a report is published"
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	unlock_store
	is "$(state_of "$2")" 1 "$1: and its run still counts as running"
}

# --- it is taken over
configure "retries: 0"
start
kill_between one 1
begun_before=$(begun)
before=$(sha256sum "$reports"/one-1/*)
start
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "after the restart the run has its verdict"
is "$(field 1 '.state, .verdict, (.attempt | tostring), .report' | tr '\n' ' ')" "done PASS 1 $reports/one-1 " \
	"of the first attempt, with that report"
is "$(begun)" "$begun_before" "no worker was started for it again"
is "$(sha256sum "$reports"/one-1/*)" "$before" "the report is the same, byte by byte"
is "$(ls "$reports")" one-1 "and the only one"
is "$(field 1 .manifest)" "$(sha256sum <"$reports/one-1/MANIFEST.sha256" | cut -d' ' -f1)" "its manifest is recorded"
like "$(cat "$tmp/log")" "published before a crash is recorded.*one-1" "the log says so"

# --- what does not verify is not
kill_between two 2
sed -i 's/"PASS"/"FAIL"/' "$reports/two-2/statement.json"
start
run "$ASSAY" wait "$tmp/in/two" --timeout 60s --no-progress
is "$(field 2 '.state, .verdict, (.attempt | tostring)' | tr '\n' ' ')" "done PASS 2 " "a report that was changed is made again"
grep -q '"FAIL"' "$reports/.aside/two-2.0/statement.json"
ok $? "and the changed one set aside"
like "$(cat "$tmp/log")" "set aside.*two-2.*does not verify" "the log says why"
run verified "$reports/two-2"
is "$status" 0 "the new one verifies"

# --- nor is one of another run, however genuine
kill_between three 3
rm -r "$reports/three-3"
cp -r "$reports/one-1" "$reports/three-3"
start
run "$ASSAY" wait "$tmp/in/three" --timeout 60s --no-progress
is "$(field 3 '.state, .verdict, (.attempt | tostring)' | tr '\n' ' ')" "done PASS 2 " "a report of another run is not taken for it"
like "$(cat "$tmp/log")" "set aside.*three-3.*another run" "the log says why"

# --- a new store beside old reports
stop
rm -r "$tmp/state"/assay.db* "$tmp/in/two" "$tmp/in/three"
start
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "a new store audits anew"
is "$(field 1 .report)" "$reports/one-1" "under a name that a report of the old store has"
run verified "$reports/.aside/one-1.0"
is "$status" 0 "which was set aside, whole"
is "$(sha256sum <"$reports/.aside/one-1.0/run.json")" "$(printf '%s\n' "$before" | sed -n 's|\(.*\) .*/run.json$|\1 -|p')" \
	"and is the one there was"
stop
is "$status" 0 "the daemon ends well"
done_testing
