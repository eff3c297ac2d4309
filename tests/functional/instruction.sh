#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instruction data from the outside: prompts whose answers disagree, in every form that is known, who is in the minority, and
# preferences between equals; the same by any number of threads; no word of a prompt or an answer in any report.
. "$(dirname "$0")/lib.sh"

answers() { # answers DATASET OPTION...
	run "$ASSAY" scan --policy observe --set duplicates.answers=true --format jsonl --quiet "$@"
}
metrics() { # metrics NAME...: of the last scan
	for name in "$@"; do
		jq -r --arg name "labels.$name" 'select(.type == "summary") | .metrics[$name]' "$tmp/out"
	done | tr '\n' ' '
}

# --- every form
cat >"$tmp/turns.jsonl" <<'JSON'
{"instruction":"Name the capital of France.","input":"","output":"Paris"}
{"instruction":"name the capital of France","input":"","output":"Lyon"}
{"instruction":"Name the capital of France.","input":"","output":"paris!"}
{"instruction":"Name the capital of France.","input":"in German","output":"Paris"}
{"prompt":"How many legs has a spider?","response":"eight"}
{"prompt":"How many legs has a spider?","response":"Eight."}
{"messages":[{"role":"user","content":"What colour is the sky?"},{"role":"assistant","content":"Blue"}]}
{"messages":[{"role":"user","content":"What colour is the sky?"},{"role":"assistant","content":"Grey"}]}
{"messages":[{"role":"user","content":"What colour is the sky?"},{"role":"user","content":"Now"}]}
{"conversations":[{"from":"human","value":"Where do penguins live?"},{"from":"gpt","value":"South"}]}
{"conversations":[{"from":"human","value":"Where do penguins live?"},{"from":"gpt","value":"North"}]}
{"prompt":"q","chosen":"The same answer","rejected":"the same  answer."}
{"prompt":"q","chosen":"One answer","rejected":"Another answer"}
{"prompt":"q","chosen":[{"role":"assistant","content":"alike"}],"rejected":[{"role":"assistant","content":"Alike"}]}
JSON
answers "$tmp/turns.jsonl"
is "$(jq -r 'select(.rule == "labels.conflicting_answers") | "\([.members[].record]) \(.detail)"' "$tmp/out" | sort)" \
	"[0,1] 2 different answers to one prompt, in 3 records; clear majority for member 1, in 2 records; likely errors: 1 record(s)
[6,7] 2 different answers to one prompt, in 2 records; each once
[9,10] 2 different answers to one prompt, in 2 records; each once" "one prompt with different answers is a group, in every form"
is "$(jq -c 'select(.rule == "labels.equal_preference") | [.record, .field, .detail]' "$tmp/out")" \
	'[11,"/rejected","both sides are the same"]
[13,"/rejected/0/role","both sides are the same"]' "a preference between equals is found"
is "$(metrics answered repeated_prompts conflicting_prompts minority_answers preferences equal_preferences)" "10 4 3 1 3 2 " \
	"and all is counted"
# Of 3, 2, 2 and 2 records that ask the same 3 + 1 + 1 + 1 pairs; the first and the third record agree, and both about spiders.
is "$(metrics conflict_ratio answer_agreement equal_ratio)" "0.7 0.333333 0.666666 " "ratios are over records, pairs and preferences"
answers "$tmp/turns.jsonl" --set labels.majority=667
like "$out" '3 records; the most frequent one in 2 records"' "what a clear majority is can be set"
is "$(metrics minority_answers)" "0 " "and nobody is then in the minority"
run "$ASSAY" scan "$tmp/turns.jsonl" --format jsonl --quiet
unlike "$out" '"rule":"labels\.|"labels\.' "nothing is judged, and nothing claimed, unless asked for"

# --- a policy by it
cat >"$tmp/policy.yaml" <<'YAML'
policy: answers
version: 1.0.0
fail:
  - {id: conflicts, expr: 'metric(labels.conflict_ratio) <= 10%'}
YAML
run "$ASSAY" scan "$tmp/turns.jsonl" --policy "$tmp/policy.yaml" --set duplicates.answers=true --quiet
is "$status" 1 "a policy can bound conflicts"
run "$ASSAY" scan "$tmp/turns.jsonl" --policy "$tmp/policy.yaml" --quiet
is "$status" 3 "and is not met by not looking"

