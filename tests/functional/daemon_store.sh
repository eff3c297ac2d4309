#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disks that fill up and stores that cannot be used: a sentence, no damage, and nothing that was accepted is lost.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

# Small file systems of one's own need a mount namespace: all of this runs in one, where that is allowed.
if [ -z "${ASSAY_NAMESPACE:-}" ]; then
	for unshare in "unshare -m" "unshare -rm" "unshare -m --propagation unchanged"; do
		if $unshare sh -c 'mount -t tmpfs -o size=64k assay "$0" && umount "$0"' "$tmp/in" 2>/dev/null; then
			rm -rf "$tmp"
			ASSAY_NAMESPACE=$unshare exec $unshare "$0"
		fi
	done
	skip_all "no file system can be mounted here"
fi
mkdir "$tmp/state" "$tmp/reports"
mount -t tmpfs -o size=16m assay "$tmp/state"
mount -t tmpfs -o size=4m assay "$tmp/reports"
trap 'umount -l "$tmp/state" "$tmp/reports"; finish_tests' EXIT
fill() { # fill DIR: not a page is left
	dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null
	is "$(df --output=avail "$1" | tail -n 1 | tr -d ' ')" 0 "$(basename "$1"): the disk is full"
}
logged() {
	grep -q "$1" "$tmp/log"
}
configure "retries: 0" "reports: {dir: $tmp/reports}"
start

# --- a delivery while the store has no room
fill "$tmp/state"
deliver one
until_true 30 logged "cannot queue .*disk is full (make room on the file system of state_dir)"
ok $? "a delivery that cannot be recorded is a line in the log"
mkdir "$tmp/data"
printf '{"text":"fine"}\n' >"$tmp/data/a.jsonl"
run "$ASSAY" submit "$tmp/data"
is "$status" 3 "what is submitted is refused"
like "$err" "disk is full \(make room on the file system of state_dir\)" "with the reason and what to do"
run "$ASSAY" status
is "$status" 0 "the daemon answers all the same"
rm "$tmp/state/ballast"
run "$ASSAY" wait "$tmp/in/one" --timeout 60s --no-progress
is "$status" 0 "once there is room the delivery is audited, without being delivered again"

# --- a report is published, and the store has no room for its verdict
hold
deliver two
until_true 30 held
until_true 30 has "$tmp/in/two" .state running
fill "$tmp/state"
let_go
until_true 60 logged "cannot record the outcome; trying again.*disk is full"
ok $? "a verdict that cannot be recorded is kept"
id=$(field "$tmp/in/two" .id)
is "$(field "$id" .state)" running "and the run not done before it is"
rm "$tmp/state/ballast"
run "$ASSAY" wait "$tmp/in/two" --timeout 60s --no-progress
is "$status" 0 "once there is room it is"
is "$(field "$id" '.attempt, .report' | tr '\n' ' ')" "1 $tmp/reports/two-$id " "by the first attempt"
is "$(grep -c . "$tmp/starts")" 2 "which no other worker repeated"

# --- the daemon is killed meanwhile
hold
deliver three
until_true 30 held
until_true 30 has "$tmp/in/three" .state running
fill "$tmp/state"
let_go
until_true 60 test -e "$tmp/reports/three-$((id + 1))/statement.dsse.json"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
run "$ASSAYD" -c "$tmp/assayd.yaml"
is "$status" 3 "a daemon does not start on a full disk"
like "$err" "o space left|disk is full" "and says why"
rm "$tmp/state/ballast"
start
run "$ASSAY" wait "$tmp/in/three" --timeout 60s --no-progress
is "$status" 0 "once there is room it does"
is "$(field "$tmp/in/three" '.attempt, .report' | tr '\n' ' ')" "1 $tmp/reports/three-$((id + 1)) " "and has the report that was published"

# --- reports have no room: no attempt is spent on that
fill "$tmp/reports"
deliver four
until_true 60 logged "will be tried again.*No space left"
ok $? "an audit without room for its report waits"
says_why() { field "$tmp/in/four" .reason | grep -q "No space left"; }
until_true 60 says_why
ok $? "and says what for"
sleep_enough() { [ "$(grep -c "will be tried again.*No space left" "$tmp/log")" -ge 3 ]; }
until_true 60 sleep_enough
ok $? "again and again, though no retry was granted"
rm "$tmp/reports/ballast"
run "$ASSAY" wait "$tmp/in/four" --timeout 60s --no-progress
is "$status" 0 "once there is room it passes"
find "$tmp/reports" -mindepth 2 -maxdepth 2 -name statement.dsse.json | while read -r report; do
	"$ASSAY" verify "$report" --no-data --key "$tmp/state/keys/signing.pem.pub" >/dev/null || echo "$report"
done >"$tmp/broken"
is "$(cat "$tmp/broken")" "" "every report verifies"

# --- a file system that is read-only
stop
mount -o remount,ro "$tmp/state"
run "$ASSAYD" -c "$tmp/assayd.yaml"
is "$status" 3 "a daemon does not start on a read-only file system"
like "$err" "$tmp/state/[a-z.]*: Read-only file system" "and says why"
mount -o remount,rw "$tmp/state"

# --- a store file that is damaged
cp "$tmp/state/assay.db" "$tmp/whole.db"
dd if=/dev/urandom of="$tmp/state/assay.db" bs=4096 seek=3 count=2 conv=notrunc 2>/dev/null
before=$(sha256sum <"$tmp/state/assay.db")
run "$ASSAYD" -c "$tmp/assayd.yaml"
is "$status" 3 "a daemon does not start on a damaged store"
like "$err" "assay.db is damaged \(restore it, or move it away to begin anew\)" "and says what to do"
is "$(sha256sum <"$tmp/state/assay.db")" "$before" "and leaves it alone"
cp "$tmp/whole.db" "$tmp/state/assay.db"
start
is "$(field "$tmp/in/two" .verdict)" PASS "restored, it knows its verdicts"
stop

# --- a store file that this user may not write
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$ASSAYD" 2>/dev/null; then
	chown -R 65534:65534 "$tmp/state" "$tmp/reports" "$tmp/in"
	chmod 755 "$tmp"
	chmod 444 "$tmp/state/assay.db"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$ASSAYD" -c "$tmp/assayd.yaml"
	is "$status" 3 "a daemon does not start on a store it may not write"
	like "$err" "assay.db cannot be written: it and its directory must belong to the user of assayd" "and says what to do"
fi
done_testing
