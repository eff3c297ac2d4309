#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# README.md: every command under "Using it" that needs no daemon works as it is printed there.
. "$(dirname "$0")/lib.sh"
PATH=$ASSAY_BUILDDIR:$PATH
command -v jq >/dev/null && command -v openssl >/dev/null || skip_all "jq or openssl is not there"

mkdir "$tmp/w" "$tmp/w/delivery" "$tmp/w/corpus" "$tmp/w/accepted" "$tmp/w/new"
cd "$tmp/w" || exit 1
copies_in corpus
cp "$ASSAY_SRCDIR"/dist/sample/delivery/train/* delivery
cp corpus/a.jsonl accepted/part.jsonl
cp corpus/b.jsonl new/part.jsonl
sed -n 5p corpus/a.jsonl >quiz.jsonl
gzip -c corpus/a.jsonl >part.jsonl.gz

using() { # the indented lines of the section, from the first that matches $1 until one that matches $2
	sed -n '/^## Using it/,/^## What it reads/p' "$ASSAY_SRCDIR/README.md" | sed -n "/$1/,/$2/p" | sed -n 's/^    //p'
}
using '^From a directory' '^Watching' >"$tmp/commands"
ok "$([ "$(wc -l <"$tmp/commands")" -ge 15 ]; echo $?)" "there are commands to try"
while IFS= read -r command; do
	want=0
	case $command in # what is there breaks the default policy, and half of what is new was delivered before
	*"| jq"*) ;;
	*"assay scan "* | "assay index check"*) want=1 ;;
	esac
	sh -c "$command" >"$tmp/out" 2>"$tmp/err" </dev/null
	is "$?" "$want" "$command"
done <"$tmp/commands"
is "$(jq -rs 'map(.tier) | unique | join(" ")' drop.jsonl)" "near normalised record" "the list holds copies of each kind"
like "$(cat report/report.html)" '不通过' "the report is there"

using '^Without Assay' '^## What' >"$tmp/plain"
run sh -e "$tmp/plain"
is "$status $err" "0 " "the report is verified without Assay"
like "$out" 'Signature Verified Successfully' "its signature"
like "$out" 'MANIFEST.sha256: OK' "and its manifest"
echo "one line more" >>delivery/chat-en.jsonl
run sh -e "$tmp/plain"
ok "$([ "$status" -ne 0 ]; echo $?)" "which fails when the data changed"
done_testing
