#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Long passages that records share, from the outside: benchmarks and splits, lengths on both sides of the border, English
# and Chinese, a licence that a third of the records carry, the same answer for any number of threads and bound on memory.
. "$(dirname "$0")/lib.sh"

metric() { # metric NAME: of the last run
	tail -n 1 "$tmp/out" | jq -c ".metrics[\"$1\"]"
}
found() { # found RULE: file#record of the members of its findings, one finding a line
	jq -r "select(.rule == \"$1\")"' | .members | map("\(.file)#\(.record)") | join(" ")' "$tmp/out" | LC_ALL=C sort
}
words() { # words FROM TO: that many different words
	seq -s ' ' -f 'word%g' "$1" "$2"
}
say() { # say TEXT: a record
	printf '{"text":"%s"}\n' "$1"
}

mkdir -p "$tmp/set/corpus" "$tmp/set/bench"
licence="Permission is hereby granted to any person who holds a copy of this work to use and change it and to pass it on in any form as long as this notice stands in every copy that is made of it"
{
	i=0
	while [ $i -lt 70 ]; do
		say "Filler document $i with its own text: $(words $((1000 + i * 40)) $((1030 + i * 40)))"
		i=$((i + 1))
	done
	while [ $i -lt 100 ]; do
		say "$(words $((1000 + i * 40)) $((1020 + i * 40))). $licence"
		i=$((i + 1))
	done
	say "Before it stands something. $(words 101 113) And after it something else"              # 100: 13 words of item 0
	say "Before it stands something. $(words 201 212) And after it something else"              # 101: 12 words of item 1
	say "前面是别的内容。春眠不觉晓处处闻啼鸟夜来风雨声花落知多少床前明月光疑，后面也是别的内容。" # 102: 26 characters of item 2
	say "前面是别的内容。白日依山尽黄河入海流欲穷千里目更上一层楼红豆生南国，后面也是别的内容。" # 103: 25 characters of item 3
	say "WORD301, word302; $(words 303 330)!"                                                    # 104: in other case and punctuation
} >"$tmp/set/corpus/train.jsonl"
{
	say "Which of these is true: $(words 101 113)?"
	say "Which of these is false: $(words 201 212)?"
	say "请续写：春眠不觉晓处处闻啼鸟夜来风雨声花落知多少床前明月光疑。下一句是什么"
	say "请续写：白日依山尽黄河入海流欲穷千里目更上一层楼红豆生南国。再接下一句是什么"
	say "$(words 301 330)"
	say "Nobody has seen this one: $(words 401 430). $licence"
	say "Too short to tell"
} >"$tmp/set/bench/quiz.jsonl"

set -- scan "$tmp/set" --policy observe --format jsonl --quiet
run "$ASSAY" "$@" --set 'duplicates.benchmarks=quiz=bench/*'
is "$(found duplicates.contamination | tr '\n' ';')" \
	"bench/quiz.jsonl#0 corpus/train.jsonl#100;bench/quiz.jsonl#2 corpus/train.jsonl#102;bench/quiz.jsonl#4 corpus/train.jsonl#104;" \
	"13 words and 26 characters are found, 12 and 25 are not, nor is the licence"
is "$(metric duplicates.span_items) $(metric duplicates.contamination_short.quiz | cut -c1-5) $(metric duplicates.contamination.quiz | cut -c1-5)" "3 0.142 0.428" \
	"counted by item, too short ones apart"
like "$(jq -r 'select(.rule == "duplicates.contamination" and .members[0].record == 0) | .detail' "$tmp/out")" \
	'^longest match 13 word\(s\) and 0 character\(s\), [0-9]+ of 1000 of the item contained; item \(quiz\) is member 1: field 0, bytes 24 to 127; partner \(train\): field 0, bytes 28 to 131; 1 partner' \
	"length, share, and bytes on both sides"
like "$(jq -r 'select(.rule == "duplicates.contamination" and .members[0].record == 2) | .detail' "$tmp/out")" \
	'^longest match 0 word\(s\) and 26 character\(s\)' "characters are counted apart"
like "$(jq -r 'select(.rule == "duplicates.contamination" and .members[0].record == 4) | .detail' "$tmp/out")" \
	'^longest match 30 word\(s\).* 1000 of 1000 of the item' "case and punctuation do not count"
is "$(jq -r 'select(.rule == "duplicates.common_text") | .members_total' "$tmp/out")" 31 "the licence is set aside and said to be"
unlike "$(cat "$tmp/out")" 'word101|床前|hereby' "no text leaves"
run "$ASSAY" scan "$tmp/set" --format jsonl --quiet --set 'duplicates.benchmarks=quiz=bench/*'
is "$status" 1 "contamination fails the default policy"

run "$ASSAY" "$@" --set 'duplicates.benchmarks=quiz=bunch/*'
is "$status" 2 "a benchmark that is not there is an error"
like "$err" "duplicates.benchmarks: no file of the dataset matches the globs of 'quiz'" "that says so"
run "$ASSAY" scan "$tmp/set/corpus" "$tmp/set/bench/quiz.jsonl" --policy observe --format jsonl --quiet --set 'duplicates.benchmarks=quiz=quiz.jsonl'
is "$(found duplicates.contamination | tr '\n' ';')" \
	"corpus/train.jsonl#100 quiz.jsonl#0;corpus/train.jsonl#102 quiz.jsonl#2;corpus/train.jsonl#104 quiz.jsonl#4;" \
	"a benchmark may lie elsewhere"

