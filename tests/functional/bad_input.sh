#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input: each kind gets one clear message or finding, the audit is INCOMPLETE (or a usage error), and what could be
# scanned was scanned.
. "$(dirname "$0")/lib.sh"

good='{"text":"write to ana.kovacs@example.org please"}'
good1='{"text":"or to ben.okafor@example.org, who is in on Mondays"}'
good2='{"text":"and to cai.lindqvist@example.org about the rest of it"}'
scan() {
	run "$ASSAY" scan "$@" --format jsonl --quiet
}
summary() { # a value of the summary line
	tail -n 1 "$tmp/out" | jq -r "$1"
}
emails() { # how many e-mail addresses were found in a file
	jq -r --arg f "$1" 'select(.entity == "EMAIL_ADDRESS" and .file == $f) | .record' "$tmp/out" | wc -l
}
fresh() { # a dataset directory with one good record in it
	rm -rf "$tmp/ds"
	mkdir -p "$tmp/ds"
	printf '%s\n' "$good" >"$tmp/ds/good.jsonl"
}
still_found() {
	is "$(emails good.jsonl)" 1 "$1: the good file was still scanned"
}

# --- arguments, rules and policies
run "$ASSAY" scan "$tmp/nowhere"
is "$status" 2 "a path that does not exist is a usage error"
like "$err" "nowhere" "and is named"
mkdir "$tmp/empty"
run "$ASSAY" scan "$tmp/empty"
is "$status" 2 "no file at all is an error, not a PASS"
run "$ASSAY" scan --polcy x "$tmp/empty"
like "$err" "did you mean '--policy'" "a mistyped option gets a suggestion"
run "$ASSAY" scna
is "$status" 2 "a mistyped command is a usage error"
like "$err" "did you mean 'assay scan'" "and gets a suggestion"
fresh
printf 'policy: p\nversion: 1.0.0\nfail:\n  - {id: F1, exp: x}\n  - {id: F2, expr: "count(severity >= hgh) == 0"}\n' >"$tmp/p.yaml"
scan "$tmp/ds" --policy "$tmp/p.yaml"
is "$status" 2 "a broken policy stops the scan"
like "$err" "p.yaml:4:[0-9]+: error: .*exp" "unknown key: file, line, column"
like "$err" "did you mean 'high'" "all errors at once, with suggestions"
like "$err" "\^" "with a caret"
printf 'policy: p\nversion: 1.0.0\nfail: []\n' >"$tmp/p.yaml"
scan "$tmp/ds" --policy "$tmp/p.yaml"
is "$status" 2 "a policy without terms is refused"
like "$err" "would pass anything" "and says why"
printf 'policy: [\n' >"$tmp/p.yaml"
scan "$tmp/ds" --policy "$tmp/p.yaml"
is "$status" 2 "broken YAML stops the scan"
like "$err" "p.yaml:[0-9]+:[0-9]+" "and says where"

# --- files
fresh
printf '%s\n{"text": "broken\n%s\n' "$good1" "$good2" >"$tmp/ds/broken.jsonl"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "a broken line: INCOMPLETE"
is "$status" 3 "a broken line: exit 3"
like "$out" '"rule":"jsonl.malformed_record".*"record":1' "a broken line is a finding with its record"
is "$(emails broken.jsonl)" 2 "the lines around it were scanned"

fresh
printf '{"text":"caf\351 \377 bob.tanaka@example.org"}\n' >"$tmp/ds/latin.jsonl"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "invalid UTF-8: INCOMPLETE"
like "$out" 'EMAIL_ADDRESS.*latin.jsonl|latin.jsonl.*EMAIL_ADDRESS' "invalid UTF-8: the rest of the record was scanned"

fresh
printf '{"text":"nul \000 byte"}\n%s\n' "$good1" >"$tmp/ds/nul.jsonl"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "a NUL byte: INCOMPLETE"
is "$(emails nul.jsonl)" 1 "a NUL byte: the next line was scanned"

fresh
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "["; for (i = 0; i < 100000; i++) printf "]"; print "" }' >"$tmp/ds/deep.jsonl"
printf '%s\n' "$good1" >>"$tmp/ds/deep.jsonl"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "100,000-deep JSON: INCOMPLETE"
like "$out" '"rule":"jsonl.too_deep"' "100,000-deep JSON is a finding"
is "$(emails deep.jsonl)" 1 "100,000-deep JSON: the next line was scanned"

