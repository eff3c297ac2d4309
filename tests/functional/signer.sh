#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The signing key in a process of its own: killed while idle and with a report in hand, nothing is lost; a key that cannot be
# used stops the daemon with a sentence.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
signer() { # its pid: the daemon's child of that name
	for status in /proc/[0-9]*/status; do
		if grep -qs '^Name:.assay-signer' "$status" && grep -qs "^PPid:.$daemon\$" "$status"; then
			basename "$(dirname "$status")"
		fi
	done
}
another() { # another signer than $1 runs
	now=$(signer)
	[ -n "$now" ] && [ "$now" != "$1" ]
}
verified() { # the report of dataset $1 verifies under the key made at the start
	"$ASSAY" verify "$(field "$tmp/in/$1" .report)/statement.dsse.json" --dataset "$tmp/in/$1" --key "$tmp/state/keys/signing.pem.pub"
}

configure "retries: 0"
start
first=$(signer)
[ -n "$first" ]
ok $? "a signer runs"
deliver one
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "a delivery passes"
run verified one
is "$status" 0 "and its report verifies"

# --- killed while idle
kill -KILL "$first"
deliver two
run "$ASSAY" wait "$tmp/in/two" --timeout 60s --no-progress
is "$status" 0 "after the signer was killed, a delivery passes"
run verified two
is "$status" 0 "and verifies under the same key"
until_true 20 another "$first"
ok $? "another signer runs"

# --- killed with a report in hand: it is asked again, without another audit
second=$(signer)
kill -STOP "$second"
deliver three
until_true 20 test -e "$tmp/state/reports/.staging/run-3/report/run.json"
ok $? "a report waits for the signer"
kill -KILL "$second"
run "$ASSAY" wait "$tmp/in/three" --timeout 60s --no-progress
is "$status" 0 "killed with a report in hand, the run passes all the same"
is "$(field "$tmp/in/three" .attempt)" 1 "at the first attempt"
run verified three
is "$status" 0 "and verifies"

# --- the key is asked for at the start
stop
third=$(signer)
is "$third" "" "the signer ends with its daemon"
echo "no key" >"$tmp/state/keys/signing.pem"
run "$ASSAYD" -c "$tmp/assayd.yaml"
[ "$status" -ne 0 ]
ok $? "a daemon without a usable key does not start"
like "$err" "signing.pem" "and names the file"
run "$ASSAY_SIGNER"
is "$status" 2 "by hand, the signer only says who starts it"
done_testing
