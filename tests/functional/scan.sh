#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay scan` from the outside: verdicts and exit codes, formats, encodings, standard input, the same answer for any
# number of threads, interruption.
. "$(dirname "$0")/lib.sh"
sample=$ASSAY_SRCDIR/dist/sample/delivery

# --- one verdict, many writers
run "$ASSAY" scan "$sample" --format jsonl --quiet
want=$status
is "$want" 1 "the sample delivery fails the default policy"
for format in table json html csv; do
	run "$ASSAY" scan "$sample" --format "$format" --quiet
	is "$status" "$want" "the exit code does not depend on the writer ($format)"
done
run "$ASSAY" scan "$sample" --policy observe --quiet
is "$status" 0 "the observe policy never fails"
run "$ASSAY" scan "$sample" --exit-zero --quiet
is "$status" 0 "--exit-zero"
run "$ASSAY" scan "$sample" --format jsonl --format csv
is "$status" 2 "two formats on standard output are refused"
run "$ASSAY" "$sample" --format jsonl --quiet
is "$status" 1 "a path by itself is scanned"
mkdir "$tmp/clean"
printf '{"text":"the weather was fine all week"}\n' >"$tmp/clean/a.jsonl"
run "$ASSAY" scan "$tmp/clean" --format jsonl --quiet
is "$status $(tail -n 1 "$tmp/out" | jq -r .verdict)" "0 PASS" "clean data passes"

# --- fields of a finding
cat >"$tmp/one.jsonl" <<'JSON'
{"messages":[{"content":"好的"},{"content":"我的身份证是110101199003074514，麻烦登记。"}]}
JSON
run "$ASSAY" scan "$tmp/one.jsonl" --format jsonl --quiet
line=$(grep '"finding".*CN_RESIDENT_ID' "$tmp/out")
is "$(printf %s "$line" | jq -r '[.type,.rule,.scanner,.severity,.file,.record,.field,.start,.end,.byte_start,.byte_end] | map(tostring) | join(" ")')" \
	"finding pii.cn.resident_id pii high one.jsonl 0 /messages/1/content 6 24 18 36" "a finding says what and where"
is "$(printf %s "$line" | jq -r '(.masked | length > 10 and contains("*")), (.fingerprint | length == 32), (.confidence > 0.9)' | tr '\n' ' ')" "true true true " "masked, fingerprinted, confident"

# --- only some scanners
run "$ASSAY" scan "$tmp/one.jsonl" --format jsonl --quiet --policy observe --no-scanner pii --out "$tmp/some"
is "$status $(grep -c '"rule":"pii' "$tmp/out")" "0 0" "a scanner that is left out finds nothing, and is not missed"
is "$(jq -r '.predicate.settings[] | select(.name == "scanners_left_out").value' "$tmp/some/statement.json")" "pii" "the statement says so"
is "$(jq -r '.predicate.plugins[].name' "$tmp/some/statement.json" | grep -cx pii)" "0" "and does not list it"
run "$ASSAY" scan "$tmp/one.jsonl" --format jsonl --quiet --policy observe --scanner duplicates --scanner pii
is "$status $(grep -c '"rule":"pii.cn.resident_id"' "$tmp/out")" "0 1" "those that are named run"
run "$ASSAY" scan "$tmp/clean" --quiet --scanner pii
is "$status" 3 "a policy that asks for the metric of a scanner left out is INCOMPLETE, not PASS"
run "$ASSAY" scan "$tmp/clean" --quiet --scanner pij
is "$status" 2 "an unknown scanner is refused"
like "$err" "there is no scanner 'pij'; did you mean 'pii'" "with a suggestion"

# --- next to Han text
printf '%s\n' '{"text":"电话13812345678，"}' '{"text":"卡号6222021001116245702。"}' '{"text":"联系邮箱zhangsan@example.com，IP地址192.168.1.1，"}' >"$tmp/han.jsonl"
run "$ASSAY" scan "$tmp/han.jsonl" --format jsonl --quiet
is "$(jq -r 'select(.type=="finding" and .record != null) | [.record, .start, .end] | map(tostring) | join("-")' "$tmp/out" | sort -u | tr '\n' ' ')" \
	"0-2-13 1-2-21 2-29-40 2-4-24 " "boundaries hold next to Han text"

