#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What splits have in common, from the outside: findings, metrics, policy terms, the same answer for any number of threads.
. "$(dirname "$0")/lib.sh"

metric() { # metric NAME: of the last run
	tail -n 1 "$tmp/out" | jq -c ".metrics[\"$1\"]"
}

mkdir -p "$tmp/set/web" "$tmp/set/code"
for i in 1 2 3 4 5 6 7 8; do
	echo "{\"text\":\"Training question number $i of the collection\"}"
done >"$tmp/set/web/train.jsonl"
{
	echo '{"text":"A test question nobody has seen before"}'
	echo '{"text":"training QUESTION number 3, of the collection!"}'
} >"$tmp/set/code/squad_test_v2.jsonl"

cat >"$tmp/strict.yaml" <<'YAML'
policy: strict
version: 1.0.0
title: {en: Splits are apart, zh: 数据划分互不重叠}
fail:
  - id: apart
    expr: metric(duplicates.leak.train_test) == 0
YAML
run "$ASSAY" scan "$tmp/set" --policy "$tmp/strict.yaml" --format jsonl --quiet
is "$status" 1 "a policy term over the leakage of splits fails"
is "$(metric duplicates.leak.train_test) $(metric duplicates.leak.normalised.train_test) $(metric duplicates.leak.record.train_test)" \
	"0.5 0.5 0" "records of the second split, by tier"
is "$(jq -r 'select(.rule == "duplicates.leakage") | [.severity, .detail, (.members | map("\(.file)#\(.record)") | join(" "))] | join("; ")' "$tmp/out")" \
	"high; tier normalised: 1 train, 1 test; code/squad_test_v2.jsonl#1 web/train.jsonl#2" "a finding names both sides"
is "$(metric duplicates.source.web)" "0.125" "redundancy by source"

run "$ASSAY" scan "$tmp/set" --policy "$tmp/strict.yaml" --format html --quiet
like "$(grep -o '<section id=across.*</section>' "$tmp/out" | sed 's/<section id=metrics.*//')" \
	'<bdi>test</bdi><td><bdi>train</bdi><td class=n>50%.*<bdi>web</bdi><td class=n>12.5%' "the page lays it out, pair by pair, and by source"
run "$ASSAY" scan "$tmp/set" --policy "$tmp/strict.yaml" --format table --quiet
like "$out" "  test          train                50%" "so does the table"

sed -i 2d "$tmp/set/code/squad_test_v2.jsonl"
run "$ASSAY" scan "$tmp/set" --policy "$tmp/strict.yaml" --format jsonl --quiet
is "$status $(metric duplicates.leak.train_test)" "0 0" "splits that are apart pass"

# --- by field, by map, refusals
{
	echo '{"id":1,"text":"The same words here and there","part":"train"}'
	echo '{"id":2,"text":"The same words here and there","part":"test"}'
} >"$tmp/one.jsonl"
run "$ASSAY" scan "$tmp/one.jsonl" --policy observe --format jsonl --quiet --set duplicates.split_field=/part
is "$(metric duplicates.split.train) $(metric duplicates.split.test)" "1 1" "a field names the split"
run "$ASSAY" scan "$tmp/set" --policy observe --format jsonl --quiet --set 'duplicates.split_map=a=web/*;b=code/*'
is "$(metric duplicates.leak.a_b) $(metric duplicates.leak.train_test)" "0 null" "a map names the splits"
run "$ASSAY" scan "$tmp/set" --quiet --set duplicates.split_map=web
is "$status" 2 "a map that is none is refused"
like "$err" "duplicates.split_map: 'web' is not LABEL=GLOB" "with what it should be"

# --- near-duplicates
mkdir "$tmp/near"
words="one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
echo "{\"text\":\"$words $words and a little more of it\"}" >"$tmp/near/train.jsonl"
echo "{\"text\":\"$words $words and a little more of that\"}" >"$tmp/near/test.jsonl"
run "$ASSAY" scan "$tmp/near" --policy observe --format jsonl --quiet --set duplicates.near=true
is "$(metric duplicates.leak.near.train_test) $(metric duplicates.leak.normalised.train_test) $(metric duplicates.leak.train_test)" "1 0 1" \
	"near-duplicates leak too"

# The copy that lies in the training split is not the first record of its text, which stands for it when texts are compared.
mkdir "$tmp/copies"
cp "$tmp/near/train.jsonl" "$tmp/copies/a-dev.jsonl"
sed 's/one two/ONE, two/' "$tmp/near/train.jsonl" >"$tmp/copies/train.jsonl"
cp "$tmp/near/test.jsonl" "$tmp/copies/test.jsonl"
run "$ASSAY" scan "$tmp/copies" --policy observe --format jsonl --quiet --set duplicates.near=true
is "$(metric duplicates.leak.near.train_test) $(metric duplicates.leak.near.validation_test) $(metric duplicates.leak.near.test_train)" "1 1 1" \
	"near-duplicates of a text leak from each of its copies"
is "$(jq -r 'select(.rule == "duplicates.leakage") | select(.detail | startswith("tier near")) | .detail' "$tmp/out")" \
	"tier near: 1 train, 1 validation, 1 test" "and the finding counts them"
mv "$tmp/copies/test.jsonl" "$tmp/copies/quiz.jsonl"
run "$ASSAY" scan "$tmp/copies" --policy observe --format jsonl --quiet --set duplicates.near=true \
	--set duplicates.benchmarks=quiz=quiz.jsonl --set duplicates.spans=off
is "$(metric duplicates.contamination.quiz)" "1" "an evaluation item is contaminated by a copy in the training split"

# --- the same answer
mkdir "$tmp/many"
for n in 1 2 3 4 5 6 7 8 9; do
	seq 1 4000 | awk -v n=$n '{ printf "{\"text\":\"Record %d of many, in some words\"}\n", $1 * n % 9973 }' >"$tmp/many/train-$n.jsonl"
	seq 1 400 | awk -v n=$n '{ printf "{\"text\":\"record %d of MANY in some words\"}\n", $1 * n % 9967 }' >"$tmp/many/test-$n.jsonl"
done
for jobs in 1 3; do
	"$ASSAY" scan "$tmp/many" --jobs $jobs --out "$tmp/r$jobs" --quiet >/dev/null 2>&1
done
like "$(cat "$tmp/r1/statement.json")" 'duplicates.leak.train_test' "leakage is in the statement"
ok "$(cmp -s "$tmp/r1/statement.json" "$tmp/r3/statement.json"; echo $?)" "byte-identical statement for 3 threads"
ok "$(cmp -s "$tmp/r1/findings.jsonl" "$tmp/r3/findings.jsonl"; echo $?)" "byte-identical findings for 3 threads"
done_testing
