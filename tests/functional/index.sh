#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay index`: what was delivered before is found again and named; damage, other parameters and half readable
# deliveries are refused; no text is kept.
. "$(dirname "$0")/lib.sh"
index=$tmp/index
mkdir -p "$tmp/june/part" "$tmp/july"
awk 'BEGIN { srand(5); for (r = 0; r < 400; r++) { s = "";
	for (w = 0; w < 60; w++) s = s sprintf("w%d ", int(rand() * 5000)); print "{\"text\":\"" s "\"}" } }' >"$tmp/all"
head -n 200 "$tmp/all" >"$tmp/june/a.jsonl"
sed -n '201,300p' "$tmp/all" >"$tmp/june/part/b.jsonl"
canary=zebracanary4711
echo "{\"text\":\"$canary one two three four five six seven eight nine ten\"}" >>"$tmp/june/a.jsonl"
{
	sed -n '301,400p' "$tmp/all"             # 0..99: new
	sed -n '1,10p' "$tmp/all"                # 100..109: the same bytes
	sed -n '11,20p' "$tmp/all" | tr w W      # 110..119: the same text
	sed -n '201,210p' "$tmp/all" | sed 's/\(\(w[0-9]* \)\{30\}\)/\1changed /' # 120..129: one word more
} >"$tmp/july/new.jsonl"

run "$ASSAY" index list --index "$index"
is "$status" 0 "an index that is not there yet is empty"
run "$ASSAY" index check --index "$index" "$tmp/july"
is "$status" 2 "and there is nothing to check against"
like "$err" "nothing to check against" "it says so"

run "$ASSAY" index merge --index "$index"
is "$status" 2 "nor to merge"
like "$err" "there is no index in .*/index: 'assay index add --index .*/index PATH' begins one" "and what begins one"
is "$(ls -d "$index" 2>&1 | grep -c cannot)" 1 "which merging does not"
run "$ASSAY" index add --index "$index" - --no-progress
is "$status" 2 "standard input has no name"
run "$ASSAY" index add --index "$index" "$tmp/june" --threshold 700
is "$status" 2 "a threshold is a share"
like "$err" "from 0.5 to 1, not '700'" "which is said"
run "$ASSAY" index bla
like "$err" "no command 'index bla'. There is:" "a verb that does not exist is named"

run "$ASSAY" index add --index "$index" "$tmp/june"
is "$status" 0 "a delivery is added"
run "$ASSAY" index list --index "$index" --json
is "$(jq -r '[.name, .records, .files] | map(tostring) | join(" ")' "$tmp/out")" "june 301 2" "and listed"
is "$(jq -r .manifest_sha256 "$tmp/out")" \
	"$("$ASSAY" scan "$tmp/june" --policy observe --quiet --format jsonl | tail -n 1 | jq -r .dataset.manifest_sha256)" \
	"with its identity"
run "$ASSAY" index list --index "$index"
is "$(echo "$out" | cut -c 1-34)" "delivery        records      files
june                301          2" "for people, under a heading"
ok "$(! grep -raq -e "$canary" -e w1234 "$index"; echo $?)" "none of its text is kept"

run "$ASSAY" index check --index "$index" "$tmp/july" --format jsonl --quiet
is "$status" 1 "a delivery with old records fails the check"
cp "$tmp/out" "$tmp/found"
is "$(grep -c '"rule":"duplicates.delivered"' "$tmp/out")" 30 "all thirty are found, and no other"
is "$(jq -r 'select(.rule == "duplicates.delivered" and .record == 103) | .detail' "$tmp/out")" \
	"same bytes as record 3 of a.jsonl in delivery june" "identical: delivery, file, record"
is "$(jq -r 'select(.rule == "duplicates.delivered" and .record == 112) | .detail' "$tmp/out")" \
	"same text as record 12 of a.jsonl in delivery june" "the same text"
like "$(jq -r 'select(.rule == "duplicates.delivered" and .record == 125) | .detail' "$tmp/out")" \
	"^near-duplicate of record 5 of part/b.jsonl in delivery june; similarity (8[5-9]|9[0-9]).* of 1000$" "near-duplicates, with the similarity"
is "$(tail -n 1 "$tmp/out" | jq -r '.metrics | [."duplicates.delivered_identical", ."duplicates.delivered_normalised",
	."duplicates.delivered_near"] | map(tostring) | join(" ")')" "10 10 10" "metrics by kind"
for jobs in 1 7; do
	"$ASSAY" index check --index "$index" "$tmp/july" --format jsonl --quiet --jobs $jobs >"$tmp/again"
	is "$(grep -v fingerprint "$tmp/again")$(jq -r '.detail // empty' "$tmp/again")" \
		"$(grep -v fingerprint "$tmp/found")$(jq -r '.detail // empty' "$tmp/found")" "the same with $jobs thread(s)"