fresh
line_bytes=1000000000 # 100 MB where time is short or a sanitizer needs the address space; the record limit is 32 MiB
[ -z "${ASSAY_TEST_QUICK:-}" ] || line_bytes=100000000
{ printf '{"text":"'; head -c "$line_bytes" /dev/zero | tr '\000' a; printf '"}\n%s\n' "$good1"; } >"$tmp/ds/long.jsonl"
if [ -z "${ASSAY_TEST_QUICK:-}" ]; then
	run sh -c 'ulimit -v 4000000; exec "$0" "$@"' "$ASSAY" scan "$tmp/ds" --format jsonl --quiet --no-cache
else
	scan "$tmp/ds"
fi
is "$(summary .verdict)" INCOMPLETE "a 1 GB line: INCOMPLETE"
like "$out" '"rule":"engine.too_long"' "a 1 GB line is a finding"
is "$(emails long.jsonl)" 1 "a 1 GB line: the next record was scanned"
rm -f "$tmp/ds/long.jsonl"

fresh
{ printf '%s\n' "$good1"; head -c 200000000 /dev/zero | tr '\000' '\n'; } | gzip -9 >"$tmp/ds/bomb.jsonl.gz"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "a decompression bomb: INCOMPLETE"
like "$out" '"rule":"engine.ratio"' "a decompression bomb is a finding"
still_found "a decompression bomb"

fresh
awk 'BEGIN { for (i = 0; i < 2000; i++) print "{\"text\":\"record number " i " of a long file\"}" }' | gzip >"$tmp/t.gz"
head -c 400 "$tmp/t.gz" >"$tmp/ds/cut.jsonl.gz"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "a truncated gzip stream: INCOMPLETE"
like "$out" '"rule":"engine.truncated"' "a truncated gzip stream is a finding"

fresh
mkfifo "$tmp/ds/pipe"
ln -s /etc/passwd "$tmp/ds/link"
run timeout 60 "$ASSAY" scan "$tmp/ds" --format jsonl --quiet
is "$(summary .verdict)" INCOMPLETE "a FIFO and a symlink: INCOMPLETE"
is "$(summary '.coverage.skipped[] | select(.reason == "special-file" or .reason == "symlink") | .files' | tr '\n' ' ')" "1 1 " "both are counted"
still_found "a FIFO"

fresh
weird=$(printf 'a\nb "c" \033[31m.jsonl')
printf '%s\n' "$good" >"$tmp/ds/$weird"
run "$ASSAY" scan "$tmp/ds" --out "$tmp/r" --quiet
unlike "$out" "$(printf '\033')" "a hostile name: nothing of it reaches the terminal raw"
(cd "$tmp/ds" && sha256sum -c --quiet --strict "$tmp/r/MANIFEST.sha256")
ok $? "a name with a newline: sha256sum -c accepts the manifest"
run "$ASSAY" verify "$tmp/r/statement.dsse.json" --dataset "$tmp/ds"
is "$status" 0 "a name with a newline: the report verifies"

if [ "$(id -u)" -ne 0 ]; then
	fresh
	printf '%s\n' "$good" >"$tmp/ds/locked.jsonl"
	chmod 000 "$tmp/ds/locked.jsonl"
	scan "$tmp/ds"
	is "$(summary .verdict)" INCOMPLETE "an unreadable file: INCOMPLETE"
	is "$(summary '.coverage.skipped[] | select(.reason == "unreadable") | .files')" 1 "an unreadable file is counted"
fi

fresh
head -c 65536 /dev/urandom >"$tmp/ds/blob.bin"
scan "$tmp/ds"
is "$(summary .verdict)" INCOMPLETE "a format nobody reads: INCOMPLETE"
is "$(summary '.coverage.skipped[] | select(.reason == "unsupported-format") | .files')" 1 "and counted"

