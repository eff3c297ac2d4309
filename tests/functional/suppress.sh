#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Accepted groups: named by their content, signed for, set aside and counted apart; and a list that is not in order is refused.
. "$(dirname "$0")/lib.sh"
d=$tmp/data
mkdir "$d"
copies_in "$d"
printf 'the same bytes in two files\n' >"$d/c.txt"
cp "$d/c.txt" "$d/d.txt"

scan() { # scan DIR OPTION...
	run "$ASSAY" scan "$@" --scanner duplicates --set duplicates.near=true --format jsonl --quiet
}
groups() { # of the last scan: KIND:DIGITS, one a line
	jq -r 'select(.type == "finding") | .detail' "$tmp/out" | sed -n 's/.*; group //p' | sort
}
metric() {
	jq -r --arg m "${2:-duplicates}.$1" 'select(.type == "summary") | .metrics[$m]' "$tmp/out"
}
suppress() { # suppress LIST GROUP...
	list=$1
	shift
	for group; do
		set -- "$@" --accept "$group"
		shift
	done
	run "$ASSAY" suppress new --out "$list" --owner 'A. Lee' --reason 'a licence text' --key "$tmp/lee.pem" "$@"
}

# --- names of groups
scan "$d"
unlike "$out" "group (file|record|normalised|near):" "findings name no unkeyed digest unless asked to"
is "$(metric accepted_groups)" null "nothing is said of lists when there is none"
scan "$d" --set duplicates.group_digests=true
groups >"$tmp/groups"
is "$(sed 's/:.*//' "$tmp/groups" | sort | uniq -c | awk '{ printf "%s %s;", $1, $2 }')" "1 file;1 near;1 normalised;2 record;" "every group has a name"
mkdir -p "$tmp/again/later"
sed '1!G;h;$!d' "$d/a.jsonl" >"$tmp/again/later/z.jsonl" # the lines backwards, and once more
cat "$d/b.jsonl" "$d/a.jsonl" >"$tmp/again/0.jsonl"
cp "$d/c.txt" "$tmp/again/y.txt"
cp "$d/c.txt" "$tmp/again/x.txt"
for jobs in 1 7; do
	scan "$tmp/again" --set duplicates.group_digests=true --jobs $jobs
	groups >"$tmp/groups.again"
	is "$(comm -23 "$tmp/groups" "$tmp/groups.again")" "" "the same under other names, in another order, with more copies, on $jobs thread(s)"
done