# --- a column's name is context
printf 'name,ssn,note\nAnn,536 90 4399,x\nBob,536 90 4398,y\n' >"$tmp/ssn.csv"
run "$ASSAY" scan "$tmp/ssn.csv" --format jsonl --quiet
is "$(jq -r 'select(.entity == "US_SSN") | .field' "$tmp/out" | tr '\n' ' ')" "/ssn /ssn " "a bare number in a column named ssn"

# --- compression and encodings give the same findings as plain UTF-8
cp "$sample/train/chat-zh.jsonl" "$tmp/z.jsonl"
"$ASSAY" scan "$tmp/z.jsonl" --format jsonl --quiet | jq -c 'select(.type=="finding") | [.rule,.record,.field,.start,.fingerprint]' >"$tmp/plain"
mkdir "$tmp/enc"
compare() { # compare NAME FILE; records that are written otherwise have other fingerprints
	"$ASSAY" scan "$2" --format jsonl --quiet 2>"$tmp/err" | jq -c 'select(.type=="finding" and .rule != "files.type_mismatch") | [.rule,.record,.field,.start,.fingerprint]' >"$tmp/this"
	case $1 in *JSON*) sed -i 's/,"[0-9a-f]*"]$//' "$tmp/this" "$tmp/plain" ;; esac
	if cmp -s "$tmp/plain" "$tmp/this"; then ok 0 "$1"; else ok 1 "$1"; diag "$(diff "$tmp/plain" "$tmp/this" | head -n 6)"; fi
}
gzip -c "$tmp/z.jsonl" >"$tmp/enc/z.jsonl.gz"
compare "gzip" "$tmp/enc/z.jsonl.gz"
half=$(($(wc -l <"$tmp/z.jsonl") / 2))
{ head -n $half "$tmp/z.jsonl" | gzip; tail -n +$((half + 1)) "$tmp/z.jsonl" | gzip; } >"$tmp/enc/z2.jsonl.gz"
compare "gzip of two members" "$tmp/enc/z2.jsonl.gz"
if command -v zstd >/dev/null 2>&1; then
	zstd -q "$tmp/z.jsonl" -o "$tmp/enc/z.jsonl.zst"
	compare "zstd" "$tmp/enc/z.jsonl.zst"
fi
{ printf '\357\273\277'; cat "$tmp/z.jsonl"; } >"$tmp/enc/bom.jsonl"
compare "UTF-8 with a byte order mark" "$tmp/enc/bom.jsonl"
iconv -f UTF-8 -t UTF-16 "$tmp/z.jsonl" >"$tmp/enc/u16.jsonl"
compare "UTF-16" "$tmp/enc/u16.jsonl"
iconv -f UTF-8 -t GB18030 "$tmp/z.jsonl" >"$tmp/enc/gb.jsonl"
compare "GB18030" "$tmp/enc/gb.jsonl"
"$ASSAY" scan - --format jsonl --quiet <"$tmp/z.jsonl" | jq -c 'select(.type=="finding") | [.rule,.record,.field,.start,.fingerprint]' >"$tmp/this"
ok "$(cmp -s "$tmp/plain" "$tmp/this"; echo $?)" "standard input"
jq -s . "$tmp/z.jsonl" >"$tmp/enc/array.json"
compare "one JSON array" "$tmp/enc/array.json"
jq . "$tmp/z.jsonl" >"$tmp/enc/concatenated.json"
compare "concatenated, indented JSON" "$tmp/enc/concatenated.json"

# --- the same answer
mkdir "$tmp/many"
i=0
while [ $i -lt 40 ]; do
	cp "$sample/train/chat-en.jsonl" "$tmp/many/part-$i.jsonl"
	i=$((i + 1))
