#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files as a whole: raw-byte rules, type against name, emptiness, copies; through the program.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/data"
cd "$tmp/data" || exit 1
printf '{"t":"nothing to see here"}\n' >clean.jsonl
# Put together here, so that no virus scanner objects to this test.
printf '{"t":"%s%s"}\n' 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-' 'ANTIVIRUS-TEST-FILE!$H+H*' >eicar.jsonl
head -c 4096 "$(command -v sh)" >program.jsonl
printf 'a,b\n1,TVqQAAMAAAAE%s\n' 'AAAA//8AALgAAAA' >encoded.csv
: >empty.csv
printf 'just text\n' >picture.png
cp clean.jsonl copy.jsonl

run "$ASSAY" scan --format jsonl --quiet .
like "$out" '"rule":"files.eicar".*"file":"eicar.jsonl","offset":33' "the EICAR string, with its offset"
like "$out" '"rule":"files.executable.elf".*"file":"program.jsonl"' "a program under a data file's name"
like "$out" '"file":"program.jsonl","offset":0,' "with its offset, though that is 0"
like "$out" '"rule":"files.executable.base64".*"file":"encoded.csv"' "a program as Base64 in a cell"
like "$out" '"rule":"files.type_mismatch".*"file":"program.jsonl".*"detail":"named as jsonl' "content against name"
like "$out" '"rule":"files.type_mismatch".*"file":"picture.png".*"detail":"named .png, holds text/plain"' \
	"text that says it is a picture"
like "$out" '"rule":"files.empty".*"file":"empty.csv"' "an empty file"
like "$out" '"rule":"duplicates.file".*"2 identical files".*clean.jsonl.*copy.jsonl' "a file that is there twice"
unlike "$out" '"rule":"files[^"]*"[^}]*"file":"clean.jsonl"' "nothing about a clean file"

# More hits than are listed: said as what it is.
mkdir "$tmp/many"
awk 'BEGIN { for (i = 0; i < 1200; i++) printf "%s%s\n", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-",
	"ANTIVIRUS-TEST-FILE!$H+H*" }' >"$tmp/many/eicar.txt"
run "$ASSAY" scan --format jsonl --quiet "$tmp/many"
is "$(grep -c '"rule":"files.eicar"' "$tmp/out")" 1000 "as many hits as are listed"
like "$out" '"rule":"engine.limit".*"file":"eicar.txt"' "and that there were more"
unlike "$out" '"rule":"engine.ratio"' "which is no decompression bomb"
like "$out" '"verdict":"INCOMPLETE"|"verdict":"FAIL"' "and no PASS"

one=$("$ASSAY" scan --format jsonl --quiet --jobs 1 .)
seven=$("$ASSAY" scan --format jsonl --quiet --jobs 7 .)
is "$seven" "$one" "the same for one thread and seven"
done_testing
