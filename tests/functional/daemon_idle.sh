#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A daemon with nothing to do sleeps: no wake-up that is not a timer's, little memory.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

configure "  - {kind: directory, name: far, path: $tmp/nowhere, poll: 1h}"
deliver one
start
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "it has worked"
wakeups() { # of its one thread; a sanitizer's own do not count
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$daemon/status"
}
quiet() { # nothing for two seconds
	before=$(wakeups)
	sleep 2
	[ "$(wakeups)" = "$before" ]
}
tries=20
until quiet || [ "$tries" -eq 0 ]; do
	tries=$((tries - 1))
done
ok "$([ "$tries" -gt 0 ]; echo $?)" "it comes to rest"
before=$(wakeups)
sleep 10
after=$(wakeups)
ok "$([ $((after - before)) -le 2 ]; echo $?)" "ten seconds at rest: $((after - before)) context switches"
rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/$daemon/status")
case $(nm -D "$ASSAYD" 2>/dev/null) in
*__asan_init* | *__tsan_init*) diag "RSS $rss KiB, with a sanitizer" ;;
*) ok "$([ "$rss" -lt 20480 ]; echo $?)" "less than 20 MiB at rest ($rss KiB)" ;;
esac
# It asks for more than a socket holds, has no more to say, and does not read.
cat >"$tmp/deaf.py" <<'PY'
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall(b'{"op":"status"}\n' * 2000)
client.shutdown(socket.SHUT_WR)
print("asked", flush=True)
sys.stdin.read()
got = b""
while piece := client.recv(65536):
    got += piece
print(got.count(b'"ok":true'))
PY
mkfifo "$tmp/go"
python3 "$tmp/deaf.py" "$tmp/control.sock" <"$tmp/go" >"$tmp/answers" &
deaf=$!
spawned="$spawned $deaf"
exec 9>"$tmp/go"
until_true 20 grep -q asked "$tmp/answers"
tries=20
until quiet || [ "$tries" -eq 0 ]; do
	tries=$((tries - 1))
done
ok "$([ "$tries" -gt 0 ]; echo $?)" "a client that has said its last and does not read keeps nobody awake"
exec 9>&-
wait "$deaf"
is "$(tail -n 1 "$tmp/answers")" 2000 "and has all its answers when it does"
done_testing
