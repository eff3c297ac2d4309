#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A dataset dropped into a watched directory becomes a signed report, which `assay verify` and plain openssl confirm.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

mkdir "$tmp/marked" "$tmp/whole" "$tmp/polled"
printf 'id,text\n1,fine\n' >"$tmp/whole/a.csv"
configure "  - {kind: directory, path: $tmp/marked, ready: marker, marker: _DONE}" \
	"  - {kind: directory, path: $tmp/whole, dataset: self, settle: 200ms}" \
	"  - {kind: directory, path: $tmp/later/polled, ready: [manifest, settle], settle: 200ms, watch: poll, poll: 100ms}"
start

# --- arrives, is audited, reported, signed
deliver first "身份证110101199003074514"
run "$ASSAY" wait "$tmp/in/first" --timeout 60s --no-progress
is "$status" 1 "a delivery with personal data fails: the exit code of wait is the verdict"
report=$("$ASSAY" report "$tmp/in/first" --path)
run "$ASSAY" verify "$report/statement.dsse.json" --dataset "$tmp/in/first" --key "$tmp/state/keys/signing.pem.pub"
is "$status" 0 "assay verify confirms the report"
for file in MANIFEST.sha256 statement.json statement.dsse.json run.json run.dsse.json findings.jsonl report.html summary.txt signer.pub; do
	[ -s "$report/$file" ]
	ok $? "the report has $file"
done
run "$ASSAY" report "$tmp/in/first"
like "$out" "FAIL" "assay report shows it"
unlike "$(cat "$tmp/log" "$report"/*)" "110101199003074514" "no raw value in the log or the report"

# --- plain tools
(
	cd "$report" &&
		jq -j .payload statement.dsse.json | base64 -d | cmp -s - statement.json &&
		{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <statement.json)" && cat statement.json; } >"$tmp/pae" &&
		jq -j '.signatures[0].sig' statement.dsse.json | base64 -d >"$tmp/sig" &&
		openssl pkeyutl -verify -pubin -inkey "$tmp/state/keys/signing.pem.pub" -rawin -in "$tmp/pae" -sigfile "$tmp/sig" &&
		jq -r '.subject[0].digest.sha256 + "  MANIFEST.sha256"' statement.json | sha256sum -c --quiet - &&
		cd "$tmp/in/first" && sha256sum -c --quiet --strict "$report/MANIFEST.sha256"
) >/dev/null 2>&1
ok $? "openssl and sha256sum confirm the report"
is "$(stat -c %a "$tmp/state/keys/signing.pem")" 600 "the key is private"
is "$(stat -c %a "$tmp/control.sock")" 600 "the control socket is the owner's"

# --- one that passes, a single file, and what is not finished
deliver clean
run "$ASSAY" wait "$tmp/in/clean" --timeout 60s --no-progress
is "$status" 0 "a clean delivery passes"
printf '{"text":"fine"}\n' >"$tmp/in/.hidden.jsonl"
printf '{"text":"fine"}\n' >"$tmp/in/half.jsonl.part"
printf '{"text":"fine"}\n' >"$tmp/in/single.jsonl"
run "$ASSAY" wait "$tmp/in/single.jsonl" --timeout 60s --no-progress
is "$status" 0 "a file is a dataset too"
run "$ASSAY" status --json
is "$(printf %s "$out" | jq '[.runs[] | select(.dataset | test("hidden|half"))] | length')" 0 "hidden and half-copied names wait"

# --- files that arrive below, in directories made after the watch
mkdir -p "$tmp/in/deep/x/y"
for n in 1 2 3 4 5; do
	mkdir -p "$tmp/in/deep/x/y/$n"
	printf '{"text":"row %s"}\n' "$n" >"$tmp/in/deep/x/y/$n/a.jsonl"
done
run "$ASSAY" wait "$tmp/in/deep" --timeout 60s --no-progress --json
is "$(wc -l <"$("$ASSAY" report "$tmp/in/deep" --path)/MANIFEST.sha256")" 5 "all files of nested directories are in the manifest"

# --- a change is audited again, no change is not
before=$("$ASSAY" report "$tmp/in/clean" --json | jq .run.id)
printf '{"text":"one more line"}\n' >"$tmp/in/clean/b.jsonl"
newer() { [ "$("$ASSAY" report "$tmp/in/clean" --json | jq "select(.run.final) | .run.id > $before")" = true ]; }
until_true 60 newer
ok $? "a changed dataset is audited again"

# --- marker and self
mkdir "$tmp/marked/m"
printf '{"text":"fine"}\n' >"$tmp/marked/m/a.jsonl"
run "$ASSAY" wait "$tmp/whole" --timeout 60s --no-progress
is "$status" 0 "the watched directory itself can be the dataset"
run "$ASSAY" report "$tmp/marked/m"
is "$status" 2 "without its marker a dataset is not audited"
: >"$tmp/marked/m/_DONE"
run "$ASSAY" wait "$tmp/marked/m" --timeout 60s --no-progress
ok $((status == 2 || status == 3)) "with its marker it is (exit $status)"

# --- polled, with a manifest, in a directory that comes later
run "$ASSAY" status
like "$out" "problem: cannot read the directory" "a directory that is not there is a problem"
like "$out" "polled every 100 ms, as configured" "status says what is polled"
mkdir "$tmp/polled/p"
printf '{"text":"fine"}\n' >"$tmp/polled/p/a.jsonl"
printf '16  a.jsonl\n16  b.jsonl\n' >"$tmp/polled/p/MANIFEST.sha256"
mkdir "$tmp/later" && mv "$tmp/polled" "$tmp/later/polled"
pending() { [ "$("$ASSAY" status --json | jq '[.sources[] | select(.name == "polled") | .problem == null and .pending == 1] | all')" = true ]; }
until_true 20 pending
run "$ASSAY" report "$tmp/later/polled/p"
is "$status" 2 "what its manifest lists is waited for"
printf '{"text":"fine"}\n' >"$tmp/later/polled/p/b.jsonl"
run "$ASSAY" wait "$tmp/later/polled/p" --timeout 60s --no-progress --json
is "$(wc -l <"$("$ASSAY" report "$tmp/later/polled/p" --path)/MANIFEST.sha256")" 3 "a polled dataset is audited when it is complete"

# --- submitted by hand
mkdir "$tmp/elsewhere"
printf '{"text":"fine"}\n' >"$tmp/elsewhere/a.jsonl"
run "$ASSAY" submit "$tmp/elsewhere" --wait --timeout 60s --no-progress
is "$status" 0 "a submitted path is audited"
run "$ASSAY" submit "$tmp/elsewhere" --policy no-such-policy --wait --timeout 60s --no-progress
is "$status" 3 "a policy that does not exist makes the run INCOMPLETE"
like "$(field "$tmp/elsewhere" .reason)" "no-such-policy" "and says why"
run "$ASSAY" submit "$tmp/nothing-here"
is "$status" 2 "a path that does not exist is refused"
like "$err" "there is no" "with a clear message"

# --- a restart audits nothing again
runs=$("$ASSAY" status --json | jq .done)
stop
is "$status" 0 "SIGTERM ends it with 0"
start
settled() { [ "$("$ASSAY" status --json | jq '[.sources[] | .rescans > 0 and .pending == 0] | all')" = true ]; }
until_true 20 settled
is "$("$ASSAY" status --json | jq '.done + .queued + .running')" "$runs" "after a restart nothing is audited again"
done_testing
