#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a worker may use, and how long it may say nothing: each limit is in force, and what reaches one is named.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
sanitized=$(nm "$ASSAY_WORKER" 2>/dev/null | grep -c '__asan_init\|__tsan_init')

# --- a worker that falls silent; it takes its time, so the others go on meanwhile
configure "workers: 2" "retries: 0" "worker: {stall: 10m, memory: 2GiB, cpu: 90s}"
cat >"$tmp/worker" <<SH
#!/bin/sh
echo '{"type":"progress","files_done":0,"files_total":1,"bytes_done":0,"bytes_total":9,"records":0,"findings":0,"phase":"reading"}'
: >"$tmp/said"
exec sleep 600
SH
start
deliver silent
has_said() { [ -e "$tmp/said" ]; } # so its script was read, and another may take its place
until_true 60 has_said
ok $? "a worker says something once"

# --- the limits a worker runs under: builtins only, since there may be no room for another process
cat >"$tmp/worker" <<SH
#!/bin/sh
while IFS= read -r line; do echo "\$line"; done </proc/self/limits >"$tmp/limits"
exec "$ASSAY_WORKER"
SH
deliver limited
run "$ASSAY" wait "$tmp/in/limited" --timeout 60s --no-progress
is "$status" 0 "an audit within its limits passes"
limit() { # limit NAME: soft and hard
	sed -n "s/^$1  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "$tmp/limits"
}
is "$(limit "Max cpu time")" "90 90" "processor time is as configured"
is "$(limit "Max core file size")" "0 0" "no core file"
is "$(limit "Max open files")" "1024 1024" "open files are limited"
is "$(limit "Max file size")" "1099511627776 1099511627776" "so is the size of a file"
is "$(limit "Max processes")" "4096 4096" "and processes"
if [ "$sanitized" -eq 0 ]; then # whose shadow needs address space
	is "$(limit "Max address space")" "2147483648 2147483648" "memory is as configured"
fi

# --- one that is reached (memory: poison.sh)
cat >"$tmp/worker" <<SH
#!/bin/sh
while :; do :; done
SH
sed -i 's/cpu: 90s/cpu: 1s/' "$tmp/assayd.yaml"
"$ASSAY" reload >/dev/null
deliver spins
run "$ASSAY" wait "$tmp/in/spins" --timeout 60s --no-progress
is "$status" 3 "a worker that uses up its processor time makes the run INCOMPLETE"
like "$(field "$tmp/in/spins" .reason)" "CPU time limit exceeded|Killed" "and its limit is named"
# --- the silent one
run "$ASSAY" wait "$tmp/in/silent" --timeout 90s --no-progress
is "$status" 3 "a worker that falls silent is ended and its run INCOMPLETE"
is "$(field "$tmp/in/silent" '.state, .reason' | tr '\n' ' ')" "dead the worker fell silent for 30 s and was ended " "with the reason"
stop
is "$status" 0 "the daemon ends well"
done_testing