# --- writing
fresh
run "$ASSAY" scan "$tmp/ds" --out "$tmp/ds/report"
is "$status" 2 "a report inside the dataset is refused"
ok "$([ ! -e "$tmp/ds/report" ]; echo $?)" "and nothing was written there"
run "$ASSAY" scan "$tmp/ds" --format jsonl=/dev/full
like "$err" "No space left" "a full disk is named"
ok "$([ "$status" -ne 0 ]; echo $?)" "and is not success"
run sh -c 'ulimit -f 8; trap "" XFSZ; exec "$0" "$@"' "$ASSAY" scan "$tmp/ds" --out "$tmp/small" --no-cache --format table
ok "$([ "$status" -ne 0 ]; echo $?)" "a report that does not fit is an error"
ok "$([ ! -e "$tmp/small" ]; echo $?)" "and no half-written report appears"
like "$out" "good.jsonl|EMAIL" "the findings were still shown"

# --- keys
run "$ASSAY" scan "$tmp/ds" --out "$tmp/k" --key "$tmp/no.pem"
is "$status" 2 "a missing key stops the scan"
like "$err" "no.pem" "and is named"
rm -rf "$tmp/r"
run "$ASSAY" scan "$tmp/ds" --out "$tmp/r" --quiet
run "$ASSAY" key new "$tmp/other.pem"
run "$ASSAY" verify "$tmp/r/statement.dsse.json" --dataset "$tmp/ds" --key "$tmp/other.pem.pub"
is "$status" 5 "the wrong public key: exit 5"
like "$err" "FAIL +signature" "and says that the signature failed"
echo "a long secret" >"$tmp/pass"
echo "another secret" >"$tmp/pass2"
run "$ASSAY" key new "$tmp/locked.pem" --passphrase-file "$tmp/pass"
like "$(cat "$tmp/locked.pem")" "ENCRYPTED" "a passphrase given for a new key is used, without --encrypt too"
run "$ASSAY" scan "$tmp/ds" --out "$tmp/k" --key "$tmp/locked.pem" --passphrase-file "$tmp/pass2"
is "$status" 2 "a wrong passphrase stops the scan"
like "$err" "wrong passphrase" "and is named"
cp "$tmp/other.pem" "$tmp/open.pem" && chmod 640 "$tmp/open.pem"
run "$ASSAY" scan "$tmp/ds" --out "$tmp/k" --key "$tmp/open.pem"
is "$status" 2 "a key that others may read stops the scan"
like "$err" "chmod 600" "and says what to do"

# --- what several commands take is refused alike, with where to read on
for command in "scan" "dedup" "dedup --tier file" "index add" "verify --no-data"; do
	# shellcheck disable=SC2086
	run "$ASSAY" $command --jobs many "$tmp/ds"
	is "$status" 2 "assay $command --jobs many is wrong usage"
	like "$err" "--jobs: 'many' is not a whole number" "and the sentence says why"
	like "$err" "^See: assay ${command%% --*} --help" "and where the help is"
done
settings=$(seq 81 | sed 's/.*/--set pii.bands=&/')
# shellcheck disable=SC2086
run "$ASSAY" scan $settings "$tmp/ds"
is "$status" 2 "more settings than there is room for are refused"
like "$err" "more than 80" "by their number"

# --- roots and outputs
run "$ASSAY" scan "$tmp/ds" "$tmp/ds/good.jsonl"
is "$status" 2 "a root inside another is refused"
like "$err" "audited twice" "because it would be audited twice"
for command in "doctor" "plugin list" "policy show" "key show" "rules list" "--help" "version"; do
	# shellcheck disable=SC2086
	"$ASSAY" $command >/dev/full 2>"$tmp/err"
	is "$?" 3 "a full disk under 'assay $command' is not success"
done
"$ASSAY" verify "$tmp/r/statement.dsse.json" --dataset "$tmp/ds" >/dev/full 2>"$tmp/err"
is "$?" 3 "nor under 'assay verify'"
# Idle standard input: one interrupt is enough.
mkfifo "$tmp/idle"
"$ASSAY" scan - --format jsonl --quiet <"$tmp/idle" >"$tmp/out" 2>"$tmp/err" &
scanner=$!
exec 9>"$tmp/idle"
printf '%s\n' "$good" >&9
until_true 20 grep -q SigCgt.*[2367abef]$ "/proc/$scanner/status"
kill -INT "$scanner"
( sleep 30; kill -KILL "$scanner" ) 2>/dev/null &
watchdog=$!
wait "$scanner"
is "$?" 130 "interrupted while standard input is idle: exit 130"
kill "$watchdog" 2>/dev/null
exec 9>&-
is "$(summary .verdict)" INCOMPLETE "with a verdict: INCOMPLETE"
done_testing
