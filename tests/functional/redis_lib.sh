# SPDX-License-Identifier: Apache-2.0
# redis_lib.sh: a Redis server and a daemon that reads jobs from it. Source it after daemon_lib.sh.
#
#   start_redis [ARG...]       a server on the Unix socket $tmp/redis.sock; $redis is its pid
#   stop_redis                 SIGKILL
#   rc ARG...                  redis-cli on it
#   queue_config [KEY...]      writes assayd.yaml: one redis source "q", roots [$tmp/data], and the given keys
#   dataset NAME [TEXT]        makes $tmp/data/NAME
#   job ID NAME [FIELD VALUE]...   adds a job for $tmp/data/NAME; prints the entry's id
#   job_state ID FIELD         a field of the job's hash
#   has_state ID STATE         for until_true
#   results ID                 how many results entries speak of the job
#   pending                    entries delivered and not acknowledged
command -v redis-server >/dev/null 2>&1 || skip_all "redis-server is not installed"
sock=$tmp/redis.sock
key='assay:{default}'
mkdir -p "$tmp/data"

rc() {
	redis-cli -s "$sock" "$@"
}

start_redis() {
	redis-server --port 0 --unixsocket "$sock" --save '' --dir "$tmp" --logfile "$tmp/redis.log" "$@" &
	redis=$!
	spawned="$spawned $redis"
	until_true 20 answers_ping || diag "redis-server does not answer: $(tail -n 3 "$tmp/redis.log")"
}

answers_ping() {
	[ "$(rc ping 2>/dev/null)" = PONG ]
}

stop_redis() {
	kill -KILL "$redis"
	wait "$redis" 2>/dev/null
}

queue_config() {
	cat >"$tmp/assayd.yaml" <<YAML
version: 1
state_dir: $tmp/state
control: {socket: $tmp/control.sock}
retry_delay: 50ms
retries: 1
workers: ${workers:-2}
sources:
  - kind: redis
    name: q
    url: ${url:-unix://$sock}
    roots: [$tmp/data]
    timeout: 1s
YAML
	for line in "$@"; do
		printf '    %s\n' "$line" >>"$tmp/assayd.yaml"
	done
}

dataset() {
	mkdir -p "$tmp/data/$1"
	printf '{"text":"%s"}\n' "${2:-the weather was fine all week}" >"$tmp/data/$1/a.jsonl"
}

job() {
	id=$1
	name=$2
	shift 2
	rc XADD "$key:jobs" '*' v 1 job_id "$id" uri "file://$tmp/data/$name" "$@"
}

job_state() {
	rc HGET "$key:job:$1" "$2"
}

has_state() {
	[ "$(job_state "$1" state)" = "$2" ]
}

results() {
	rc XRANGE "$key:results" - + | grep -A1 -x job_id | grep -cx "$1"
}

pending() {
	rc XPENDING "$key:jobs" assayd | head -n 1
}

nothing_pending() {
	[ "$(pending)" = 0 ]
}

problem() {
	"$ASSAY" status --json | jq -r '.sources[0].problem // "none"'
}

problem_like() {
	problem | grep -Eq "$1"
}
