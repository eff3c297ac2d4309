#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Canaries: sensitive values planted in every place, then searched for, in several encodings, in every byte written.
. "$(dirname "$0")/lib.sh"
mkdir -p "$tmp/ds"
cat >"$tmp/ds/a.jsonl" <<'JSON'
{"id":1,"text":"mail zq.canary.one@leaktest-example.org or call 13812345678"}
{"id":2,"text":"card 4111111111111111 and 身份证110101199003074514","n":13812345678}
{"id":3,"zq.canary.key@leaktest-example.org":{"note":"key AKIAZQCANARYKEY12345"},"t":"x"}
{"id":4,"text":"zq.canary.broken@leaktest-example.org
{"id":5,"text":"zq.canary.dup@leaktest-example.org says the same thing twice, at length, for the duplicates"}
{"id":5,"text":"zq.canary.dup@leaktest-example.org says the same thing twice, at length, for the duplicates"}
JSON
printf 'name,mail\n"x","zq.canary.csv@leaktest-example.org"\n"only one, zq.canary.ragged@leaktest-example.org"\n' >"$tmp/ds/b.csv"
printf 'text zq.canary.text@leaktest-example.org\n\377 zq.canary.bytes@leaktest-example.org\n' >"$tmp/ds/c.txt"

for format in table jsonl json html csv; do
	"$ASSAY" scan "$tmp/ds" --format "$format" >"$tmp/o.$format" 2>"$tmp/e.$format"
done
"$ASSAY" scan "$tmp/ds" --format table --lang zh >"$tmp/o.zh" 2>&1
TMPDIR=$tmp/run "$ASSAY" scan "$tmp/ds" --out "$tmp/report" >"$tmp/o.report" 2>&1
found=$(jq -s '[.[] | select(.entity == "EMAIL_ADDRESS")] | length' "$tmp/o.jsonl")
ok "$([ "$found" -ge 8 ]; echo $?)" "the canaries are found ($found e-mail addresses)"

all() { find "$tmp/report" "$tmp/home" "$tmp/run" -type f -exec cat {} + ; cat "$tmp"/o.* "$tmp"/e.*; }
all >"$tmp/everything"
search() { # search FIXED-STRING NAME
	if LC_ALL=C grep -aFq -- "$1" "$tmp/everything"; then ok 1 "$2"; else ok 0 "$2"; fi
}
for value in zq.canary leaktest-example 13812345678 4111111111111111 110101199003074514 AKIAZQCANARYKEY12345; do
	search "$value" "$value is nowhere in clear"
	for shift in '' x xx; do # base64 of the value at each alignment, edges cut
		b64=$(printf '%s%s' "$shift" "$value" | base64 -w0 | cut -c 5-)
		b64=$(printf %s "$b64" | sed 's/..\{0,1\}=*$//')
		[ "${#b64}" -lt 8 ] || search "$b64" "$value is not there in base64 ($shift)"
	done
	search "$(printf %s "$value" | od -An -tx1 | tr -d ' \n')" "$value is not there in hexadecimal"
	search "$(printf %s "$value" | sed 's/@/%40/g;s/\./%2E/g')" "$value is not there percent-encoded"
	ok "$(python3 -c 'import sys; d=open(sys.argv[1],"rb").read(); v=sys.argv[2]; sys.exit(any(v.encode(e) in d for e in ("utf-16le","utf-16be")))' "$tmp/everything" "$value" 2>/dev/null; echo $?)" "$value is not there in UTF-16"
done
done_testing