done
for n in 1 2 3 4 5 6; do cat "$tmp"/many/part-*.jsonl; done >"$tmp/many/large.jsonl"
cp -r "$sample/annotations" "$tmp/many/"
look() { # names, kinds, modes, sizes and times of all there is in a directory
	find "$1" -printf '%P %y %m %s %T@ %C@\n' | LC_ALL=C sort
}
look "$tmp/many" >"$tmp/before"
for jobs in 1 2 7; do
	"$ASSAY" scan "$tmp/many" --jobs $jobs --out "$tmp/r$jobs" --quiet >/dev/null 2>&1
done
for jobs in 2 7; do
	ok "$(cmp -s "$tmp/r1/statement.json" "$tmp/r$jobs/statement.json"; echo $?)" "byte-identical statement for $jobs threads"
	ok "$(cmp -s "$tmp/r1/findings.jsonl" "$tmp/r$jobs/findings.jsonl"; echo $?)" "byte-identical findings for $jobs threads"
done
for engine in prefilter oracle; do
	"$ASSAY" scan "$tmp/many" --engine $engine --out "$tmp/re" --quiet >/dev/null 2>&1
	ok "$(cmp -s "$tmp/r1/findings.jsonl" "$tmp/re/findings.jsonl"; echo $?)" "identical findings with the $engine engine"
done
look "$tmp/many" >"$tmp/after"
ok "$(cmp -s "$tmp/before" "$tmp/after"; echo $?)" "nothing is written inside a dataset"
mkdir "$tmp/again"
ls -r "$tmp/many" | while read -r f; do cp -r "$tmp/many/$f" "$tmp/again/"; done
"$ASSAY" scan "$tmp/again" --out "$tmp/ra" --quiet >/dev/null 2>&1
ok "$(cmp -s "$tmp/r1/statement.json" "$tmp/ra/statement.json"; echo $?)" "another place and directory order, the same statement"
ok "$(! grep -qE '[0-9]\.[0-9]+[,}]' "$tmp/r1/statement.json"; echo $?)" "no float in the statement"
unlike "$(cat "$tmp/r1/statement.json")" "$tmp|$(hostname)" "no host and no path in the statement"

# --- the report
run "$ASSAY" verify "$tmp/r1/statement.dsse.json" --dataset "$tmp/many"
is "$status" 0 "the report verifies"
(cd "$tmp/many" && find . -type f | cut -c3- | LC_ALL=C sort | xargs -d '\n' sha256sum) >"$tmp/manifest"
ok "$(cmp -s "$tmp/manifest" "$tmp/r1/MANIFEST.sha256"; echo $?)" "the manifest is what sha256sum writes"
echo '{"text":"x"}' >>"$tmp/many/part-3.jsonl"
touch "$tmp/many/extra.txt"
rm "$tmp/many/part-5.jsonl"
run "$ASSAY" verify "$tmp/r1/statement.dsse.json" --dataset "$tmp/many"
is "$status" 5 "changed data does not verify"
like "$err" "part-3.jsonl" "the changed file is named"
like "$err" "extra.txt" "the extra file is named"
like "$err" "part-5.jsonl" "the missing file is named"
run "$ASSAY" scan "$tmp/clean" --out "$tmp/r1" --quiet
is "$status" 0 "an earlier report is replaced"
mkdir "$tmp/precious"
touch "$tmp/precious/thesis"
run "$ASSAY" scan "$tmp/clean" --out "$tmp/precious"
ok "$([ "$status" -ne 0 ] && [ -e "$tmp/precious/thesis" ]; echo $?)" "a directory that is no report is not"

# --- interruption
mkfifo "$tmp/slow"
"$ASSAY" scan - --format jsonl --quiet <"$tmp/slow" >"$tmp/int.out" 2>"$tmp/int.err" &
pid=$!
exec 9>"$tmp/slow"
head -c 3000000 /dev/zero | tr '\000' '\n' >&9
cat "$tmp/one.jsonl" >&9
kill -INT "$pid"
exec 9>&-
wait "$pid"
is "$?" 130 "Ctrl-C: exit 130"
is "$(tail -n 1 "$tmp/int.out" | jq -r .type)" summary "what was found is still reported"
done_testing
