#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Redis that restarts, hangs, fills up, loses data; consumers that die; a daemon that is killed: every job is answered
# once, or somebody is told.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
. "$(dirname "$0")/redis_lib.sh"
start_redis --appendonly yes --appendfsync always
queue_config "consumer: me" "claim_idle: 1s" "max_deliveries: 3"
start
working() { [ "$(problem)" = none ]; }
until_true 20 working

# --- the daemon is killed in mid-audit, and between the report and the answer
dataset one
hold
job one one >/dev/null
until_true 30 held
until_true 30 has_state one running
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
let_go
start
until_true 30 has_state one done
is "$(job_state one verdict)" PASS "a job whose daemon was killed is judged after the restart"
until_true 10 nothing_pending
is "$(results one)" 1 "and answered once"

hold
dataset two
job two two >/dev/null
until_true 30 held
kill -STOP "$redis" # the report will be there, but nobody can be told
let_go
recorded() { "$ASSAY" status --json | jq -e '.runs[] | select(.name == "two" and .state == "done")'; }
until_true 30 recorded
ok $? "an audit ends although Redis hangs"
until_true 30 problem_like "does not answer in time"
ok $? "status says that Redis does not answer"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
kill -CONT "$redis"
start
until_true 30 has_state two done
is "$(job_state two run_id)" "$("$ASSAY" status --json | jq -r '.runs[] | select(.name == "two") | .id')" \
	"killed between report and answer: the answer follows, of the same run"
until_true 10 nothing_pending
is "$(results two)" 1 "once"

# --- a Redis that hangs and comes back
kill -STOP "$redis"
until_true 30 problem_like "does not answer in time"
ok $? "a hanging Redis is a problem in status"
run "$ASSAY" status
is "$status" 0 "while the daemon answers"
kill -CONT "$redis"
until_true 40 working
ok $? "and none when it is back"
like "$(cat "$tmp/log")" "source has a problem.*does not answer in time" "the log says so"
like "$(cat "$tmp/log")" "works again" "and that it is over"

# --- a Redis that is killed and restarts, with a job under way
dataset three
hold
job three three >/dev/null
until_true 30 held
stop_redis
until_true 30 problem_like "cannot connect|closed the connection"
ok $? "a Redis that is gone is a problem in status"
let_go
start_redis --appendonly yes --appendfsync always
until_true 60 has_state three done
is "$(job_state three verdict)" PASS "a job under way while Redis restarts is answered"
until_true 10 nothing_pending
is "$(results three)" 1 "once"

# --- a Redis that is full
dataset four
hold
job four four >/dev/null
until_true 30 held
rc CONFIG SET maxmemory-policy noeviction >/dev/null
rc CONFIG SET maxmemory 1 >/dev/null
let_go
until_true 30 problem_like "full"
ok $? "a full Redis is a problem in status"
is "$(pending)" 1 "what could not be said is not acknowledged"
rc CONFIG SET maxmemory 0 >/dev/null
until_true 30 has_state four done
is "$(job_state four verdict)" PASS "the result follows when there is room"
until_true 10 nothing_pending
is "$(results four)" 1 "once"
until_true 30 working
ok $? "and the problem is gone"

# --- a Redis that loses everything, with a job under way
dataset five
hold
job five five >/dev/null
until_true 30 held
rc FLUSHALL >/dev/null
let_go
until_true 60 has_state five done
is "$(job_state five verdict)" PASS "a job under way while Redis loses its data is answered"
until_true 30 grep -q "lost the consumer group" "$tmp/log"
ok $? "the log says that data was lost"
dataset six
job six six >/dev/null
until_true 60 has_state six done
is "$(job_state six verdict)" PASS "jobs sent afterwards are judged"

# --- the group alone is destroyed: the stream is read anew, nothing is audited or answered twice
runs_before=$("$ASSAY" status --json | jq .done)
rc XGROUP DESTROY "$key:jobs" assayd >/dev/null
dataset seven
job seven seven >/dev/null
until_true 60 has_state seven done
until_true 30 nothing_pending
is "$("$ASSAY" status --json | jq .done)" "$((runs_before + 1))" "a group that was destroyed leads to no second audit"
is "$(results six)" 1 "and to no second answer"

