#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The line on the terminal while something takes long: what is done, how far, how fast, until when; cleared at the end; and
# none where it is not wanted.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/one" "$tmp/two"
awk -v dir="$tmp" 'BEGIN {
	srand(5)
	for (i = 0; i < 20000; i++) {
		if (i % 10 != 9) { text = ""; for (k = 0; k < 60; k++) text = text " w" int(rand() * 9000) }
		print "{\"text\":\"" (i % 10 == 9 ? "changed" : "") text "\"}" > (dir "/" (i % 2 ? "one" : "two") "/part.jsonl")
	}
}'
screen() { # screen COMMAND...: what it draws, a line for each time; its code in $status
	python3 "$ASSAY_SRCDIR/tests/functional/on_terminal.py" "$tmp/screen" "$ASSAY" "$@"
	status=$?
	drawn=$(tr '\r' '\n' <"$tmp/screen" | sed 's/\x1b\[K//')
}
line='^\[#*-*\] +[0-9]+%  ETA [0-9hms-]+  [0-9-]+ MB/s'

screen dedup "$tmp/one" "$tmp/two"
is "$status" 0 "dedup on a terminal"
like "$drawn" '^preparing, 0s$' "before anything is read it says so"
like "$drawn" "$line  reading  [0-9,]+ records  [0-9] of 2" "then how far the reading is, how fast, and how long it takes yet"
like "$drawn" "$line  second look  20,000 records" "and the second look"
is "$(tail -c +1 "$tmp/screen" | tr '\r' '\n' | grep -c 'ETA.*near ')" 0 "the line is cleared before the result is printed"

screen index add --index "$tmp/index" "$tmp/one"
like "$drawn" "$line  reading" "adding a delivery"
screen index add --index "$tmp/index" "$tmp/two"
like "$drawn" 'Added two: 10,000 records of 1 file' "and what was added"
screen index check --index "$tmp/index" "$tmp/two"
like "$drawn" "$line  reading" "checking one"
like "$drawn" '10,000 records were delivered before: 10,000 identical, 0 alike once normalised, 0 near-duplicate.' "and what was found"
like "$drawn" '^ +10,000 in two' "and in which delivery"
screen index merge --index "$tmp/index"
is "$status" 0 "merging on a terminal"
like "$drawn" "$line  merging runs" "merging tells how far it is"
screen index drop --index "$tmp/index" one
like "$drawn" "$line  writing what stays" "so does dropping"
like "$drawn" '^Dropped 1 delivery' "and what was dropped"
screen dedup --tier file "$tmp/one"
like "$drawn" '^comparing files, 0s' "comparing files says that it does"

screen index merge --index "$tmp/index" --no-progress
unlike "$drawn" 'ETA' "no line where it is not wanted"
screen dedup "$tmp/one" --quiet
unlike "$drawn" 'ETA|preparing' "and none when nothing is to be said"
for command in scan dedup "index check" "suppress new" "queue submit"; do
	screen $command --help
	is "$(echo "$drawn" | awk 'length($0) > 80 && !/^  assay/')" "" "help on $command fits a terminal of 80 columns"
done
run "$ASSAY" dedup "$tmp/one"
is "$err" "There is nothing to drop." "nor where there is no terminal"
done_testing
