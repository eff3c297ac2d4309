#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Jobs from a Redis stream: judged once, answered once, refused with a reason; what is said of them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
. "$(dirname "$0")/redis_lib.sh"
start_redis
dataset good
dataset bad "card 4111111111111111 and 身份证110101199003074514"
job early good >/dev/null # before there is a group
queue_config
start

# --- one job
until_true 30 has_state early done
ok $? "a job that waited before the daemon ever started is judged"
is "$(job_state early verdict)" PASS "with its verdict"
until_true 10 nothing_pending
ok $? "and acknowledged"
is "$(results early)" 1 "one entry in the results"
digest=$(job_state early digest)
report=$(job_state early report)
is "$digest" "$(sha256sum "$report/MANIFEST.sha256" | cut -d' ' -f1)" "the digest is the manifest's"
rc GET "$key:verdict:$digest" >"$tmp/envelope"
is "$(jq -c . "$tmp/envelope")" "$(jq -c . "$report/statement.dsse.json")" "the verdict key is the signed envelope"
run "$ASSAY" verify "$tmp/envelope" --manifest "$report/MANIFEST.sha256" --dataset "$tmp/data/good" --key "$report/signer.pub"
is "$status" 0 "and verifies"
like "$(rc XRANGE "$key:events" - + | tr '\n' ' ')" "event queued.*event running.* run_id [0-9]+ .*event done" "events tell its way"

# --- the same again
job early good >/dev/null
job second good >/dev/null
until_true 30 has_state second done
ok $? "an unchanged dataset under another id is answered"
twice() { [ "$(results early)" = 2 ]; }
until_true 30 twice
ok $? "a repeated id is answered again"
is "$(job_state second run_id)" "$(job_state early run_id)" "by the earlier run"
is "$("$ASSAY" status --json | jq .done)" 1 "nothing was audited twice"

# --- a finding, another policy, an expected digest
job leaky bad policy default reply_to me >/dev/null
until_true 30 has_state leaky done
is "$(job_state leaky verdict)" FAIL "a dataset that the policy refuses is FAIL"
is "$(rc XLEN "$key:reply:me")" 1 "and said on the reply stream too"
unlike "$(rc XRANGE "$key:results" - +)$(rc XRANGE "$key:events" - +)" "4111111111111111|110101199003074514" "no raw value is in Redis"
job expected good digest "$digest" >/dev/null
until_true 30 has_state expected done
ok $? "the expected digest is accepted"
job other good digest "$(printf 'x' | sha256sum | cut -d' ' -f1)" >/dev/null
until_true 30 has_state other failed
is "$(job_state other verdict)" ERROR "another digest than expected is no verdict"

job strange good policy no-such-policy >/dev/null
until_true 30 has_state strange failed
is "$(job_state strange verdict)" INCOMPLETE "a policy that is not there is INCOMPLETE"

# --- refused, each with its reason
refused() { # refused ID REASON NAME
	until_true 30 has_state "$1" dead
	like "$(job_state "$1" reason)" "$2" "$3"
}
ln -s /etc "$tmp/data/way"
xadd() {
	rc XADD "$key:jobs" '*' "$@" >/dev/null
}
xadd v 1 job_id outside uri file:///etc
xadd v 1 job_id link uri "file://$tmp/data/way/ssl"
xadd v 1 job_id dots uri "file://$tmp/data/../data/good"
xadd v 1 job_id nouri
xadd v 2 job_id version uri "file://$tmp/data/good"
xadd v 1 job_id policy uri "file://$tmp/data/good" policy /etc/passwd
xadd v 1 job_id absent uri "file://$tmp/data/absent"
xadd v 1 job_id early uri "file://$tmp/data/bad"
xadd hello world
refused outside "outside the allowed roots" "a path outside the roots"
refused link "symbolic link" "a link on the way"
refused dots "uri must be" "a path with .. in it"
refused nouri "uri is missing" "no uri"
refused version "v must be 1" "an unknown version"
refused policy "policy must be" "a policy that is a path"
refused absent "No such file" "a dataset that is not there"
is "$(job_state early verdict)" PASS "an id that is used for another request keeps its verdict"
dead_letters() { [ "$(rc XLEN "$key:dead")" = "$1" ]; }
until_true 30 dead_letters 11
ok $? "every refused job is a dead letter"
like "$(rc XRANGE "$key:dead" - + | tr '\n' ' ')" "used before, for another request" "a reused id too"
until_true 10 nothing_pending
ok $? "and none is left pending"
big=$(head -c 1100000 /dev/zero | tr '\0' x)
printf '%s' "$big" | rc -x XADD "$key:jobs" '*' v 1 job_id huge uri >/dev/null
until_true 30 dead_letters 12
like "$(rc XREVRANGE "$key:dead" + - COUNT 1 | head -n 5 | cut -c1-100 | tr '\n' ' ')" "larger than 1 MiB" \
	"a job of more than 1 MiB is refused"