done
"$ASSAY" index add --index "$tmp/one" --jobs 1 "$tmp/june" --quiet
ok "$(cmp -s "$tmp/one/run-000001.keys" "$index/run-000001.keys"; echo $?)" "the keys are the same for any number of threads"

# --- several deliveries
run "$ASSAY" index add --index "$index" "$tmp/june"
is "$status" 2 "a name is given once"
like "$err" "already.*--name" "and the message says what to do"
run "$ASSAY" index add --index "$index" --name other "$tmp/july" --threshold 0.7
is "$status" 2 "a delivery that could not be compared with those before it is not added"
like "$err" "another near_threshold" "by the parameter's name"
"$ASSAY" index add --index "$index" --name july-1 "$tmp/july" --quiet
run "$ASSAY" index check --index "$index" "$tmp/july" --format jsonl --quiet
is "$(tail -n 1 "$tmp/out" | jq -r '.metrics."duplicates.delivered_identical"')" 130 "every delivery is looked at"
"$ASSAY" index check --index "$index" "$tmp/july" --quiet >/dev/full 2>"$tmp/err"
is "$?" 3 "findings that could not be printed are no success"
like "$(cat "$tmp/err")" "cannot write" "and it is said what failed"
run "$ASSAY" index drop --index "$index" july-1
is "$status" 0 "a delivery is dropped"
run "$ASSAY" index drop --index "$index" july-1
is "$status" 2 "but once"
is "$(ls "$index" | tr '\n' ' ')" "index.json lock readers run-000001.keys " "nothing of it is left"
run "$ASSAY" index drop --index "$index" june nothing
is "$status" 2 "of several, none is dropped when one is not there"
is "$("$ASSAY" index list --index "$index" --json | jq -r .name)" june "so the other stays"
sed -n '301,400p' "$tmp/all" >"$tmp/fresh.jsonl"
run "$ASSAY" index check --index "$index" "$tmp/fresh.jsonl" --quiet
is "$status" 0 "a delivery of new records passes"

# --- what must not be believed
run "$ASSAY" index check --index "$index" "$tmp/july" --threshold 0.7
is "$status" 2 "an index made with another threshold is refused"
like "$err" "near_threshold \(800, and now 700\)" "by the parameter's name, with both values"
run "$ASSAY" scan "$tmp/fresh.jsonl" --quiet --set duplicates.near=true --set duplicates.answers=true --set "duplicates.index=$index/run-000001.keys"
is "$status" 0 "whether answers are looked for is all one to an index"
mkdir "$tmp/broken" && printf '{"a":1}\n{"a":\n' >"$tmp/broken/x.jsonl"
run "$ASSAY" index add --index "$index" "$tmp/broken"
is "$status" 3 "a delivery that cannot be read as a whole is not added"
is "$(ls "$index" | tr '\n' ' ')" "index.json lock readers run-000001.keys " "and leaves nothing behind"
keys=$index/run-000001.keys
cp "$keys" "$tmp/keys"
size=$(wc -c <"$keys")
run "$ASSAY" index list --index "$index" --verify
is "$status" 0 "all of it can be read and checked"
like "$err" "matches its checksums" "and it is said"
for at in 9 300 $((size - 3)); do
	cp "$tmp/keys" "$keys"
	printf '\245' | dd of="$keys" bs=1 seek="$at" conv=notrunc 2>/dev/null
	run "$ASSAY" index check --index "$index" "$tmp/fresh.jsonl"
	is "$status" 3 "a byte changed at $at, of what every check reads, is noticed"
done
hurt() { # hurt AT: a byte of the run is another one
	cp "$tmp/keys" "$keys"
	printf '\245' | dd of="$keys" bs=1 seek="$1" conv=notrunc 2>/dev/null
	named="run-000001.keys: block $((($1 - 4096) / 16384)) does not match its checksum"
	run "$ASSAY" index list --index "$index" --verify
	is "$status" 3 "a byte changed at $1 is noticed when all is read"
	like "$err" "$named" "by file and block"
}
for at in 5000 40000; do # of the keys of records, of the keys of bands
	hurt $at
	run "$ASSAY" index check --index "$index" "$tmp/july"
	is "$status" 3 "and by a check that needs it"
	like "$err" "$named" "by file and block"
	for jobs in 1 7; do
		"$ASSAY" index check --index "$index" "$tmp/july" --format jsonl --quiet --jobs $jobs 2>/dev/null |
			jq -c 'del(.fingerprint)' >"$tmp/hurt.$jobs"
	done
	ok "$(cmp -s "$tmp/hurt.1" "$tmp/hurt.7"; echo $?)" "what is said then is the same for any number of threads"