# --- consumers that died
stop
dataset eight
dataset nine
job eight eight >/dev/null
job nine nine >/dev/null
rc XREADGROUP GROUP assayd corpse COUNT 1 STREAMS "$key:jobs" '>' >/dev/null
rc XREADGROUP GROUP assayd vanished COUNT 1 STREAMS "$key:jobs" '>' >/dev/null
start
until_true 60 has_state eight done
until_true 60 has_state nine done
is "$(job_state eight verdict)$(job_state nine verdict)" PASSPASS "what dead consumers had taken is judged"
until_true 10 nothing_pending
is "$(results eight)$(results nine)" 11 "once each"

# --- poison: delivered and never answered
stop
dataset ten
job ten ten >/dev/null
for _ in 1 2 3; do
	rc XREADGROUP GROUP assayd corpse COUNT 1 STREAMS "$key:jobs" "${from:->}" >/dev/null
	from=0
done
start
until_true 60 has_state ten dead
like "$(job_state ten reason)" "delivered 4 times without a result" "a job that always kills its consumer is set aside"
is "$(job_state ten verdict)" ERROR "without a verdict"

# --- dropped from the stream after they were delivered
stop
lost=$(job eleven ten)
rc XREADGROUP GROUP assayd corpse COUNT 1 STREAMS "$key:jobs" '>' >/dev/null
mine=$(job twelve ten)
rc XREADGROUP GROUP assayd me COUNT 1 STREAMS "$key:jobs" '>' >/dev/null
rc XDEL "$key:jobs" "$lost" "$mine" >/dev/null
start
said_lost() { rc XRANGE "$key:events" - + | tr '\n' ' ' | grep -q "event lost entry $1"; }
until_true 60 said_lost "$mine"
ok $? "a job that the stream dropped from our backlog is reported as lost"
until_true 60 said_lost "$lost"
ok $? "and one that a dead consumer had"
like "$(rc XRANGE "$key:dead" - + | tr '\n' ' ')" "the stream dropped the job" "both are dead letters"

# --- a long audit keeps its job: nobody takes it over
dataset long
cp "$tmp/worker" "$tmp/plain_worker"
{ # one that gets on and on, as long as it is held
	echo '#!/bin/sh'
	echo 'n=1'
	echo "while [ -e $tmp/hold ]; do"
	echo '	echo "{\"type\":\"progress\",\"phase\":\"reading\",\"files_done\":0,\"files_total\":1,\"bytes_done\":$n,\"bytes_total\":1000000,\"records\":$n,\"findings\":0}"'
	echo "	n=\$((n + 1)); echo \$\$ >$tmp/worker.pid; sleep 0.1"
	echo 'done'
	echo "exec $ASSAY_WORKER"
} >"$tmp/worker"
hold
entry=$(job long long)
until_true 30 held
beats() { [ "$(rc XPENDING "$key:jobs" assayd - + 10 | sed -n 3p)" -lt 900 ]; }
old_enough() { [ "$(($(rc TIME | head -n 1) * 1000))" -gt "$((${entry%-*} + 3000))" ]; }
until_true 30 old_enough
until_true 10 beats
ok $? "the job of a long audit is never idle for long"
is "$(rc XPENDING "$key:jobs" assayd - + 10 | sed -n 4p)" 1 "and counts as delivered once"
says_how_far() {
	rc XREVRANGE "$key:events" + - | tr '\n' ' ' |
		grep -Eq "event progress entry $entry job_id long run_id [0-9]+ time [0-9]+ files_total 1 bytes_done [0-9]+ bytes_total 1000000 records "
}
until_true 30 says_how_far
ok $? "events tell how far it is"
is "$(job_state long state)" running "and the job's state that it runs"
let_go
until_true 30 has_state long done
is "$(results long)" 1 "it is answered once"
stop
is "$status" 0 "the daemon ends well"
done_testing
