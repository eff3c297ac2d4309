# SPDX-License-Identifier: Apache-2.0
# lib.sh: TAP for shell tests. Source it first; end with `done_testing`.
#
#   ok STATUS NAME           passes when STATUS is 0
#   is GOT WANT NAME         compares two strings
#   like GOT REGEX NAME      extended regular expression
#   unlike GOT REGEX NAME
#   run COMMAND...           runs it; sets $status, $out (stdout), $err (stderr) and files $tmp/out, $tmp/err
#   until_true SECONDS COMMAND...   waits for a condition, bounded
#   copies_in DIR                  a small dataset with copies of every tier
#   skip_all REASON
#
# Each test has its own $tmp (removed at exit), HOME and XDG directories below it, and ASSAY set to the built program.
# Processes started with `spawn` are ended at exit, by pid.
set -u
: "${ASSAY_BUILDDIR:=$(pwd)}" "${ASSAY_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/assay-test.XXXXXX")
mkdir -p "$tmp/home" "$tmp/run"
export HOME="$tmp/home" XDG_CONFIG_HOME="$tmp/home/config" XDG_CACHE_HOME="$tmp/home/cache" \
	XDG_STATE_HOME="$tmp/home/state" XDG_RUNTIME_DIR="$tmp/run" LC_ALL=C.UTF-8 NO_COLOR=1
ASSAY=$ASSAY_BUILDDIR/assay
ASSAYD=$ASSAY_BUILDDIR/assayd
export ASSAY_WORKER="$ASSAY_BUILDDIR/assay-worker" ASSAY_SIGNER="$ASSAY_BUILDDIR/assay-signer"
tests_run=0
spawned=

finish_tests() {
	for pid in $spawned; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap finish_tests EXIT

diag() {
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

ok() {
	tests_run=$((tests_run + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests_run - $2"
	else
		echo "not ok $tests_run - $2"
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		diag "got:  $(printf %s "$1" | head -c 2000)"
		diag "want: $2"
	fi
}

like() {
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		ok 0 "$3"
	else
		ok 1 "$3"
		diag "got: $(printf %s "$1" | head -c 2000)"
		diag "want a match of: $2"
	fi
}

unlike() {
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		ok 1 "$3"
		diag "got: $(printf %s "$1" | head -c 2000)"
		diag "want no match of: $2"
	else
		ok 0 "$3"
	fi
}

run() {
	status=0
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	out=$(tr -d '\000' <"$tmp/out")
	err=$(tr -d '\000' <"$tmp/err")
}

until_true() {
	tries=$(($1 * 20))
	shift
	while [ "$tries" -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		tries=$((tries - 1))
		sleep 0.05
	done
	return 1
}

spawn() { # spawn COMMAND...: in the background; sets $pid
	"$@" &
	pid=$!
	spawned="$spawned $pid"
}

copies_in() { # copies_in DIR: a.jsonl and b.jsonl, with copies of every tier; sets $long, the text of two that are near
	long='The quick brown fox jumps over the lazy dog while seventeen grey geese watch from the far bank of the river and nobody says a word about the weather until the sun has gone down behind the old mill'
	{
		echo '{"t":"a first record that stands alone"}'
		echo '{"t":"this one comes three times"}'
		echo '{"t":"This one comes, three times"}'
		echo '{"t":"this one comes three times"}'
		echo "{\"t\":\"$long\"}"
	} >"$1/a.jsonl"
	{
		echo '{"t":"something else altogether, and long enough"}'
		echo '{"t":"this one comes three times"}'
		echo "{\"t\":\"$long again\"}"
	} >"$1/b.jsonl"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$tests_run"
}
