#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Seeing jobs: progress, pace and ETA of what runs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
configure
# A worker that says what $tmp/say holds, line by line as it grows, and then does its work.
cat >"$tmp/worker" <<SH
#!/bin/sh
if [ -e "$tmp/say" ]; then
	n=0
	while [ -e "$tmp/say" ]; do
		while line=\$(sed -n "\$((n + 1))p" "$tmp/say") && [ -n "\$line" ]; do
			printf '%s\n' "\$line"
			n=\$((n + 1))
		done
		sleep 0.02
	done
fi
exec "$ASSAY_WORKER"
SH
say() { # say PHASE DONE TOTAL RECORDS
	printf '{"type":"progress","phase":"%s","files_done":1,"files_total":4,"bytes_done":%s,"bytes_total":%s,"records":%s,"findings":2}\n' \
		"$1" "$2" "$3" "$4" >>"$tmp/say"
}

: >"$tmp/say"
start
deliver slow
until_true 20 has "$tmp/in/slow" .state running
is "$(field "$tmp/in/slow" '.phase, .eta_ms' | tr '\n' ' ')" "starting null " "a worker that has said nothing yet is starting"
say reading 0 8000000 0
until_true 20 has "$tmp/in/slow" .phase reading
say reading 2000000 8000000 123
until_true 20 has "$tmp/in/slow" .records 123
is "$(field "$tmp/in/slow" '"\(.bytes_done) \(.bytes_total) \(.files_done) \(.files_total) \(.findings)"')" "2000000 8000000 1 4 2" \
	"bytes, files, records and findings so far"
paced() { [ "$(field "$tmp/in/slow" '.eta_ms != null and .bytes_per_second > 0')" = true ]; }
until_true 20 paced
ok $? "with a pace and an ETA"
is "$(field "$tmp/in/slow" '((.bytes_total - .bytes_done) * 1000 / .bytes_per_second / .eta_ms) | . > 0.8 and . < 1.25')" true \
	"which agree"
run "$ASSAY" status
like "$out" "running +- +25%  [0-9]+\.[0-9] MB/s  ETA [0-9hms]+  .*/in/slow" "assay status shows them"
is "$("$ASSAY" metrics | grep -c -e '^assay_running_bytes{state="done"} 2000000' -e '^assay_running_bytes{state="total"} 8000000' \
	-e '^assay_running_records 123')" 3 "and the metrics their sums"
say "second look" 100 1000 123
until_true 20 has "$tmp/in/slow" .phase "second look"
is "$(field "$tmp/in/slow" .bytes_total)" 1000 "a second look counts anew"
rm "$tmp/say"
run "$ASSAY" wait "$tmp/in/slow" --timeout 60s --no-progress
is "$status" 0 "the worker goes on and the run is judged"
is "$(field "$tmp/in/slow" .phase)" null "what is done has no progress"

# --- what a worker says is not believed
: >"$tmp/say"
deliver liar
until_true 20 has "$tmp/in/liar" .state running
say "a word of its own" 1 1 1
say reading 99999999 1 1
until_true 20 has "$tmp/in/liar" .phase reading
run "$ASSAY" status --json
unlike "$out" "a word of its own" "a phase that is none is not repeated"
run "$ASSAY" status
like "$out" "running +- +100% " "and nothing is more than whole"
rm "$tmp/say"
run "$ASSAY" wait "$tmp/in/liar" --timeout 60s --no-progress
stop
is "$status" 0 "the daemon ends well"
done_testing
