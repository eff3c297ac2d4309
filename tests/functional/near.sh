#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Near-duplicates from the outside: planted pairs are found and no others, by any number of threads and in little memory,
# in compressed files and on standard input; nothing of a text is said; options are refused clearly.
. "$(dirname "$0")/lib.sh"

# 6,000 records of 60 words each in 4 files. Every tenth is a copy of the one before it with one word replaced (Jaccard
# at least 51/61), four words added at the end (56/60), or every word in capitals and commas between (1: the tier
# "normalised" finds those). The truth goes to $tmp/truth: FILE:RECORD of both.
mkdir "$tmp/data"
awk -v dir="$tmp/data" -v truth="$tmp/truth" 'BEGIN {
	srand(11)
	for (i = 0; i < 6000; i++) {
		copy = i % 10 == 9
		how = int(i / 10) % 3
		if (!copy) for (k = 0; k < 60; k++) w[k] = "w" int(rand() * 9000)
		if (copy && how == 0) w[10 + i % 40] = "replaced"
		text = ""
		for (k = 0; k < 60; k++) text = text (k ? (copy && how == 2 ? ", " : " ") : "") w[k]
		if (copy && how == 1) text = text " and some more words"
		if (copy && how == 2) text = toupper(text)
		f = i % 4
		place[i] = "part" f ".jsonl:" n[f]++
		printf "{\"id\":%d,\"text\":\"%s\"}\n", i, text > (dir "/part" f ".jsonl")
		if (copy) print place[i - 1], place[i] > truth
	}
}'

near() { # near OPTION...: scans; pairs that were found go to $tmp/found
	run "$ASSAY" scan --set duplicates.near=true --format jsonl --quiet "$@"
	jq -r 'select(.rule == "duplicates.near" or .rule == "duplicates.normalised") | [.members[] | "\(.file):\(.record)"] | sort | join(" ")' \
		"$tmp/out" | sort >"$tmp/found"
}
awk '{ if ($1 > $2) print $2, $1; else print $1, $2 }' "$tmp/truth" | sort >"$tmp/want"

near "$tmp/data" --jobs 2
is "$status" 0 "near-duplicates alone do not fail the default policy"
is "$(wc -l <"$tmp/want")" 600 "600 pairs are planted"
is "$(comm -23 "$tmp/want" "$tmp/found" | wc -l)" 0 "every planted pair is found"
is "$(comm -13 "$tmp/want" "$tmp/found" | wc -l)" 0 "and no other"
is "$(jq -r 'select(.type == "summary") | .metrics | [."duplicates.near_groups", ."duplicates.normalised_groups", ."duplicates.near_unverified"] | map(tostring) | join(" ")' "$tmp/out")" \
	"400 200 0" "metrics count them by tier"
like "$(jq -r 'select(.rule == "duplicates.near") | .detail' "$tmp/out" | sort | uniq -c | sort -rn | head -n 1)" \
	'2 near-duplicates in 2 file\(s\), shingles of 5 token\(s\), similarity to the first: least 9[0-9][0-9], median 9[0-9][0-9] of 1000' \
	"a finding says how alike they are"
cp "$tmp/out" "$tmp/two"
unlike "$(cat "$tmp/out")" 'w[0-9][0-9][0-9]|replaced|REPLACED' "no word of a text is said"

for how in "--jobs 1" "--jobs 7" "--jobs 3 --set duplicates.memory=1MiB"; do
	near "$tmp/data" $how
	if cmp -s "$tmp/out" "$tmp/two"; then ok 0 "the same lines with $how"; else
		ok 1 "the same lines with $how"
		diag "$(diff "$tmp/two" "$tmp/out" | head -n 4)"
	fi
done

mkdir "$tmp/other" # files made in another order, and compressed
for f in 3 1 0 2; do gzip -c "$tmp/data/part$f.jsonl" >"$tmp/other/part$f.jsonl.gz"; done
near "$tmp/other"
sed -i 's/\.gz:/:/g' "$tmp/found"
is "$(sort "$tmp/found" | comm -3 - "$tmp/want" | wc -l)" 0 "the same pairs in compressed files"

cat "$tmp/data/part0.jsonl" "$tmp/data/part1.jsonl" >"$tmp/joined"
near "$tmp/joined"
is "$("$ASSAY" scan - --set duplicates.near=true --format jsonl --quiet <"$tmp/joined" | jq -c 'select(.rule == "duplicates.near") | [.members[].record]' | sort)" \
	"$(jq -c 'select(.rule == "duplicates.near") | [.members[].record]' "$tmp/out" | sort)" "standard input is looked at twice as well"

run "$ASSAY" scan "$tmp/data" --format jsonl --quiet
unlike "$(cat "$tmp/out")" 'duplicates\.near_' "it is off unless asked for"

# --- chosen fields
printf '%s\n' '{"prompt":"what is the tallest mountain there is","note":"first"}' '{"prompt":"What is the tallest mountain there is?","note":"second"}' \
	>"$tmp/fields.jsonl"
run "$ASSAY" scan "$tmp/fields.jsonl" --set duplicates.fields=/prompt --format jsonl --quiet
is "$(jq -c 'select(.rule == "duplicates.normalised") | [.members[].record]' "$tmp/out")" "[0,1]" "records are compared by chosen fields"
run "$ASSAY" scan "$tmp/fields.jsonl" --format jsonl --quiet
unlike "$(cat "$tmp/out")" '"rule":"duplicates' "and by all strings otherwise"
run "$ASSAY" scan "$tmp/fields.jsonl" --set duplicates.fields=prompt --quiet
is "$status" 2 "a field that is no JSON Pointer is refused"
like "$err" "JSON Pointers" "and it says what to write"
run "$ASSAY" scan "$tmp/fields.jsonl" --set duplicates.near_threshold=100 --quiet
is "$status" 2 "a threshold that finds everything alike is refused"
done_testing
