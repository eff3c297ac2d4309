#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay index add`, `merge` and `drop`, ended by kill -9 at any moment: before or after, never in between; and the next
# one takes away what is left.
. "$(dirname "$0")/lib.sh"
index=$tmp/index
for n in 1 2 3 4; do
	mkdir "$tmp/d$n"
	awk -v n=$n 'BEGIN { srand(n); for (r = 0; r < 1500; r++) { s = "";
		for (w = 0; w < 40; w++) s = s sprintf("w%d ", int(rand() * 3000)); print "{\"text\":\"" s "\"}" } }' >"$tmp/d$n/x.jsonl"
done
cat "$tmp"/d?/x.jsonl | awk 'NR % 50 == 0' >"$tmp/new.jsonl"
"$ASSAY" index add --index "$index" "$tmp/d1" --quiet
"$ASSAY" index add --index "$index" "$tmp/d2" --quiet
"$ASSAY" index add --index "$index" "$tmp/d3" --quiet

names() {
	"$ASSAY" index list --index "$index" --json | jq -r .name | tr '\n' ' '
}
found() { # how many of the new records are said to be in each delivery; 999 when the check fails
	"$ASSAY" index check --index "$index" "$tmp/new.jsonl" --format jsonl --quiet >"$tmp/out"
	test $? -le 1 || echo broken
	jq -r 'select(.rule == "duplicates.delivered") | .detail | sub(".* in delivery "; "") | sub(";.*"; "")' "$tmp/out" |
		sort | uniq -c | tr -s ' \n' ' '
}
one=$(found)

# kill_during MICROSECONDS COMMAND...: starts it, ends it by SIGKILL after so long, if it is still there
kill_during() {
	delay=$1
	shift
	"$@" >/dev/null 2>&1 &
	pid=$!
	sleep "$(printf '0.%06d' "$delay")"
	if kill -9 $pid 2>/dev/null; then
		killed=$((killed + 1))
	fi
	wait $pid 2>/dev/null
}

killed=0 bad=0 rounds=0
for delay in 1000 8000 15000 25000 40000 60000 85000 120000 170000 250000; do
	rounds=$((rounds + 3))
	kill_during $delay "$ASSAY" index merge --index "$index"
	test "$(names)" = "d1 d2 d3 " && test "$(found)" = "$one" || { bad=$((bad + 1)); echo "# merge at $delay: $(names)/ $(found)"; }
	kill_during $delay "$ASSAY" index add --index "$index" "$tmp/d4"
	case $(names) in
	"d1 d2 d3 d4 ")
		kill_during $delay "$ASSAY" index drop --index "$index" d4 ;;
	"d1 d2 d3 ") ;;
	*) bad=$((bad + 1)) ;;
	esac
	case $(names) in
	"d1 d2 d3 d4 ") "$ASSAY" index drop --index "$index" d4 --quiet || bad=$((bad + 1)) ;;
	"d1 d2 d3 ") ;;
	*) bad=$((bad + 1)) ;;
	esac
	test "$(found)" = "$one" || { bad=$((bad + 1)); echo "# add and drop at $delay: $(found)"; }
	# two runs at least, for the next round
	"$ASSAY" index drop --index "$index" d1 --quiet && "$ASSAY" index add --index "$index" "$tmp/d1" --quiet || bad=$((bad + 1))
done
is "$bad" 0 "$rounds commands, ended at different moments: all or nothing, and the same answers"
ok "$(test $killed -ge 5; echo $?)" "$killed of them were ended in the middle"
"$ASSAY" index merge --index "$index" --quiet
listed=$(jq -r '.runs[].file' "$index/index.json")
is "$(ls "$index" | tr '\n' ' ')" "index.json lock readers $listed " "the next one leaves no rest of them"

# --- a reader keeps what it began with
"$ASSAY" index add --index "$index" "$tmp/d4" --quiet
before=$(ls "$index" | grep -c keys)
exec 9<"$index/readers"
flock -s 9
"$ASSAY" index merge --index "$index" --quiet
is "$(ls "$index" | grep -c keys)" $((before + 1)) "while somebody reads, runs that were merged stay"
exec 9<&-
"$ASSAY" index drop --index "$index" d4 --quiet
is "$(ls "$index" | grep -c keys)" 1 "and go when nobody does"
is "$(found)" "$one" "with the same answers"
done_testing