# --- a link put where a directory was, after the job was accepted: it is opened beneath the root each time
dataset deep/swap
mkdir -p "$tmp/elsewhere"
cp -r "$tmp/data/deep/swap" "$tmp/elsewhere"
hold
job swap deep/swap >/dev/null
until_true 30 held
mv "$tmp/data/deep" "$tmp/data/moved"
ln -s "$tmp/elsewhere" "$tmp/data/deep"
kill -KILL "$(cat "$tmp/worker.pid")"
until_true 30 has_state swap failed
like "$(job_state swap reason)" "symbolic link" "a link put in the path between two attempts is not followed"
is "$(job_state swap verdict)" INCOMPLETE "and what lies behind it is not judged"
let_go

# --- a worker that crashes: INCOMPLETE, and set aside
cp "$tmp/worker" "$tmp/good_worker"
printf '#!/bin/sh\nkill -SEGV $$\n' >"$tmp/worker"
dataset doomed
job doomed doomed >/dev/null
until_true 60 has_state doomed failed
is "$(job_state doomed verdict)" INCOMPLETE "an audit that always crashes is INCOMPLETE"
like "$(job_state doomed reason)" "signal 11" "with the reason"
cp "$tmp/good_worker" "$tmp/worker"
job doomed doomed >/dev/null
until_true 60 has_state doomed done
is "$(job_state doomed verdict)" PASS "sent again, it is audited again"

# --- lists of accepted groups hold for what a queue brings
words='the quick brown fox jumps over the lazy dog while seventeen grey geese watch from the far bank of the river and say nothing'
pair() { # pair NAME
	dataset "$1" "$words"
	printf '{"text":"%s again"}\n' "$words" >>"$tmp/data/$1/a.jsonl"
}
printf '%s\n' 'policy: gate' 'version: 1.0.0' 'title: {en: Gate, zh: 关卡}' 'fail:' \
	"  - {id: near, expr: metric(duplicates.near_ratio) == 0}" >"$tmp/gate.yaml"
pair pair1
group=$("$ASSAY" scan "$tmp/data/pair1" --scanner duplicates --set duplicates.near=true --set duplicates.group_digests=true --format jsonl --quiet |
	sed -n 's/.*; group \(near:[0-9a-f]*\).*/\1/p')
"$ASSAY" key new "$tmp/lee.pem" >/dev/null
"$ASSAY" suppress new --out "$tmp/accepted.json" --accept "$group" --owner 'A. Lee' --reason 'a licence' --key "$tmp/lee.pem" >/dev/null 2>&1
for lists in "" "suppressions: [$tmp/accepted.json]"; do
	queue_config "settings: [duplicates.near=true]" "policy: $tmp/gate.yaml" "$lists" "${lists:+suppressions_keys: [$tmp/lee.pem.pub]}"
	run "$ASSAY" reload
	is "$status" 0 "a source takes${lists:+ lists and} settings" || diag "$err"
	pair "pair${lists:+2}"
	job "pair${lists:+2}" "pair${lists:+2}" >/dev/null
	until_true 30 has_state "pair${lists:+2}" done
done
is "$(job_state pair verdict) $(job_state pair2 verdict)" "FAIL PASS" "what is accepted is set aside"
queue_config
"$ASSAY" reload >/dev/null 2>&1

# --- no more are taken than there are workers
hold
for n in 1 2 3 4 5 6; do
	dataset "many$n"
	job "many$n" "many$n" >/dev/null
done
until_true 30 held
both() { [ "$("$ASSAY" status --json | jq .running)" = 2 ]; }
until_true 30 both
is "$(pending)" 2 "two workers, two jobs taken"
let_go
for n in 1 2 3 4 5 6; do
	until_true 30 has_state "many$n" done
done
is "$(job_state many6 verdict)" PASS "the rest follows"
stop
is "$status" 0 "the daemon ends well"
unlike "$(cat "$tmp/log")" "4111111111111111|110101199003074514|ERROR: " "the log holds no value and no sanitizer report"
done_testing
