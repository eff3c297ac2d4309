# SPDX-License-Identifier: Apache-2.0
# daemon_lib.sh: an assayd of one's own for a test: its own state, socket and workers. Source it after lib.sh.
#
#   configure [LINE...]    writes $tmp/assayd.yaml: one watched directory $tmp/in, settle 200ms, and the given lines
#   start                  starts assayd and waits until it answers; $daemon is its pid, $tmp/log its log
#   stop                   SIGTERM, waits; sets $status
#   deliver NAME [TEXT]    a dataset appears in $tmp/in at once
#   field RUN FILTER       a field of a run, by jq: field 1 .state
#   hold / let_go          workers started meanwhile wait before they begin; $tmp/worker.pid is the last one
#   lock_store / unlock_store   meanwhile the daemon can read its store, not write
[ -x "$ASSAYD" ] || skip_all "assayd is not built"
mkdir -p "$tmp/in"
export ASSAY_CONTROL="$tmp/control.sock"
cat >"$tmp/worker" <<SH
#!/bin/sh
echo \$\$ >"$tmp/worker.pid.new" && mv "$tmp/worker.pid.new" "$tmp/worker.pid"
echo started >>"$tmp/starts"
while [ -e "$tmp/hold" ]; do sleep 0.02; done
exec "$ASSAY_WORKER"
SH
chmod +x "$tmp/worker"

configure() {
	cat >"$tmp/assayd.yaml" <<YAML
version: 1
state_dir: $tmp/state
control: {socket: $tmp/control.sock}
retry_delay: 50ms
sources:
  - {kind: directory, name: in, path: $tmp/in, settle: 200ms}
YAML
	for line in "$@"; do
		printf '%s\n' "$line" >>"$tmp/assayd.yaml"
	done
}

start() {
	# shellcheck disable=SC2086
	ASSAY_WORKER=$tmp/worker ${daemon_prefix:-} "$ASSAYD" -c "$tmp/assayd.yaml" 2>>"$tmp/log" &
	daemon=$!
	spawned="$spawned $daemon"
	"$ASSAY" status --wait-ready 20s >/dev/null 2>&1 || diag "assayd does not answer: $(tail -n 5 "$tmp/log")"
}

stop() {
	status=0
	kill -TERM "$daemon"
	wait "$daemon" || status=$?
}

deliver() {
	mkdir "$tmp/coming"
	printf '{"text":"%s"}\n' "${2:-the weather was fine all week}" >"$tmp/coming/a.jsonl"
	mv "$tmp/coming" "$tmp/in/$1"
}

field() {
	"$ASSAY" report "$1" --json | jq -r ".run | $2"
}

has() { # has RUN FILTER VALUE
	[ "$(field "$1" "$2" 2>/dev/null)" = "$3" ]
}

hold() {
	rm -f "$tmp/worker.pid"
	: >"$tmp/hold"
}

let_go() {
	rm -f "$tmp/hold"
}

held() { # a worker waits
	[ -s "$tmp/worker.pid" ]
}

# The store as another program holds it: nothing can be recorded until `unlock_store`. Needs the sqlite3 program.
lock_store() {
	rm -f "$tmp/locks" "$tmp/locked"
	mkfifo "$tmp/locks"
	sqlite3 "$tmp/state/assay.db" <"$tmp/locks" &
	locker=$!
	spawned="$spawned $locker"
	exec 9>"$tmp/locks"
	printf '.timeout 20000\nBEGIN IMMEDIATE;\n.shell touch %s\n' "$tmp/locked" >&9
	until_true 30 test -e "$tmp/locked" || diag "the store cannot be locked"
}

unlock_store() {
	exec 9>&-
	wait "$locker"
}
