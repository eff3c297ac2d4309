#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files that break their worker: named, tried once alone, set aside; everything else is audited.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
hostile=$ASSAY_BUILDDIR/tests/functional/plugins/.libs/hostile.so
[ -e "$hostile" ] || skip_all "the hostile plugin is not built"
mkdir -m 755 "$tmp/plugins"
install -m 644 "$hostile" "$tmp/plugins"

good() { # good FILE: a record that no other file has, and that is worth a finding
	printf '{"text":"in %s we met %s people, write to someone at bob@example.com"}\n' "$1" "$(printf '%s' "$1" | cksum | tr ' ' -)"
}
deliver_beside() { # deliver_beside NAME FILE...: those files between good ones
	name=$1
	shift
	mkdir "$tmp/coming"
	for file in a.jsonl g.jsonl z.jsonl "$@"; do
		good "$file" >"$tmp/coming/$file"
	done
	mv "$tmp/coming" "$tmp/in/$name"
}
wait_for() {
	run "$ASSAY" wait "$tmp/in/$1" --timeout 120s --no-progress
	report=$(field "$tmp/in/$1" .report)
}
set_aside() { # the files that findings say were set aside
	jq -r 'select(.rule == "engine.worker_crashed") | .file' "$report/findings.jsonl" | sort | tr '\n' ' '
}
audited() { # the files with a finding of a scanner
	jq -r 'select(.rule // "" | startswith("pii.")) | .file' "$report/findings.jsonl" | sort -u | tr '\n' ' '
}
skipped() {
	jq -r '.predicate.coverage.skipped[] | select(.reason == "worker-crashed") | .files' "$report/statement.json"
}
check() { # check NAME FILES: what is true of every such dataset
	is "$status" 3 "$1: INCOMPLETE"
	is "$(field "$tmp/in/$1" '.state, .verdict' | tr '\n' ' ')" "done INCOMPLETE " "$1: with a report"
	is "$(set_aside)" "$2 " "$1: the finding names the file"
	is "$(audited)" "a.jsonl g.jsonl z.jsonl " "$1: everything else was audited"
	is "$(find "$tmp/state/reports" -mindepth 1 -maxdepth 1 -name "$1-*" | wc -l)" 1 "$1: one report"
}

# --- a crash, without any retry to spend
configure "retries: 0" "sandbox: prefer" "plugins: {dir: $tmp/plugins}"
start
deliver_beside crashes crash.jsonl
wait_for crashes
check crashes crash.jsonl
is "$(skipped)" 1 "and the statement counts it"
is "$(grep -c ' crash.jsonl$' "$report/MANIFEST.sha256")" 1 "the manifest has its digest"
(cd "$tmp/in/crashes" && grep ' crash.jsonl$' "$report/MANIFEST.sha256" | sha256sum -c --quiet)
ok $? "which is right"
like "$(cat "$tmp/log")" "broke its worker twice" "the log says so"

# --- several, and a name that is no UTF-8
odd=$(printf 'crash-\377.jsonl')
deliver_beside many crash1.jsonl crash2.jsonl hm.jsonl
wait_for many
is "$(set_aside)" "crash1.jsonl crash2.jsonl " "of several files each is found"
is "$(audited)" "a.jsonl g.jsonl hm.jsonl z.jsonl " "and only those"
mkdir "$tmp/coming"
good odd >"$tmp/coming/$odd"
good a >"$tmp/coming/a.jsonl"
mv "$tmp/coming" "$tmp/in/odd"
wait_for odd
is "$(field "$tmp/in/odd" '.state, .verdict' | tr '\n' ' ')" "done INCOMPLETE " "a name is bytes"
is "$(skipped)" 1 "and its file is set aside"
stop

# --- a hang
configure "retries: 0" "sandbox: prefer" "plugins: {dir: $tmp/plugins}" "worker: {stall: 3s}"
start
deliver_beside hangs hang.jsonl
wait_for hangs
check hangs hang.jsonl
like "$(cat "$tmp/log")" "made no progress" "the log says what was wrong with it"
stop

# --- processor time
configure "retries: 0" "sandbox: prefer" "plugins: {dir: $tmp/plugins}" "worker: {cpu: 3s}"
start
deliver_beside spins hang.jsonl
wait_for spins
check spins hang.jsonl
stop

# --- memory, which a sanitizer's shadow makes unlimited
if [ "$(nm "$ASSAY_WORKER" 2>/dev/null | grep -c '__asan_init\|__tsan_init')" -eq 0 ]; then
	configure "retries: 0" "sandbox: prefer" "plugins: {dir: $tmp/plugins}" "worker: {memory: 1GiB}"
	start
	deliver_beside eats eat.jsonl
	wait_for eats
	check eats eat.jsonl
	stop
fi

# --- the daemon is killed while a suspect is to be tried: nothing is forgotten
configure "retries: 0" "sandbox: prefer" "plugins: {dir: $tmp/plugins}" "worker: {stall: 30s}"
start
deliver_beside between crash.jsonl
noted() {
	[ "$(sqlite3 "$tmp/state/assay.db" "SELECT count(*) FROM suspects s JOIN runs r ON r.id = s.run
		JOIN datasets d ON d.id = r.dataset WHERE d.name = 'between'" 2>/dev/null)" -ge 1 ]
}
if command -v sqlite3 >/dev/null; then
	until_true 60 noted
	ok $? "the suspect is in the store"
fi
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
start
wait_for between
check between crash.jsonl

stop
done_testing
