#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay queue`: send, look, wait, send again; over a Unix socket, TCP with a user of few rights, and TLS.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
. "$(dirname "$0")/redis_lib.sh"

free_port() { # one that nobody listens on now
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# --- without a server, and with wrong words
export ASSAY_REDIS="unix://$sock"
run "$ASSAY" queue status
is "$status" 6 "no server: exit code 6"
like "$err" "cannot connect to Redis at .*redis.sock" "and the reason"
run "$ASSAY" queue status --url nonsense
is "$status" 2 "a bad URL is wrong usage"
run "$ASSAY" queue submit "$tmp/nowhere/../x" --job-id "a b"
is "$status" 2 "a bad id is wrong usage"
run "$ASSAY" queue replay
is "$status" 2 "replay wants to know what"

# --- certificates: an authority, a server, a client, and a stranger
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/ca.key" -out "$tmp/ca.pem" \
	-subj /CN=ca -days 2 2>/dev/null
certificate() { # certificate NAME ALTERNATIVE
	printf 'subjectAltName=%s\n' "$2" >"$tmp/$1.ext"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.csr" \
		-subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days 2 \
		-extfile "$tmp/$1.ext" -out "$tmp/$1.pem" 2>/dev/null
}
certificate server IP:127.0.0.1
certificate client DNS:client
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/x.key" -out "$tmp/stranger.pem" \
	-subj /CN=stranger -days 2 2>/dev/null
port=$(free_port)
tls_port=$(free_port)
start_redis --bind 127.0.0.1 --port "$port" --tls-port "$tls_port" --tls-cert-file "$tmp/server.pem" \
	--tls-key-file "$tmp/server.key" --tls-ca-cert-file "$tmp/ca.pem" --tls-auth-clients yes
if ! rc INFO server | grep -q "tcp_port:$port"; then
	skip_all "the port was taken meanwhile"
fi

# --- send and wait
dataset good
dataset bad "card 4111111111111111 and 身份证110101199003074514"
run "$ASSAY" queue status --json
is "$out" '{"waiting":0,"pending":0,"consumers":0,"results":0,"dead":0}' "an empty queue"
run "$ASSAY" queue submit "$tmp/data/good" "$tmp/data/bad"
is "$status$(printf '%s\n' "$out" | grep -cE '^[0-9A-HJKMNP-TV-Z]{26}$')" 02 "two jobs, two ids"
run "$ASSAY" queue status
like "$out" "^waiting: 2$" "both wait"
run "$ASSAY" queue drain --timeout 200ms
is "$status" 3 "nobody drains the queue yet"
like "$err" "2 jobs wait" "which is said"

printf 's3cret\n' >"$tmp/password"
rc ACL SETUSER worker on '>s3cret' "~$key:*" +@stream +@hash +@string +@transaction +@connection +role +del +expire >/dev/null
url="redis://worker@127.0.0.1:$port"
queue_config "password_file: $tmp/password"
start
run "$ASSAY" queue drain --timeout 60s
is "$status" 0 "a daemon over TCP, as a user of few rights, drains it"
until_true 10 nothing_pending
run "$ASSAY" queue submit "$tmp/data/good" --wait --timeout 60s
is "$status" 0 "waiting for a PASS"
like "$out" "PASS" "says so"
run "$ASSAY" queue submit "$tmp/data/bad" --job-id mine --wait --timeout 60s
is "$status" 1 "waiting for a FAIL"
run "$ASSAY" queue submit nowhere --wait --timeout 60s
is "$status" 2 "a path that is nowhere"
mkdir "$tmp/other"
run "$ASSAY" queue submit "$tmp/other" --job-id outside --wait --timeout 60s
is "$status" 3 "a path outside the roots is no verdict"
like "$out" "ERROR.*outside the allowed roots" "with the reason"

# --- dead letters
run "$ASSAY" queue replay --list
like "$out" "dead:.*outside the allowed roots" "the dead letter is listed"
letter=${out%% *}
run "$ASSAY" queue replay "$letter"
is "$status" 0 "it can be sent again"
again() { [ "$(rc XLEN "$key:dead")" = 1 ] && [ "$("$ASSAY" queue replay --list | cut -d' ' -f1)" != "$letter" ]; }
until_true 30 again
ok $? "and is refused again"
run "$ASSAY" queue replay "$letter"
is "$status" 2 "the old one is gone"
stop
rc ACL SETUSER worker -xack >/dev/null
start
job stuck good >/dev/null
until_true 30 problem_like "does not permit"
ok $? "a right that is missing is a problem in status"
rc ACL SETUSER worker +xack >/dev/null
until_true 30 nothing_pending
stop
printf 'wrong\n' >"$tmp/password"
start
until_true 30 problem_like "refuses this user or password"
ok $? "a wrong password is a problem in status"
unlike "$(cat "$tmp/log")" "s3cret|wrong$" "no password is in the log"
stop
run "$ASSAY" queue status --url "redis://worker@127.0.0.1:$port" --password-file "$tmp/password"
is "$status" 6 "and refused on the command line"

# --- TLS
url="rediss://127.0.0.1:$tls_port"
queue_config "ca_file: $tmp/ca.pem" "cert_file: $tmp/client.pem" "key_file: $tmp/client.key"
start
job secret good >/dev/null
until_true 60 has_state secret done
is "$(job_state secret verdict)" PASS "a daemon over TLS"
stop
with="--cert-file $tmp/client.pem --key-file $tmp/client.key"
# shellcheck disable=SC2086
run "$ASSAY" queue status --url "$url" --ca-file "$tmp/ca.pem" $with
is "$status" 0 "the command line over TLS"
# shellcheck disable=SC2086
run "$ASSAY" queue status --url "$url" --ca-file "$tmp/stranger.pem" $with
is "$status" 6 "an authority that did not sign the server is refused"
like "$err" "certificate of 127.0.0.1 is refused" "with the reason"
# shellcheck disable=SC2086
run "$ASSAY" queue status --url "rediss://localhost:$tls_port" --ca-file "$tmp/ca.pem" $with
is "$status" 6 "a certificate for another host is refused"
run "$ASSAY" queue status --url "$url" --ca-file "$tmp/ca.pem"
is "$status" 6 "a server that asks for a certificate refuses who has none"
run "$ASSAY" queue status --url "rediss://127.0.0.1:$port" --ca-file "$tmp/ca.pem"
is "$status" 6 "TLS to a server that speaks none fails"
done_testing
