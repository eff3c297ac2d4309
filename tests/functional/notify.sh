#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What assayd tells a service manager (readiness, status, reloading, stopping, signs of life), and the socket it takes over
# from one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
command -v python3 >/dev/null 2>&1 || skip_all "no python3"

told() { # told REGEX: a whole line that assayd sent
	grep -qEx "$1" "$tmp/told"
}
heard() { # heard LINE N: it was sent at least N times
	[ "$(grep -cx "$1" "$tmp/told")" -ge "$2" ]
}
managed() { # managed NOTIFY [OPTION...]: assayd under our service manager; $daemon is assayd
	rm -f "$tmp/told"
	ASSAY_WORKER=$tmp/worker python3 "$ASSAY_SRCDIR/tests/functional/service_manager.py" "$tmp/told" "$@" \
		"$ASSAYD" -c "$tmp/assayd.yaml" 2>>"$tmp/log" &
	manager=$!
	spawned="$spawned $manager"
	until_true 60 told 'MAINPID=.*'
	daemon=$(sed -n 's/^MAINPID=//p' "$tmp/told")
}
ended() {
	status=0
	wait "$manager" || status=$?
}

# --- readiness, status, reload, stop
configure
managed "$tmp/notify"
until_true 60 told 'READY=1'
ok $? "READY once it serves"
run "$ASSAY" status
is "$status" 0 "and it does serve"
until_true 20 told 'STATUS=Auditing: 0 running, 0 queued, 0 problems'
ok $? "a status line"
hold
deliver one
until_true 30 told 'STATUS=Auditing: 1 running, 0 queued, 0 problems'
ok $? "which follows the queue"
let_go
until_true 60 has "$tmp/in/one" .state done
kill -HUP "$daemon"
until_true 60 heard READY=1 2
ok $? "READY again after a reload"
like "$(grep -x -A1 'RELOADING=1' "$tmp/told" | tail -n 1)" '^MONOTONIC_USEC=[1-9][0-9]{5,}$' "RELOADING says when, as Type=notify-reload wants"
printf 'sources: [\n' >"$tmp/assayd.yaml"
kill -HUP "$daemon"
until_true 60 told 'STATUS=Auditing: 0 running, 0 queued, 1 problem; reload failed: .*'
ok $? "a failed reload stands in the status line"
until_true 60 heard READY=1 3
ok $? "and the daemon is ready all the same"
configure
kill -HUP "$daemon"
until_true 60 heard 'STATUS=Auditing: 0 running, 0 queued, 0 problems' 2
ok $? "until a reload succeeds"
unlike "$(cat "$tmp/told")" '^WATCHDOG=1' "no sign of life where nobody asked for one"
kill -TERM "$daemon"
ended
is "$status" 0 "SIGTERM ends it with 0"
until_true 20 told 'STOPPING=1'
ok $? "STOPPING when it drains"

# --- a source with a problem; the abstract name space; the watchdog
configure "  - {kind: directory, name: gone, path: $tmp/not-there}"
managed "@assay-test-$$" --watchdog 400000
until_true 60 told 'READY=1'
ok $? "READY over an abstract socket"
until_true 20 told 'STATUS=Auditing: .* 1 problem'
ok $? "a source with a problem is counted"
until_true 60 heard WATCHDOG=1 3
ok $? "signs of life for the watchdog"
kill -STOP "$daemon"
before=$(grep -c WATCHDOG=1 "$tmp/told")
sleep 1 # five times what it would take; a stopped process has no event to wait for
is "$(grep -c WATCHDOG=1 "$tmp/told")" "$before" "and none from a daemon that hangs"
kill -CONT "$daemon"
until_true 60 heard WATCHDOG=1 "$((before + 2))"
ok $? "until it goes on"
kill -TERM "$daemon"
ended

# --- a socket that is handed over
configure
managed "$tmp/notify2" --listen "$tmp/control.sock"
run "$ASSAY" status --wait-ready 60s
is "$status" 0 "clients are served on the socket that was handed over"
until_true 60 told 'READY=1'
kill -TERM "$daemon"
ended
[ -S "$tmp/control.sock" ]
ok $? "its file stays: it is the service manager's"
rm -f "$tmp/control.sock"
managed "$tmp/notify3" --listen "$tmp/other.sock"
ended
is "$status" 2 "a socket at another path than control.socket is refused"
like "$(tail -n 1 "$tmp/log")" "the socket handed over is .*/other.sock, but control.socket is .*/control.sock" "with both paths"
managed "$tmp/notify4" --listen "$tmp/more.sock" --fds 2
ended
is "$status" 2 "more than one descriptor is refused"
like "$(tail -n 1 "$tmp/log")" "handed over 2 descriptors" "with the number"
# for another process: not ours to take
LISTEN_FDS=1 LISTEN_PID=1 start
run "$ASSAY" status
is "$status" 0 "descriptors meant for another process are left alone"
stop
done_testing