# --- the two lengths are options
run "$ASSAY" "$@" --set 'duplicates.benchmarks=quiz=bench/*' --set duplicates.span_words=12 --set duplicates.span_characters=24
is "$(found duplicates.contamination | grep -c .)" 5 "shorter passages when asked"
run "$ASSAY" "$@" --set 'duplicates.benchmarks=quiz=bench/*' --set duplicates.spans=off
is "$(found duplicates.contamination)$(metric duplicates.span_items)" "null" "off"

# --- splits, and everywhere
mv "$tmp/set/bench/quiz.jsonl" "$tmp/set/bench/test.jsonl"
run "$ASSAY" "$@" --set duplicates.spans=across
is "$(metric duplicates.leak.span.train_test | cut -c1-5) $(metric duplicates.leak.span.test_train | cut -c1-5) $(found duplicates.span | head -n 1)" \
	"0.428 0.028 bench/test.jsonl#0 corpus/train.jsonl#100" "passages leak between splits"
{
	say "One. $(words 501 520)"
	say "Two. $(words 501 520) and so on"
} >"$tmp/set/corpus/train-2.jsonl"
run "$ASSAY" "$@" --set duplicates.spans=across
unlike "$(found duplicates.span)" 'train-2' "within a split nothing is compared"
run "$ASSAY" "$@" --set duplicates.spans=all
like "$(found duplicates.span)" 'corpus/train-2.jsonl#0 corpus/train-2.jsonl#1' "unless asked for"

# --- everywhere, with splits: copies within one of them hide no leak between the others
mkdir "$tmp/three"
for i in 1 2 3 4 5 6; do say "Train $i. $(words 601 620) and $(words $((2000 + i * 40)) $((2010 + i * 40)))"; done >"$tmp/three/train.jsonl"
say "Dev. $(words 601 620) seven eight" >"$tmp/three/dev.jsonl"
say "Test. $(words 601 620) nine ten" >"$tmp/three/test.jsonl"
for mode in across all; do
	run "$ASSAY" scan "$tmp/three" --policy observe --format jsonl --quiet --set duplicates.spans=$mode
	is "$(metric duplicates.leak.span.validation_test) $(metric duplicates.leak.span.train_test) $(metric duplicates.leak.span.train_validation)" "1 1 1" \
		"a passage that six records of one split hold leaks between the other two ($mode)"
done

# --- what is set aside is counted by record, and the sample is of records that hold it
mkdir "$tmp/common"
i=0
while [ $i -lt 25 ]; do
	say "Begin $i: $licence. Once more: $licence."
	i=$((i + 1))
done >"$tmp/common/train.jsonl"
run "$ASSAY" scan "$tmp/common" --policy observe --format jsonl --quiet --set duplicates.spans=all --set duplicates.span_common=2
is "$(jq -c 'select(.rule == "duplicates.common_text") | [.members_total, (.members | map(.record))]' "$tmp/out")" \
	"[25,[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]]" "a passage set aside is counted once a record, and its sample is the first of them"

# --- a record of too many tokens is not searched, and that is one skip, whatever was not looked for
mkdir "$tmp/long"
{
	awk 'BEGIN { printf "{\"text\":\""; for (i = 0; i < 4200000; i++) printf "a "; print "\"}" }'
	say "$(words 701 730)"
} >"$tmp/long/train.jsonl"
run "$ASSAY" scan "$tmp/long" --policy observe --scanner duplicates --format jsonl --quiet --set duplicates.spans=all --set duplicates.near=true
is "$status $(tail -n 1 "$tmp/out" | jq -c '[.complete, (.coverage.skipped | map([.reason, .records])), .coverage.records.scanned]') $(metric duplicates.near_too_long)" \
	'3 [false,[["limit",1]],1] 1' "a record of too many tokens is one skip"

# --- the same answer
mkdir "$tmp/many"
seq 1 6000 | awk '{ printf "{\"text\":\"start %d", $1; for (i = 0; i < 30; i++) printf " w%d", ($1 * 7 + i) % 90001; print "\"}" }' >"$tmp/many/train.jsonl"
seq 1 900 | awk '{ printf "{\"text\":\"begin %d", $1; for (i = 0; i < 9 + $1 % 9; i++) printf " w%d", ($1 * 49 + i) % 90001; print "\"}" }' >"$tmp/many/test.jsonl"
for how in "1 128MiB" "3 128MiB" "2 1MiB"; do
	"$ASSAY" scan "$tmp/many" --jobs "${how%% *}" --out "$tmp/r${how%% *}" --quiet --set duplicates.spans=across >/dev/null 2>&1 \
		$([ "${how#* }" = 128MiB ] || echo --set duplicates.memory="${how#* }")
done
ok "$(grep -q 'duplicates.span"' "$tmp/r1/findings.jsonl"; echo $?)" "there is something to find"
ok "$(cmp -s "$tmp/r1/statement.json" "$tmp/r3/statement.json"; echo $?)" "byte-identical statement for 3 threads"
ok "$(cmp -s "$tmp/r1/findings.jsonl" "$tmp/r3/findings.jsonl"; echo $?)" "byte-identical findings for 3 threads"
ok "$(cmp -s "$tmp/r1/findings.jsonl" "$tmp/r2/findings.jsonl"; echo $?)" "byte-identical findings with a mebibyte of memory"
done_testing