# --- accepting
"$ASSAY" key new "$tmp/lee.pem" >/dev/null
"$ASSAY" key new "$tmp/other.pem" >/dev/null
near=$(grep ^near: "$tmp/groups")
record=$(grep ^record: "$tmp/groups" | head -n 1)
suppress "$tmp/near.list" "$near"
is "$status" 0 "a group is accepted"
run "$ASSAY" suppress show "$tmp/near.list" --key "$tmp/lee.pem.pub"
like "$out" "^$near +- +A. Lee  a licence text" "the list is shown"
like "$out" "^group +until +owner  reason" "under a heading"
like "$out" "^1 accepted  sha256:[0-9a-f]{64}\$" "with its digest"
digest=$(sed -n 's/^1 accepted  sha256://p' "$tmp/out")
is "$(jq -r .payload "$tmp/near.list" | base64 -d | sha256sum | cut -c 1-64)" "$digest" "which is that of the payload"
jq -r .payload "$tmp/near.list" | base64 -d >"$tmp/payload"
jq -r '.signatures[0].sig' "$tmp/near.list" | base64 -d >"$tmp/sig"
type=application/vnd.assay.suppressions+json
printf 'DSSEv1 %s %s %s ' ${#type} "$type" "$(wc -c <"$tmp/payload")" | cat - "$tmp/payload" >"$tmp/pae"
run openssl pkeyutl -verify -pubin -inkey "$tmp/lee.pem.pub" -rawin -in "$tmp/pae" -sigfile "$tmp/sig"
is "$status" 0 "openssl verifies it without us"

accept="--suppressions $tmp/near.list --suppressions-key $tmp/lee.pem.pub"
printf '%s\n' 'policy: p' 'version: 1.0.0' 'title: {en: P, zh: P}' 'fail:' \
	"  - {id: near, expr: 'metric(duplicates.near_ratio) <= 1%'}" >"$tmp/near.yaml"
scan "$d" --policy "$tmp/near.yaml"
is "$status" 1 "the policy fails"
cp "$tmp/out" "$tmp/before"
scan "$d" --policy "$tmp/near.yaml" $accept
is "$status" 0 "and passes once they are accepted"
is "$(metric near_groups) $(metric near_ratio) $(metric accepted_groups) $(metric accepted_ratio) $(metric accepted_listed)" "0 0 1 0.1 1" "they are counted apart"
is "$(jq -c 'select(.type == "finding") | [.rule, .members]' "$tmp/out")" \
	"$(jq -c 'select(.type == "finding" and .rule != "duplicates.near") | [.rule, .members]' "$tmp/before")" "nothing else has changed"
for jobs in 1 7; do
	run "$ASSAY" scan "$d" --scanner duplicates --set duplicates.near=true --no-sign --out "$tmp/report.$jobs" --jobs $jobs $accept
done
ok "$(cmp -s "$tmp/report.1/statement.json" "$tmp/report.7/statement.json"; echo $?)" "one statement for any number of threads"
setting() {
	jq -r --arg n "duplicates.$1" '.predicate.settings[] | select(.name == $n) | .value' "$tmp/report.1/statement.json"
}
is "$(setting accepted_lists)" "sha256:$digest" "it names the list"
is "$(setting accepted)" "sha256:$(printf %s "${near#near:}" | sha256sum | cut -c 1-64)" "and the groups, by a digest"
unlike "$(cat "$tmp/report.1/statement.json")" "${near#near:}" "not the groups themselves"

suppress "$tmp/rest.list" $(grep -v ^near: "$tmp/groups")
scan "$d" --suppressions "$tmp/near.list" --suppressions "$tmp/rest.list" --suppressions-key "$tmp/lee.pem.pub"
is "$(jq -c 'select(.type == "finding")' "$tmp/out")" "" "several lists, all tiers"
is "$(metric file_ratio) $(metric record_ratio) $(metric normalised_ratio) $(metric accepted_groups)" "0 0 0 5" "no ratio counts them"
suppress "$tmp/normalised.list" "$(grep ^normalised: "$tmp/groups")"
scan "$d" --suppressions "$tmp/normalised.list" --suppressions-key "$tmp/lee.pem.pub"
is "$(metric normalised_groups) $(metric record_groups)" "0 1" "what is alike is accepted with its identical copies, and nothing else is"

# --- across splits
mkdir "$tmp/split"
for split in train test; do
	{ cat "$d/a.jsonl"; echo "{\"t\":\"only in $split, this one record\"}"; } >"$tmp/split/$split.jsonl"
done
scan "$tmp/split" --set duplicates.group_digests=true
like "$out" '"rule":"duplicates.leakage"' "copies in two splits are leakage"
suppress "$tmp/split.list" $(groups)
scan "$tmp/split" --suppressions "$tmp/split.list" --suppressions-key "$tmp/lee.pem.pub"
unlike "$out" '"rule":"duplicates.leakage"' "unless they are accepted"

# --- instruction data
mkdir "$tmp/turns" "$tmp/turns.more"
{
	echo '{"id":1,"prompt":"Which is the longest river?","response":"The Nile"}'
	echo '{"id":2,"prompt":"which is the longest river","response":"The Amazon"}'
	echo '{"id":3,"prompt":"Say something about the sea","chosen":"It is blue!","rejected":"it is BLUE"}'
	echo '{"id":4,"prompt":"Say something else about it","chosen":"It is blue!","rejected":"it is BLUE"}'
} >"$tmp/turns/a.jsonl"
answers() {
	dir=$1
	shift
	scan "$dir" --scanner labels --set duplicates.answers=true "$@"
}
answers "$tmp/turns"
unlike "$out" "group (answers|preference):" "prompts and sides are not named unless asked"
answers "$tmp/turns" --set duplicates.group_digests=true
groups >"$tmp/turns.groups"
is "$(sed 's/:.*//' "$tmp/turns.groups" | tr '\n' ' ')" "answers preference preference " "answers and each preference have names"
is "$(sort -u "$tmp/turns.groups" | grep -c .)" 3 "the prompt is part of them"
sed -e '1!G;h;$!d' -e 's/"id":\([0-9]\)/"id":9\1/' "$tmp/turns/a.jsonl" >"$tmp/turns.more/z.jsonl"
answers "$tmp/turns.more" --set duplicates.group_digests=true
is "$(groups)" "$(cat "$tmp/turns.groups")" "other ids, in another order: the same names"
suppress "$tmp/turns.list" $(cat "$tmp/turns.groups")
answers "$tmp/turns.more" --suppressions "$tmp/turns.list" --suppressions-key "$tmp/lee.pem.pub"
unlike "$out" '"type":"finding"' "accepted answers and preferences are no findings"
is "$(metric conflicting_prompts labels) $(metric equal_preferences labels) $(metric accepted_groups) $(metric accepted_ratio)" "0 0 3 0.5" \
	"and are counted apart"
echo '{"prompt":"Which is the longest river?","response":"The Danube"}' >>"$tmp/turns.more/z.jsonl"
echo '{"prompt":"Say something about the sea","chosen":"It is green","rejected":"it is green"}' >>"$tmp/turns.more/z.jsonl"
answers "$tmp/turns.more" --suppressions "$tmp/turns.list" --suppressions-key "$tmp/lee.pem.pub"
is "$(metric conflicting_prompts labels) $(metric equal_preferences labels) $(metric accepted_groups)" "1 1 2" "a new answer, another preference: reported"

# --- shared passages
mkdir "$tmp/spans" "$tmp/spans.more"
passage() { # passage FROM TO
	seq -s ' ' -f 'word%g' "$1" "$2"
}
say() { # say ID TEXT
	printf '{"id":"%s","text":"%s"}\n' "$1" "$2"
}
{
	say a1 "The first begins so, $(passage 1 20), and ends here"
	say a2 "Another one says this: $(passage 1 20). It ends otherwise"
	say a3 "A third with something else to say: $(passage 101 130), which is all"
	say a4 "$(passage 101 130)"
} >"$tmp/spans/a.jsonl"
spans() { # spans DIR OPTION...
	dir=$1
	shift
	scan "$dir" --set duplicates.fields=/text --set duplicates.spans=all "$@"
}
spanned() { # records of the findings
	jq -r 'select(.rule == "duplicates.span" or .rule == "duplicates.contamination") | .members | map(.record) | join("+")' "$tmp/out" | sort | tr '\n' ' '
}
spans "$tmp/spans"
unlike "$out" "group (span|contamination):" "passages are not named unless asked"
spans "$tmp/spans" --set duplicates.group_digests=true
groups >"$tmp/spans.groups"
is "$(spanned)$(grep -c '^span:' "$tmp/spans.groups")" "0+1 2+3 2" "each pair has a name"
{
	say b1 "$(passage 101 130)"
	say b2 "Quite another record: $(passage 1 20), in another place"
	say b3 "$(passage 501 530)"
	say b4 "now it is longer than it was, $(passage 101 130) which is all"
	say b5 "and this quotes it: $(passage 1 20)."
} >"$tmp/spans.more/z.jsonl"
for jobs in 1 7; do
	spans "$tmp/spans.more" --set duplicates.group_digests=true --jobs $jobs
	is "$(groups)" "$(cat "$tmp/spans.groups")" "the same passages have the same names in other records, in another order, on $jobs thread(s)"
done
suppress "$tmp/spans.list" $(cat "$tmp/spans.groups")
by="--suppressions $tmp/spans.list --suppressions-key $tmp/lee.pem.pub"
spans "$tmp/spans.more" $by
is "$(spanned)" "" "what is accepted is no finding"
is "$(metric span_items) $(metric span_pairs) $(metric span_contained_ratio) $(metric accepted_groups) $(metric accepted_ratio)" "0 0 0 2 0.4" \
	"nor counted with the others"
run "$ASSAY" dedup "$tmp/spans" --tier span --emit drop --quiet --fields /text
is "$(jq -r .record "$tmp/out")" 3 "a record that an earlier one contains goes"
run "$ASSAY" dedup "$tmp/spans" --tier span --emit drop --quiet --fields /text $by
is "$status $out" "0 " "unless that was accepted"
say b6 "and this quotes more: $(passage 1 21)." >>"$tmp/spans.more/z.jsonl"
say b7 "this quotes still more: $(passage 1 21)." >>"$tmp/spans.more/z.jsonl"
say b8 "both in one, $(passage 101 130), and $(passage 501 530)" >>"$tmp/spans.more/z.jsonl"
say b9 "both in another, $(passage 101 130), or $(passage 501 530)" >>"$tmp/spans.more/z.jsonl"
spans "$tmp/spans.more" $by
is "$(spanned)" "2+7 5+6 7+8 " "a longer passage and another one beside it are reported"

mkdir "$tmp/cut.short"
long=$(printf 'ever %.0s' $(seq 90))
{
	say c1 "here it is $long"
	say c2 "there it was $long"
} >"$tmp/cut.short/a.jsonl"
spans "$tmp/cut.short" --set duplicates.group_digests=true
like "$out" 'character\(s\) at least' "a match that was cut short"
is "$(groups)" "" "has no name: nobody has seen the rest"

# --- as they are in a benchmark
{
	say q1 "Which of these follows: $(passage 1 20)?"
	say q2 "Nobody has seen it: $(passage 901 920)"
} >"$tmp/spans/quiz.jsonl"
quiz() {
	scan "$tmp/spans" --set duplicates.fields=/text --set 'duplicates.benchmarks=quiz=quiz.jsonl' "$@"
}
quiz $by --set duplicates.group_digests=true
is "$(metric contamination.quiz) $(groups | sed 's/:.*//')" "0.5 contamination" "accepted between records, a passage still contaminates"
suppress "$tmp/quiz.list" $(groups)
quiz --suppressions "$tmp/quiz.list" --suppressions-key "$tmp/lee.pem.pub"
is "$(metric contamination.quiz) $(metric accepted_groups) $(metric leak.span.train_quiz)$(spanned)" "0 2 null" "unless it is accepted as that"

# --- as they are in two splits
mkdir "$tmp/spans.split"
say train "What is trained on: $(passage 1 20), and then $(passage 2001 2030)" >"$tmp/spans.split/train.jsonl"
say test "A question about $(passage 1 20); also $(passage 3001 3030)" >"$tmp/spans.split/test.jsonl"
across() {
	scan "$tmp/spans.split" --set duplicates.fields=/text --set duplicates.spans=across "$@"
}
across
is "$(metric leak.span.train_test) $(metric leak.train_test)" "1 1" "a passage leaks"
across $by
is "$(metric leak.span.train_test) $(metric leak.train_test) $(metric accepted_groups)" "0 0 1" "unless it is accepted"

# --- nothing is said of what is accepted but its name, and that only where it is asked for
canaries='word1[0-9]|river|Nile|Danube|is blue|first begins'
accepted=$(sed 's/.*://' "$tmp/spans.groups" | paste -s -d '|')
for format in table jsonl json html csv; do
	run "$ASSAY" scan "$tmp/spans" --scanner duplicates --format $format --quiet --set duplicates.spans=all --set duplicates.fields=/text \
		--set 'duplicates.benchmarks=quiz=quiz.jsonl' $by
	unlike "$out$err" "$canaries|$accepted|(span|contamination):[0-9a-f]{6}" "$format: no text and no digest"
	run "$ASSAY" scan "$tmp/turns.more" --scanner duplicates --scanner labels --format $format --quiet --set duplicates.answers=true \
		--set duplicates.group_digests=true
	[ $format = table ] || like "$out" "(answers|preference):[0-9a-f]{32}" "$format: a name where it is asked for"
	unlike "$out$err" "$canaries" "$format: and no text with it"
done

# --- delivered before
mkdir "$tmp/june" "$tmp/july"
copies_in "$tmp/june"
{
	cat "$tmp/june/a.jsonl"
	echo '{"t":"nobody has seen this one before, it is new"}'
} >"$tmp/july/a.jsonl"
"$ASSAY" index add --index "$tmp/index" "$tmp/june" --quiet
check() { # check DIR OPTION...
	run "$ASSAY" index check --index "$tmp/index" "$@" --format jsonl --quiet
}
delivered() {
	jq -r 'select(.rule == "duplicates.delivered") | .detail' "$tmp/out" | sed -n 's/.*; group //p' | sort
}
check "$tmp/july"
is "$status $(delivered)" "1 " "no names unless asked for"
check "$tmp/july" --group-digests
delivered >"$tmp/delivered"
is "$(grep -c '^delivered:[0-9a-f]\{32\}$' "$tmp/delivered")" "$(grep -c . "$tmp/june/a.jsonl")" "every record that was delivered has one"
"$ASSAY" index add --index "$tmp/index" --name another "$tmp/july" --quiet
"$ASSAY" index drop --index "$tmp/index" june --quiet
for jobs in 1 7; do
	check "$tmp/july" --group-digests --jobs $jobs
	is "$(delivered | comm -23 "$tmp/delivered" -)" "" "the same when another delivery holds the partners, on $jobs thread(s)"
done
suppress "$tmp/delivered.list" $(sort -u "$tmp/delivered")
check "$tmp/july" --suppressions "$tmp/delivered.list" --suppressions-key "$tmp/lee.pem.pub"
is "$status $(jq -r 'select(.rule == "duplicates.delivered") | .record' "$tmp/out")" "1 $(grep -c . "$tmp/june/a.jsonl")" \
	"only what was not accepted is reported"
is "$(metric accepted_groups)" "$(grep -c . "$tmp/june/a.jsonl")" "the rest is counted apart"
sed -i '$d' "$tmp/july/a.jsonl"
check "$tmp/july" --suppressions "$tmp/delivered.list" --suppressions-key "$tmp/lee.pem.pub"
is "$status $(metric delivered_ratio)" "0 0" "with nothing else the check passes"
check "$tmp/july" --suppressions "$tmp/delivered.list" --suppressions-key "$tmp/other.pem.pub"
is "$status" 2 "and a list by another key is refused here, too"

# --- dedup
run "$ASSAY" dedup "$d" --emit drop --quiet
cp "$tmp/out" "$tmp/drop"
run "$ASSAY" dedup "$d" --emit drop --quiet $accept
is "$(cat "$tmp/out")" "$(grep -v '"tier":"near"' "$tmp/drop")" "what is accepted is not dropped"
run "$ASSAY" dedup "$d" --no-progress $accept
like "$err" "^1 accepted group\(s\) set aside" "and said"
suppress "$tmp/file.list" "$(grep ^file: "$tmp/groups")"
run "$ASSAY" dedup "$d" --tier file --emit drop --quiet --suppressions "$tmp/file.list" --suppressions-key "$tmp/lee.pem.pub"
is "$status $out" "0 " "nor are files, where files alone are compared"

# --- refusals: one sentence, nothing audited
refused() { # refused PATTERN NAME SCAN-OPTION...
	pattern=$1
	name=$2
	shift 2
	for command in scan dedup; do
		run "$ASSAY" $command "$d" --quiet "$@"
		is "$status" 2 "$name: refused by $command"
		like "$err" "$pattern" "$name: and told why"
		is "$out" "" "$name: nothing else is said"
	done
}
key="--suppressions-key $tmp/lee.pem.pub"
refused "by a trusted key" "another key" --suppressions "$tmp/near.list" --suppressions-key "$tmp/other.pem.pub"
refused "given together" "no key" --suppressions "$tmp/near.list"
refused "given together" "no list" $key
refused "nowhere" "no such list" --suppressions "$tmp/nowhere" $key
payload=$(jq -r .payload "$tmp/near.list" | base64 -d | sed 's/A. Lee/B. Lee/' | base64 -w 0)
jq -c --arg p "$payload" '.payload = $p' "$tmp/near.list" >"$tmp/tampered"
refused "tampered.*by a trusted key" "a changed list" --suppressions "$tmp/tampered" $key
head -c 100 "$tmp/near.list" >"$tmp/cut"
refused "cut.*not valid JSON" "half a list" --suppressions "$tmp/cut" $key
run "$ASSAY" scan "$d" --scanner duplicates --out "$tmp/signed" --key "$tmp/lee.pem" --quiet
refused "does not carry application/vnd.assay" "a signed report" --suppressions "$tmp/signed/statement.dsse.json" $key
run "$ASSAY" verify "$tmp/near.list" --no-data --key "$tmp/lee.pem.pub"
ok "$([ "$status" -ne 0 ]; echo $?)" "nor is a list a report"
suppress "$tmp/old.list" "$near" && run "$ASSAY" suppress new --out "$tmp/old.list" --accept "$near" --owner A --reason B \
	--expires 2020-02-29 --key "$tmp/lee.pem"
refused "$near.*expired on 2020-02-29" "a list with an expired entry" --suppressions "$tmp/old.list" $key
run "$ASSAY" suppress show "$tmp/old.list" --key "$tmp/lee.pem.pub"
like "$out" "2020-02-29 \(expired\)" "which show marks"
run "$ASSAY" suppress new --out "$tmp/x" --accept "$near" --owner A --reason B --expires 2999-12-31 --key "$tmp/lee.pem"
run "$ASSAY" dedup "$d" --quiet --suppressions "$tmp/x" $key
is "$status" 0 "an entry holds until its day"
run "$ASSAY" scan "$d" --no-scanner duplicates --quiet $accept
is "$status" 2 "a list for a scanner that does not run is refused"
run "$ASSAY" scan "$d" --set "duplicates.accepted=${near#near:}"
is "$status" 2 "groups are accepted by lists only"
rm "$tmp/x"
for wrong in "--accept near:12" "--accept $near --accept $near" "--accept $near --expires 2026-02-30" "--accept $near --expires soon"; do
	run "$ASSAY" suppress new --out "$tmp/x" --owner A --reason B --key "$tmp/lee.pem" $wrong
	is "$status" 2 "refused: $(printf %s "$wrong" | tr -d '0-9a-f' | cut -c 1-60)"
	ok "$([ ! -e "$tmp/x" ]; echo $?)" "no list is written"
done
run "$ASSAY" suppress new --out "$tmp/x" --accept "$near" --owner A --key "$tmp/lee.pem"
like "$err" "--reason is missing" "a reason is needed"
run "$ASSAY" suppress show "$tmp/near.list" --key "$tmp/other.pem.pub"
is "$status$out" 5 "show shows nothing that is not verified"
printf '{}' >"$tmp/none.list"
run "$ASSAY" suppress show "$tmp/none.list" --key "$tmp/lee.pem.pub"
is "$status$out" 2 "what is no list is the wrong file"
done_testing
