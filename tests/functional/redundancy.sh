#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is too much, as ratios: one for every tier and pair of splits, which policies judge; and what findings say of splits.
. "$(dirname "$0")/lib.sh"
d=$tmp/set
mkdir -p "$d/web" "$d/books"
long='The quick brown fox jumps over the lazy dog while seventeen grey geese watch from the far bank of the river and nobody says a word about the weather until the sun has gone down behind the old mill'
part='a passage of more than thirteen words that stands in two records of this dataset and nowhere else at all'
{
	echo '{"t":"this one comes three times"}'
	echo '{"t":"This one comes, three times"}'
	echo '{"t":"this one comes three times"}'
	echo "{\"t\":\"$long\"}"
	echo "{\"t\":\"First of all some words, and then $part, which is the end of it\"}"
	echo '{"t":"a training record that stands alone"}'
} >"$d/web/train.jsonl"
{
	echo '{"t":"this one comes three times"}'
	echo "{\"t\":\"$long again\"}"
	echo "{\"t\":\"$part\"}"
	echo '{"t":"a test record that stands alone too"}'
} >"$d/books/test.jsonl"
cp "$d/web/train.jsonl" "$d/web/train-copy.jsonl"
printf 'Which of these passages is long enough to be found, and how would anybody know that it was there before?\n' >"$tmp/item"
sed 's/.*/{"q":"&"}/' "$tmp/item" >"$d/quiz.jsonl"
sed 's/.*/{"t":"Somebody asked: & Nobody knew."}/' "$tmp/item" >>"$d/web/train.jsonl"

look() { # look POLICY: sets $status; the summary is the last line
	run "$ASSAY" scan "$d" --policy "$1" --scanner duplicates --format jsonl --quiet --set duplicates.near=true --set duplicates.spans=all \
		--set duplicates.benchmarks=quiz=quiz.jsonl
}
policy() { # policy EXPRESSION...
	printf '%s\n' 'policy: p' 'version: 1.0.0' 'title: {en: P, zh: P}' 'fail:' >"$tmp/p.yaml"
	for term; do
		echo "  - {id: t$#, expr: '$term'}"
		shift
	done >>"$tmp/p.yaml"
}
look observe
ratio() {
	tail -n 1 "$tmp/seen" | jq -r --arg m "$1" '.metrics[$m]'
}
cp "$tmp/out" "$tmp/seen"
names="record_ratio normalised_ratio near_ratio span_ratio span_contained_ratio leak.train_test leak.record.train_test
	leak.normalised.train_test leak.near.train_test leak.span.train_test leak.test_train source.web contamination.quiz"
holds="" broken=""
for name in $names; do
	seen=$(ratio "duplicates.$name")
	like "$seen" '^(0\.[0-9]*[1-9]|1)$' "duplicates.$name is a share, and not nothing"
	holds="$holds metric(duplicates.$name)>=$seen"
	broken="$broken metric(duplicates.$name)==0"
done
# shellcheck disable=SC2086
policy $holds
look "$tmp/p.yaml"
is "$status" 0 "a policy with a term for each passes"
# shellcheck disable=SC2086
policy $broken 'metric(duplicates.leak.near.train_validation)==0'
look "$tmp/p.yaml"
is "$status" 1 "and fails where each has to be nothing"
is "$(tail -n 1 "$tmp/out" | jq -c '[.terms[].outcome] | unique')" '["broken","unknown"]' \
	"every one of them is broken; a pair of splits that is not there is unknown, not nothing"

# --- splits touched
detail() { # detail RULE
	jq -r --arg r "duplicates.$1" 'select(.rule == $r) | .detail' "$tmp/seen"
}
like "$(detail near)" 'similarity to the first: least [0-9]+, median [0-9]+ of 1000.*; splits: 2 train, 1 test$' "a cluster names the splits it touches, a copied file as well"
like "$(detail record | head -n 1)" '^[0-9]+ identical records in [0-9] file\(s\); splits: [0-9] train' "so do identical records"
like "$(detail normalised)" 'alike, [0-9]+ with their copies; splits: [0-9] train, 1 test$' "and records that are alike"
rm "$d/books/test.jsonl" "$d/quiz.jsonl"
run "$ASSAY" scan "$d" --policy observe --scanner duplicates --format jsonl --quiet
unlike "$out" "splits:" "where there are no splits, none are named"
done_testing