done
hurt $((size / 2)) # of the sets
run "$ASSAY" index check --index "$index" "$tmp/june" --quiet
is "$status" 1 "a check that does not need it is not stopped by it"
is "$("$ASSAY" index check --index "$index" "$tmp/june" --format jsonl --quiet | tail -n 1 | jq -r '.complete, .metrics."duplicates.delivered_identical"' | tr '\n' ' ')" \
	"true 301 " "and says what it always says"
head -c $((size - 8)) "$tmp/keys" >"$keys"
run "$ASSAY" index check --index "$index" "$tmp/july"
is "$status" 3 "a short file is noticed"
like "$err" "make it again" "with what to do"
cp "$tmp/keys" "$keys"
cp "$index/index.json" "$tmp/list"
echo '{"version":2,"runs":[{}]}' >"$index/index.json"
run "$ASSAY" index check --index "$index" "$tmp/july"
is "$status" 3 "a damaged list is noticed"
like "$err" "index.json is damaged" "by its name"
mkdir "$tmp/damaged"
corpus=$ASSAY_SRCDIR/tests/fuzz/corpus/index_list
for list in elsewhere part twice known ahead last version; do
	cp "$corpus/$list" "$tmp/damaged/index.json"
	run "$ASSAY" index list --index "$tmp/damaged"
	is "$status" 3 "a list is not believed: $list"
done
for list in empty two; do
	cp "$corpus/$list" "$tmp/damaged/index.json"
	run "$ASSAY" index list --index "$tmp/damaged"
	is "$status" 0 "a list is: $list"
done
sed 's/"name":"june"/"name":"june"},{"name":"may"/' "$tmp/list" >"$index/index.json"
run "$ASSAY" index check --index "$index" "$tmp/july"
is "$status" 3 "a list that names another delivery than its run holds is noticed"
cp "$tmp/list" "$index/index.json"

# --- runs that are merged
many=$tmp/many
answers() { # answers DIR: of a check, but for fingerprints, which are keyed anew each time
	"$ASSAY" index check --index "$1" "$tmp/july" --format jsonl --quiet |
		jq -c 'del(.fingerprint) | if .type == "summary" then .metrics else . end' | sort
}
for n in 1 2 3 4 5 6 7 8; do
	mkdir "$tmp/d$n"
	awk -v n=$n 'NR % 8 == n % 8 || NR == 205' "$tmp/all" >"$tmp/d$n/x.jsonl"
	"$ASSAY" index add --index "$many" "$tmp/d$n" --quiet
done
is "$(ls "$many" | grep -c keys)" 8 "so many runs stay apart"
answers "$many" >"$tmp/apart"
like "$(cat "$tmp/apart")" "in delivery d1" "and are searched"
run "$ASSAY" index merge --index "$many"
is "$status $(ls "$many" | grep -c keys)" "0 1" "they are merged into one"
answers "$many" >"$tmp/merged"
ok "$(cmp -s "$tmp/apart" "$tmp/merged"; echo $?)" "which answers the same"
run "$ASSAY" index merge --index "$many"
is "$status" 0 "once more is nothing"
other=$tmp/other
for n in 5 3 8 1 4 7 2 6; do
	"$ASSAY" index add --index "$other" "$tmp/d$n" --quiet
done
"$ASSAY" index merge --index "$other" --quiet
ok "$(cmp -s "$other"/*.keys "$many"/*.keys; echo $?)" "in any order, byte by byte"
run "$ASSAY" index drop --index "$many" d3 d7
is "$status $("$ASSAY" index list --index "$many" --json | jq -r .name | tr '\n' ' ')" "0 d1 d2 d4 d5 d6 d8 " \
	"deliveries are dropped from a merged run"
answers "$many" >"$tmp/dropped"
ok "$(grep -q 'delivery d[37]' "$tmp/dropped"; echo $((1 - $?)))" "and are no longer found"
"$ASSAY" index add --index "$many" "$tmp/d7" --quiet
"$ASSAY" index add --index "$many" "$tmp/d3" --quiet
answers "$many" >"$tmp/again"
ok "$(cmp -s "$tmp/apart" "$tmp/again"; echo $?)" "added again, everything is as before"
run "$ASSAY" index drop --index "$many" d1 d2 d3 d4 d5 d6 d7 d8
is "$status $(ls "$many" | grep -c keys)" "0 0" "all of them can go"
for n in 1 2 3 4 5 6 7 8; do
	"$ASSAY" index add --index "$many" "$tmp/d$n" --quiet
done
"$ASSAY" index add --index "$many" --name ninth "$tmp/july" --quiet
ok "$(test "$(ls "$many" | grep -c keys)" -lt 9; echo $?)" "past eight runs the smallest are merged by themselves"
is "$("$ASSAY" index list --index "$many" --json | wc -l)" 9 "and all deliveries are there"
done_testing
