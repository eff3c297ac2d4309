#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people see of groups of copies: which records, how alike, in which splits, and what to do. Every clause that a scanner
# says of a group is known to the reports; one that is not would be shown as it stands, in the column for the rest.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/set" "$tmp/set/train"
copies_in "$tmp/set/train"
sed 1,4d "$tmp/set/train/a.jsonl" >"$tmp/set/测试集.jsonl"
cp "$tmp/set/train/b.jsonl" "$tmp/set/train/c.jsonl"

scan() { # scan FORMAT OPTION...
	format=$1
	shift
	run "$ASSAY" scan "$tmp/set" --policy observe --quiet --set duplicates.near=true --set duplicates.spans=all \
		--set duplicates.span_words=9 --format "$format" "$@"
}

scan table
like "$out" '^  low +train/a.jsonl#4 +2 texts in 2 files$' "the table names the first of a cluster, and says how many there are"
like "$out" '^            train/b.jsonl#2 +alike: at least 9[0-9](.[0-9])?%, median 9[0-9](.[0-9])?%$' "how like the first the others are"
like "$out" '^ +splits: 3 train, 1 test$' "and in which splits"
like "$out" '^  assay dedup .*/set --emit drop --out drop.jsonl$' "and what to do"
like "$out" 'alike: [0-9.]+% of the item, longest match' "a passage is said in words"
unlike "$out" 'of 1000|file\(s\)|token\(s\)' "in words"
scan table --lang zh
like "$out" '相似程度：最低 9.*划分：|^ +train/b.jsonl#2 +相似程度：最低 9' "in Chinese, too"
unlike "$(echo "$out" | sed -n '/示例/,$p')" 'alike|similarity|identical|shingles|longest' "without a word of English about groups"

scan html
page=$(tr -d '\n' <"$tmp/out" | sed 's/<details/\n&/g' | grep '^<details.*class=soft>duplicates.near<')
like "$page" '<ol class=mem><li><code><bdi>train/a.jsonl</bdi>#4</code><li><code><bdi>train/b.jsonl</bdi>#2</code></ol>' "the page lists the members"
like "$page" '<td><span class=en>at least 9[^<]*, median 9[^<]*</span><span class=zh lang=zh-Hans>最低 9' "with how alike they are"
like "$page" '<td><span class=en>3 train, 1 test</span>' "and the splits"
like "$page" 'assay dedup DIR --tier near --emit drop' "and how to list what can go"

# Words of ours for all that the scanner says: the English clauses of findings.jsonl do not get through.
unlike "$(grep -o 'class=zh lang=zh-Hans>[^<]*' "$tmp/out" | grep -v '<b>')" \
	'identical|near-dup|similarity|shingles|longest|partner|item \(|compared|aside|kept' "every clause of a detail has its Chinese"

rm -rf "$tmp/set/train/c.jsonl"
run "$ASSAY" index add --index "$tmp/index" --name first "$tmp/set" --quiet
run "$ASSAY" index check --index "$tmp/index" "$tmp/set/train" --quiet
like "$out" '^  medium +a.jsonl#0 +alike: identical$' "of a record that was delivered before the table says how alike it is"
like "$out" '^ +delivery first: train/a.jsonl#0$' "and where it was"
echo "{\"t\":\"$long again and again\"}" >"$tmp/near.jsonl"
run "$ASSAY" index check --index "$tmp/index" "$tmp/near.jsonl" --quiet
like "$out" 'near.jsonl#0 +alike: 9[0-9](.[0-9])?%$' "and how alike a near-duplicate is"
like "$out" 'delivered_ratio\) <= 0% +100%  broken' "a share of one record is a share, too"

run "$ASSAY" dedup "$tmp/set"
is "$(echo "$out" | head -n 1)" "tier               groups        extra      ratio" "dedup has a heading over its numbers"
like "$out" '^  low +a.*|^            train/b.jsonl#2 +alike: at least 9' "shows groups with how alike they are"
like "$err" 'With --emit drop --out drop.jsonl it lists what can go' "and says how to go on"
run "$ASSAY" dedup "$tmp/set" --lang zh
is "$(echo "$out" | head -n 2 | sed 's/  */ /g' | tr '\n' ';')" "层级 组数 多余 占比;file 0 0 0.000% 相同的文件;" "in Chinese, too"
run "$ASSAY" scan "$tmp/set" --policy observe
like "$out" "^\[ PASS \]  $tmp/set$" "the table calls a dataset without a name what whoever asked calls it"
run "$ASSAY" scan "$tmp/set" --policy observe --name n1
like "$out" "^\[ PASS \]  n1$" "and by its name where it has one"

"$ASSAY" scan - --policy observe <"$tmp/set/train/b.jsonl" >"$tmp/out"
like "$(cat "$tmp/out")" '^\[ PASS \]  unnamed dataset$' "standard input has no name"

# --- what can be copied to the shell, what is not whole, what is nothing
cd "$tmp" || exit 1
run "$ASSAY" scan set --policy observe --set duplicates.near=true --out report
like "$out" '^  assay dedup set --emit drop --out drop.jsonl$' "the next step names what was scanned"
like "$out" '^Next  assay verify report/statement.dsse.json --dataset set$' "so does the one after"
deep="train/$(printf '%0230d' 7)"
mkdir -p "set/$deep"
cp set/train/a.jsonl "set/$deep/last-of-all.jsonl"
echo '{"broken":' >set/broken.jsonl
run "$ASSAY" scan set --format table --format html=page.html
is "$status" 1 "a dataset that fails and cannot be read whole fails"
like "$out" 'could not be scanned, so no pass' "and the first lines say that it was not read whole"
like "$(cat page.html)" '<bdi>train/0*….*/last-of-all.jsonl</bdi>#1' "a long name keeps its beginning and its end"
like "$out" '…0*7/last-of-all.jsonl#[0-9]' "on the terminal its end"
mkdir one
echo '{"text":"one record, nothing else"}' >one/a.jsonl
run "$ASSAY" dedup one
is "$status $err" "0 There is nothing to drop." "nothing twice is said, too"
done_testing