# --- nobody to judge
run "$ASSAY" scan "$tmp/turns.jsonl" --set duplicates.answers=true --no-scanner labels --quiet
is "$status" 2 "answers that nobody would judge are refused"
like "$err" "duplicates.answers is set.*the scanner 'labels' is left out" "with a reason"
run "$ASSAY" scan "$tmp/turns.jsonl" --no-scanner labels --policy observe --quiet
is "$status" 0 "without them the scanner can be left out"

# --- any number of threads; canaries
mkdir "$tmp/many"
awk -v dir="$tmp/many" 'BEGIN {
	srand(7)
	for (i = 0; i < 20000; i++) {
		prompt = "zqprompt question " int(rand() * 3000) " of the canary test"
		answer = "zqanswer " (rand() < 0.8 ? "usual" : "other" int(rand() * 3))
		file = dir "/part" i % 3 ".jsonl"
		if (i % 10 == 9) printf "{\"prompt\":\"%s\",\"chosen\":\"%s\",\"rejected\":\"zqanswer usual\"}\n", prompt, answer > file
		else printf "{\"prompt\":\"%s\",\"response\":\"%s\"}\n", prompt, answer > file
	}
}'
for jobs in 1 2 7; do
	run "$ASSAY" scan "$tmp/many" --policy observe --set duplicates.answers=true --quiet --jobs "$jobs" --out "$tmp/out.$jobs"
	cmp -s "$tmp/out.1/statement.json" "$tmp/out.$jobs/statement.json"
	ok $? "$jobs thread(s): the same statement"
done
answers "$tmp/many" --set duplicates.memory=1MiB --jobs 2
cp "$tmp/out" "$tmp/little"
answers "$tmp/many" --jobs 7
is "$(jq -cS 'select(.scanner == "labels")' "$tmp/little" | grep -c .)" "$(jq -cS 'select(.scanner == "labels")' "$tmp/out" | grep -c .)" \
	"in little memory: as many findings"
is "$(jq -cS 'select(.type == "summary").metrics | with_entries(select(.key | startswith("labels")))' "$tmp/little")" \
	"$(jq -cS 'select(.type == "summary").metrics | with_entries(select(.key | startswith("labels")))' "$tmp/out")" "and the same metrics"

# The truth, counted otherwise.
cat "$tmp/many"/*.jsonl | jq -rs '
	[.[] | select(.response)] | group_by(.prompt) | map([.[].response] | group_by(.) | map(length)) as $prompts
	| {answered: ($prompts | map(add) | add),
	   conflicting: ($prompts | map(select(length > 1)) | length),
	   contested: ($prompts | map(select(length > 1) | add) | add),
	   minority: ($prompts | map(select(length > 1) | select((max * 1000) >= (add * 666)) | add - max) | add),
	   agreeing: ($prompts | map(map(. * (. - 1) / 2) | add) | add),
	   pairs: ($prompts | map(add | . * (. - 1) / 2) | add)}' >"$tmp/truth"
truth() { jq -r "$1" "$tmp/truth"; }
is "$(metrics answered conflicting_prompts minority_answers)" "$(truth '"\(.answered) \(.conflicting) \(.minority) "')" \
	"conflicts and minorities are what jq counts"
is "$(metrics conflict_ratio answer_agreement)" \
	"$(truth '[.contested / .answered, .agreeing / .pairs] | map(. * 1000000 | floor / 1000000) | "\(.[0]) \(.[1]) "')" \
	"and so are the ratios"
for format in table html csv json; do
	run "$ASSAY" scan "$tmp/many" --policy observe --set duplicates.answers=true --quiet --format "$format"
	cp "$tmp/out" "$tmp/o.$format"
	cp "$tmp/err" "$tmp/e.$format"
done
run "$ASSAY" scan "$tmp/many" --policy observe --set duplicates.answers=true --set duplicates.group_digests=true --format jsonl
cat "$tmp"/o.* "$tmp"/e.* "$tmp/out" "$tmp/err" "$tmp"/out.[127]/* "$tmp/little" >"$tmp/everything"
unlike "$(grep -ac 'zqprompt\|zqanswer\|canary test' "$tmp/everything")" '^[1-9]' "no word of a prompt or an answer is in any report"
like "$(grep -a 'answers' "$tmp/o.html" | head -n 1)" . "the reports speak of answers"
run "$ASSAY" scan "$tmp/many" --policy observe --set duplicates.answers=true --quiet --lang zh
unlike "$(echo "$out" | sed -n '/示例/,$p')" 'majority|frequent|each once|likely|sides are' "in Chinese without a word of English"
done_testing
