#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay status --watch: what changes is told as it changes, on a terminal and off it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
configure
start
says() { grep -Eq -- "$2" "$1"; } # says FILE REGEX
said() { until_true 20 says "$@"; }
# Connections, the one that asks among them.
has_clients() { [ "$("$ASSAY" metrics | sed -n 's/^assay_control_clients //p')" = "$1" ]; }
watch() { # watch FILE ARGUMENT...
	out_file=$1
	shift
	: >"$out_file"
	spawn "$ASSAY" status --watch "$@" >"$out_file" 2>"$tmp/watch.err"
	watcher=$pid
}
watched() { # sets $status
	status=0
	wait "$watcher" || status=$?
}

# --- lines
deliver before
"$ASSAY" wait "$tmp/in/before" --timeout 60s --no-progress >/dev/null
watch "$tmp/lines"
hold
deliver one
until_true 20 held
said "$tmp/lines" "running +-  .*/in/one"
ok $? "a run that starts is told"
deliver two
said "$tmp/lines" "queued +-  .*/in/two"
ok $? "and one that is queued"
let_go
said "$tmp/lines" "done +PASS  .*/in/one"
ok $? "and its verdict"
said "$tmp/lines" "done +PASS  .*/in/two"
ok $? "of each"
is "$(grep -c "done.*/in/one" "$tmp/lines")" 1 "once"
is "$(grep -c "/in/before" "$tmp/lines")" 0 "what had ended before is not news"
is "$(grep -c '[^ -~]' "$tmp/lines")" 0 "in plain text"
kill -TERM "$watcher"
watched
is "$status $(cat "$tmp/watch.err")" "130 " "a signal ends it, with code 130 and no complaint"

# --- as JSON
watch "$tmp/json" --json
said "$tmp/json" '"all":true'
deliver three
said "$tmp/json" '"changed":\[\{.*"state":"done".*/in/three'
ok $? "with --json each line is a reply"
is "$(jq -r 'select(.ok != true) | 1' "$tmp/json")" "" "and whole"
is "$(jq -s 'map(.all) | .[0:1] + (.[1:] | unique)' -c "$tmp/json")" "[true,false]" "the first tells everything, the others what changed"
kill -TERM "$watcher"
watched

# --- one run or dataset
watch "$tmp/target" "$tmp/in/four"
hold
deliver noise
until_true 20 held
deliver four
let_go
watched
is "$status" 0 "a dataset is watched until it is judged"
like "$(tail -n 1 "$tmp/target")" "done +PASS  .*/in/four" "which is its last line"
is "$(grep -c /in/noise "$tmp/target")" 0 "and nothing else is told"
run "$ASSAY" status --watch "$(field "$tmp/in/four" .id)"
is "$status" 0 "a run that is judged already is told at once"
deliver leaky '13912345678 11010519491231002X'
run timeout 60 "$ASSAY" status --watch "$tmp/in/leaky"
is "$status" 1 "the exit code is the verdict"
run "$ASSAY" status "$tmp/in/leaky"
is "$status" 2 "a dataset without --watch is refused"
run "$ASSAY" status --watch nonsense
is "$status" 2 "and a target that is none"

# --- nobody reads on
mkfifo "$tmp/pipe"
"$ASSAY" status --watch --json >"$tmp/pipe" 2>"$tmp/watch.err" &
watcher=$!
spawned="$spawned $watcher"
head -n 1 "$tmp/pipe" >/dev/null
deliver five
watched
is "$status" 3 "a watcher whose reader has gone ends"

# --- a client that watches and does not read
if command -v python3 >/dev/null 2>&1; then
	python3 - "$tmp/control.sock" "$tmp/deaf" <<'PY' &
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.connect(sys.argv[1])
s.sendall(b'{"op":"watch"}\n')
while not os.path.exists(sys.argv[2]):
    time.sleep(0.02)
PY
	deaf=$!
	spawned="$spawned $deaf"
	until_true 20 has_clients 2
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do deliver "deaf$n"; done
	quiet() { [ "$("$ASSAY" status --json | jq '.queued + .running')" = 0 ]; }
	run "$ASSAY" wait "$tmp/in/deaf12" --timeout 60s --no-progress
	until_true 60 quiet
	ok $? "holds up nobody"
	: >"$tmp/deaf"
	wait "$deaf"
	until_true 20 has_clients 1
	ok $? "and is gone when it goes"

	# --- on a terminal
	: >"$tmp/screen"
	spawn python3 "$ASSAY_SRCDIR/tests/functional/on_terminal.py" "$tmp/screen" "$ASSAY" status --watch
	terminal=$pid
	esc=$(printf '\033')
	said "$tmp/screen" "assayd running: 0 of 1 workers busy"
	ok $? "a terminal shows the daemon"
	said "$tmp/screen" "ended last:"
	ok $? "and what ended last"
	hold
	deliver drawn
	until_true 20 held
	said "$tmp/screen" "running:"
	deliver later
	said "$tmp/screen" "next:"
	ok $? "what runs, and what is next"
	said "$tmp/screen" "\[-{24}\] +starting  0 records  drawn"
	ok $? "with a bar"
	let_go
	said "$tmp/screen" "done +PASS  .*/in/later"
	ok $? "and the verdict"
	said "$tmp/screen" "$esc\[[0-9]+A$esc\[J"
	ok $? "drawn over itself"
	printf '\003' >"$tmp/keys"
	mv "$tmp/keys" "$tmp/screen.keys"
	status=0
	wait "$terminal" || status=$?
	is "$status" 130 "Ctrl-C ends it"
fi

# --- the daemon goes
watch "$tmp/lines"
said "$tmp/json" '"all":true'
until_true 20 has_clients 2
stop
watched
is "$status" 6 "when the daemon goes the watcher says so"
like "$(cat "$tmp/watch.err")" "closed the connection" "in a sentence"
done_testing
