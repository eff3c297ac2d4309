#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What docs/queue.md tells others to do, done: its producers in shell and Python as they stand there, its rights for the
# daemon's user; and databases other than the first.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
. "$(dirname "$0")/redis_lib.sh"
page=$ASSAY_SRCDIR/docs/queue.md

block() { # block NAME: the indented lines that follow "NAME:"
	awk -v name="$1:" '$0 == name { inside = 1; next } inside && /^    / { print substr($0, 5); seen = 1; next }
		inside && seen && NF { exit }' "$page" | sed "s|/srv/datasets|$tmp/data|"
}

start_redis
rights=$(sed -n 's/^    ACL SETUSER assayd on >SECRET //p' "$page")
like "$rights" '^~assay:\{default\}:\* \+@' "the page says which rights the daemon needs"
# shellcheck disable=SC2086
is "$(rc ACL SETUSER assayd on '>s3cret' $rights)" OK "they are what Redis understands"
printf 's3cret\n' >"$tmp/password"
dataset delivery-7
url="unix://assayd@$sock"
queue_config "password_file: $tmp/password"
start

# --- shell
mkdir "$tmp/bin"
printf '#!/bin/sh\nexec %s -s %s "$@"\n' "$(command -v redis-cli)" "$sock" >"$tmp/bin/redis-cli"
chmod +x "$tmp/bin/redis-cli"
block Shell >"$tmp/producer.sh"
like "$(cat "$tmp/producer.sh")" '^redis-cli XADD' "there is a producer in shell"
entry=$(PATH="$tmp/bin:$PATH" sh "$tmp/producer.sh")
like "$entry" '^[0-9]+-[0-9]+$' "it sends a job"
answered() { rc XRANGE "$key:results" - + | grep -qx "$entry"; }
until_true 60 answered
ok $? "with no right but those, the daemon answers it"
until_true 10 nothing_pending
is "$(rc XREVRANGE "$key:results" + - COUNT 1 | grep -A1 -x verdict | tail -n 1)" PASS "with a verdict"

# --- Python
python=
for candidate in python3 /usr/bin/python3; do
	if [ -z "$python" ] && "$candidate" -c 'import redis' 2>/dev/null; then
		python=$candidate
	fi
done
if [ -n "$python" ]; then
	block Python | sed "s|redis.Redis(|redis.Redis(unix_socket_path=\"$sock\", |" >"$tmp/producer.py"
	echo 'print(result["verdict"], envelope["payloadType"]); print(json.dumps(envelope), file=open("'"$tmp"'/envelope", "w"))' \
		>>"$tmp/producer.py"
	run timeout 60 "$python" "$tmp/producer.py"
	is "$out" "PASS application/vnd.in-toto+json" "the producer in Python sends a job and reads its answer"
	[ "$status" -eq 0 ] || diag "$err"
	run "$ASSAY" verify "$tmp/envelope" --dataset "$tmp/data/delivery-7" --key "$tmp/state/keys/signing.pem.pub" \
		--manifest "$("$ASSAY" status --json | jq -r '.runs[0].report')/MANIFEST.sha256"
	is "$status" 0 "the envelope in it verifies" || diag "$err"
else
	diag "no Python with the redis module: its producer is not tried"
fi
stop

# --- databases
url="unix://assayd@$sock?db=3"
queue_config "password_file: $tmp/password"
start
job elsewhere delivery-7 >/dev/null
rc -n 3 XADD "$key:jobs" '*' v 1 job_id here uri "file://$tmp/data/delivery-7" >/dev/null
here() { [ "$(rc -n 3 HGET "$key:job:here" state)" = done ]; }
until_true 60 here
ok $? "a job in the database that the url names is judged"
is "$(rc -n 3 HGET "$key:job:here" verdict)" PASS "with its verdict"
is "$(job_state elsewhere state)" "" "and none in another"
like "$(rc CLIENT LIST)" ' db=3 .* user=assayd' "both connections are in that database, as that user"
stop
url="unix://assayd@$sock?db=99"
queue_config "password_file: $tmp/password"
start
until_true 30 problem_like "database" || diag "$(problem)"
ok $? "a database that is not there is a problem in status"
stop
is "$status" 0 "the daemon ends well"
done_testing
