#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The sandbox of workers: a plugin that reaches for everything gets nothing; what is in force is said.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
hostile=$ASSAY_BUILDDIR/tests/functional/plugins/.libs/hostile.so
[ -e "$hostile" ] || skip_all "the hostile plugin is not built"
mkdir -m 755 "$tmp/plugins"
install -m 644 "$hostile" "$tmp/plugins"

# --- without a sandbox the plugin gets through: so what follows is the sandbox's doing
configure "sandbox: off" "plugins: {dir: $tmp/plugins}" "log: {format: journal}"
start
deliver open
run "$ASSAY" wait "$tmp/in/open" --timeout 60s --no-progress
is "$(field 1 .state)" "done" "an audit without a sandbox"
report=$(field 1 .report) # the plugin changes the dataset, so there will be further runs
metric() { # metric NAME
	jq -r "select(.type == \"summary\") | .metrics.\"hostile.$1\"" "$report/findings.jsonl"
}
is "$(metric read_key)" 0 "there, a plugin can read the key"
is "$(metric control_socket)" 0 "and talk to the daemon"
is "$(metric fork_process)" 0 "and fork"
is "$(metric start_program)" 0 "and start programs"
is "$(jq -r .predicate.sandbox "$report/run.json")" off "the run statement says that it was off"
like "$("$ASSAY" status)" "sandbox: off" "so does assay status"
stop
like "$(cat "$tmp/log")" '^<4>worker: engine run=1 part=hostile says="reached for everything"$' \
	"without a journal at hand a worker too writes priorities"
rm -rf "$tmp/in/open" "$tmp/state/reports/planted"

# --- with what this kernel offers
configure "sandbox: prefer" "plugins: {dir: $tmp/plugins}"
start
landlock=$("$ASSAY" status --json | jq -r .sandbox.landlock)
seccomp=$("$ASSAY" status --json | jq -r .sandbox.seccomp)
stop
if [ "$landlock" -eq 0 ] || [ "$seccomp" != true ]; then
	configure "retries: 0"
	start
	deliver refused
	run "$ASSAY" wait "$tmp/in/refused" --timeout 60s --no-progress
	is "$status" 3 "a kernel without the means makes a required sandbox INCOMPLETE"
	like "$(field "$tmp/in/refused" .reason)" "sandbox: prefer" "and says what to do"
	diag "this kernel lacks Landlock or seccomp: the reaches are not tried"
	stop
	done_testing
	exit 0
fi
configure "plugins: {dir: $tmp/plugins}" "log: {format: json}"
: >"$tmp/log"
start
deliver shut
run "$ASSAY" wait "$tmp/in/shut" --timeout 60s --no-progress
is "$status" 0 "an audit in the sandbox" || diag "$(tail -n 5 "$tmp/log")"
report=$(field "$tmp/in/shut" .report)
for reach in read_passwd read_key read_store list_reports write_reports write_dataset change_dataset chmod_dataset \
	internet_socket control_socket start_program fork_process signal_daemon trace_daemon; do
	like "$(metric $reach)" '^[1-9][0-9]*$' "refused: $reach"
	like "$(metric load.$reach)" '^[1-9][0-9]*$' "refused while it is loaded: $reach"
done
is "$(metric ok_read_dataset)" 0 "the dataset can be read"
is "$(metric ok_spill)" 0 "spilling works"
is "$(ls -A "$tmp/in/shut")" a.jsonl "nothing was planted in the dataset"
[ ! -e "$tmp/state/reports/planted" ]
ok $? "nor among the reports"
is "$(ls -A "$tmp/state/reports/.staging")" "" "the worker's own directory is gone"
like "$(jq -r .predicate.sandbox "$report/run.json")" "^landlock $landlock, seccomp" \
	"the run statement says what was in force"
like "$("$ASSAY" status)" "sandbox: require; this kernel has Landlock $landlock, seccomp" "so does assay status"
said=$(jq -c 'select(.module == "worker") | [.level, .run, .part, .says]' "$tmp/log")
is "$said" "[\"warning\",$(field "$tmp/in/shut" .id),\"hostile\",\"reached for everything\"]" "a worker logs JSON where the daemon does"
stop
run jq -e 'has("time") and has("level") and has("module") and has("message")' "$tmp/log"
is "$status" 0 "and nothing in the log is anything else"
configure "plugins: {dir: $tmp/plugins}" "log: {level: error}"
: >"$tmp/log"
start
deliver quiet
run "$ASSAY" wait "$tmp/in/quiet" --timeout 60s --no-progress
is "$(cat "$tmp/log")" "" "what the daemon would not log a worker does not either"
stop
done_testing
