#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of daemon, worker or signer at random moments while deliveries come in: every content of every dataset is judged
# once, every report is whole from the moment it can be seen, and none is lost or made twice.
#   ASSAY_KILLS=200    how many kills that hit something (default 12)
#   ASSAY_SEED=N       the moments and victims of an earlier run
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
command -v sqlite3 >/dev/null || skip_all "sqlite3 is not installed"
kills=${ASSAY_KILLS:-12}
seed=${ASSAY_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
diag "ASSAY_SEED=$seed ASSAY_KILLS=$kills"
reports=$tmp/state/reports
public=$tmp/state/keys/signing.pem.pub
ln -sf "$ASSAY_WORKER" "$tmp/worker" # so that all of a worker's life is the worker
awk 'BEGIN { for (i = 0; i < 1500; i++) printf "{\"text\":\"entry %d of the log, the weather was fine all week\"}\n", i }' >"$tmp/lines"

roll() { # roll N: sets $rolled to one of 0..N-1
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	rolled=$((seed / 65536 % $1))
}
pause() { # pause N: up to N ms
	roll "$1"
	sleep "$(printf '0.%03d' "$rolled")"
}
child() { # child NAME: the first child of the daemon of that name
	for pid in $(cat "/proc/$daemon/task/$daemon/children" 2>/dev/null); do
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; then
			echo "$pid"
			return
		fi
	done
}
revive() { # as a service manager would
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -0 "$daemon" 2>/dev/null && return
		start
	done
}

# --- deliveries: new datasets, and now and then one of old that changes at once
made=0
write_content() {
	cp "$tmp/lines" "$tmp/coming.jsonl"
	printf '{"text":"what %s says"}\n' "$1" >>"$tmp/coming.jsonl"
}
deliver_some() {
	for _ in 1 2; do
		made=$((made + 1))
		write_content "dataset $made"
		mkdir "$tmp/coming"
		mv "$tmp/coming.jsonl" "$tmp/coming/a.jsonl"
		mv "$tmp/coming" "$tmp/in/d$made"
	done
	roll 3
	if [ "$rolled" -eq 0 ]; then
		roll "$made"
		write_content "dataset $((rolled + 1)), changed when there were $made"
		mv "$tmp/coming.jsonl" "$tmp/in/d$((rolled + 1))/a.jsonl"
	fi
}

# --- what can be seen while it runs: a report is verified as soon as it is there, and stays as it was
look() { # one look at all reports that were not seen before
	for report in "$reports"/*/; do
		report=${report%/}
		name=${report##*/}
		if [ -d "$report" ] && [ ! -e "$tmp/seen/$name" ]; then
			"$ASSAY" verify "$report/statement.dsse.json" --no-data --key "$public" >"$tmp/verify" 2>&1 ||
				{ echo "$name: $(tail -n 1 "$tmp/verify")" >>"$tmp/halves"; }
			cat "$report"/* | sha256sum >"$tmp/seen/$name"
		fi
	done
}
keep_looking() {
	while [ ! -e "$tmp/enough" ]; do
		look
		sleep 0.02
	done
	look
}

kill_daemon() {
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	roll 4
	if [ "$rolled" -eq 0 ]; then # and once more, while it starts
		ASSAY_WORKER=$tmp/worker "$ASSAYD" -c "$tmp/assayd.yaml" 2>>"$tmp/log" &
		daemon=$!
		pause 300
		kill -KILL "$daemon" 2>/dev/null && hit_daemon=$((hit_daemon + 1))
		wait "$daemon" 2>/dev/null
	fi
	start
	revive
}
runs_one() {
	[ -n "$(child "$1")" ]
}
kill_child() { # kill_child NAME: 0 when it hit
	for _ in 1 2 3 4 5 6 7 8; do
		runs_one "$1" || deliver_some
		until_true 1 runs_one "$1"
		pause 90
		victim=$(child "$1")
		[ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null && return 0
	done
	return 1
}

configure "workers: 2" "jobs: 1" "retries: 10"
sed -i 's/settle: 200ms/settle: 100ms/; s/retry_delay: 50ms/retry_delay: 10ms/' "$tmp/assayd.yaml"
mkdir "$tmp/seen"
start
spawn keep_looking
looker=$pid
hit_daemon=0 hit_worker=0 hit_signer=0 rounds=0
while [ $((hit_daemon + hit_worker + hit_signer)) -lt "$kills" ] && [ "$rounds" -lt $((3 * kills)) ]; do
	rounds=$((rounds + 1))
	deliver_some
	pause 400
	roll 3
	case $rolled in
	0) kill_daemon && hit_daemon=$((hit_daemon + 1)) ;;
	1) kill_child worker && hit_worker=$((hit_worker + 1)) ;;
	2) kill_child assay-signer && hit_signer=$((hit_signer + 1)) ;;
	esac
	revive
done
diag "killed: daemon $hit_daemon, worker $hit_worker, signer $hit_signer; datasets: $made"
[ $((hit_daemon + hit_worker + hit_signer)) -ge "$kills" ]
ok $? "so many kills hit something"

# --- what is left
db() {
	sqlite3 "$tmp/state/assay.db" "$1"
}
settled() { # every dataset as it is now has been judged
	for dataset in "$tmp/in"/*/; do
		name=$(basename "$dataset")
		[ "$(db "SELECT r.state FROM runs r JOIN datasets d ON d.id = r.dataset WHERE d.name = '$name' ORDER BY r.id DESC LIMIT 1")" = 2 ] &&
			grep -qs "^$(sha256sum <"$dataset/a.jsonl" | cut -d' ' -f1) " "$(db "SELECT v.report FROM verdicts v JOIN runs r
				ON r.id = v.run JOIN datasets d ON d.id = r.dataset WHERE d.name = '$name' ORDER BY r.id DESC LIMIT 1")/MANIFEST.sha256" ||
			return 1
	done
}
idle() {
	"$ASSAY" status --json | jq -e '.queued + .running == 0'
}
until_true $((60 + kills)) settled
ok $? "every dataset is judged as it is now"
until_true 60 idle
ok $? "and nothing waits any more"
: >"$tmp/enough"
wait "$looker"
stop
is "$status" 0 "the daemon ends well"
is "$(db "SELECT count(DISTINCT dataset) FROM runs WHERE state = 2")" "$made" "no dataset is lost"
is "$(db "SELECT count(*) FROM (SELECT 1 FROM runs WHERE state = 2 GROUP BY dataset, signature HAVING count(*) > 1)")" 0 \
	"no content is judged twice"
is "$(db "SELECT count(*) FROM runs WHERE state <> 2")" 0 "no run ended otherwise"
db "SELECT report FROM verdicts" | sed 's|.*/||' | sort >"$tmp/recorded"
ls "$reports" | sort >"$tmp/visible"
is "$(diff "$tmp/recorded" "$tmp/visible")" "" "the reports there are, are those that are recorded"
[ ! -e "$reports/.aside" ]
ok $? "none was made a second time"
is "$(cat "$tmp/halves" 2>/dev/null)" "" "no half report was ever seen"
changed=
for report in "$reports"/*/; do
	[ "$(cat "$report"/* | sha256sum)" = "$(cat "$tmp/seen/$(basename "$report")" 2>/dev/null)" ] || changed="$changed $(basename "$report")"
done
is "$changed" "" "and none changed once it was seen"
diag "runs: $(db "SELECT count(*) FROM runs"), attempts: $(db "SELECT sum(attempt) FROM runs"), reports: $(wc -l <"$tmp/visible"), \
taken over: $(grep -c 'before a crash is recorded' "$tmp/log"), verdicts: $(db "SELECT verdict || ' ' || count(*) FROM verdicts GROUP BY verdict" | tr '\n' ' ')"
done_testing
