#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pictures by split: what looks alike, and what records of two splits name, is leakage; findings name splits and the group, by which
# it can be accepted. The same answer for any number of threads.
. "$(dirname "$0")/lib.sh"
d=$tmp/set
mkdir -p "$d/train" "$d/test" "$d/art"
python3 - "$d" <<'PY' || skip_all "python3 is missing"
import random, struct, sys, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def rectangles(seed):
    rng = random.Random(seed)
    return [[rng.randrange(90), rng.randrange(90), 8 + rng.randrange(40), 8 + rng.randrange(40)] + [rng.randrange(256) for _ in range(3)]
            for _ in range(24)]
def png(name, seed, side, turned=False):
    rows = [bytearray(b'\x5a' * (3 * side)) for _ in range(side)]
    for x, y, w, h, *rgb in rectangles(seed) if seed else []:
        for row in rows[y * side // 100:(y + h) * side // 100]:
            for i in range(x * side // 100, min((x + w) * side // 100, side)):
                row[3 * i:3 * i + 3] = bytes(rgb)
    if turned:
        rows = rows[::-1]
    with open(sys.argv[1] + '/' + name, 'wb') as out:
        out.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)) +
                  chunk(b'IDAT', zlib.compress(b''.join(b'\0' + bytes(row) for row in rows))) + chunk(b'IEND', b''))
png('train/a.png', 1, 300)
png('test/a-small.png', 1, 120)
png('train/b.png', 2, 300)
png('train/b-small.png', 2, 200)
png('test/c.png', 3, 300)
png('train/c-turned.png', 3, 300, turned=True)
png('art/d.png', 4, 300)
png('art/e.png', 5, 300)
png('art/flat.png', 0, 64)
PY
cp "$d/train/a.png" "$d/train/a-again.png"
{
	echo '{"q":"what does the first picture show","image":"art/d.png"}'
	echo '{"q":"what of the one that shows nothing","image":"art/flat.png","again":"./art/flat.png"}'
	echo '{"q":"what of the one that nobody else asks about","image":"art/e.png"}'
} >"$d/train.jsonl"
{
	echo '{"q":"who can describe this one in his own words","image":"art/d.png"}'
	echo '{"q":"and this, in one word, whatever it may be","image":"art/flat.png"}'
} >"$d/test.jsonl"

scan() { # scan OPTION...
	run "$ASSAY" scan "$d" --policy observe --format jsonl --quiet "$@"
}
detail() { # detail RULE: of the last scan, with members
	jq -r --arg r "$1" 'select(.rule == $r) | .detail + ": " + (.members | map(.file + (if .record == null then "" else "#\(.record)" end)) | join(" "))' \
		"$tmp/out"
}
metric() {
	tail -n 1 "$tmp/out" | jq -c ".metrics[\"$1\"]"
}

# --- what is said
scan
is "$status" 0 "the pictures are looked at"
is "$(detail duplicates.leakage | sort)" "tier image: 1 none, 1 train, 1 test: art/d.png test.jsonl#0 train.jsonl#0
tier image: 1 none, 1 train, 1 test: art/flat.png test.jsonl#1 train.jsonl#1
tier image: 1 train, 1 test: test/c.png train/c-turned.png
tier image: 2 train, 1 test: test/a-small.png train/a-again.png train/a.png" "pictures in two splits, and pictures that records of two splits name, leak"
is "$(detail images.near | sed 's/, [0-9]* to [0-9]* of 256 bits from the first, median [0-9]*//' | sort)" "2 pictures; splits: 2 train, 1 test: test/a-small.png train/a-again.png
2 pictures; splits: 2 train: train/b-small.png train/b.png" "findings of pictures name the splits, copies of the same bytes counted"
like "$(detail images.turned)" "^flipped.* bits apart; splits: 1 train, 1 test: test/c.png train/c-turned.png\$" "so do those of turned ones"
is "$(metric duplicates.leak.image.train_test) $(metric duplicates.leak.image.test_train)" "1 0.625" \
	"pictures and records that name them are counted, over all records of the split"
is "$(metric duplicates.leak.train_test) $(metric duplicates.leak.test_train) $(metric duplicates.leak.record.train_test)" "1 0.625 0" \
	"they count in the union, and in no other tier"
scan --no-scanner images
is "$(metric duplicates.leak.image.train_test)" null "where nobody looks at pictures there is no metric"
scan --no-scanner duplicates
is "$(detail images.near | sed 's/.*median [0-9]*: //' | sort | head -n 1)" "test/a-small.png train/a-again.png" "where nobody knows of splits, none are named"
scan --set 'duplicates.benchmarks=exam=test/**'
is "$(metric duplicates.contamination.exam)" 1 "pictures of an evaluation set are in what is trained on"

for jobs in 1 2 7; do
	run "$ASSAY" scan "$d" --policy observe --no-sign --out "$tmp/report.$jobs" --jobs $jobs --quiet
done
like "$(cat "$tmp/report.1/statement.json")" "duplicates.leak.image.train_test" "it is in the statement"
for jobs in 2 7; do
	ok "$(cmp -s "$tmp/report.1/statement.json" "$tmp/report.$jobs/statement.json"; echo $?)" "byte-identical statement for $jobs threads"
done
run "$ASSAY" scan "$d" --policy observe --format table --quiet
like "$out" "also in +Any .*Pictures\$" "the table has a column"
like "$out" "^ +test +train +100% .*100%" "with the share of each pair of splits"

# --- accepting
scan --set duplicates.group_digests=true
jq -r 'select(.type == "finding") | .detail' "$tmp/out" | sed -n 's/.*; group image:/image:/p' | sort -u >"$tmp/groups"
is "$(wc -l <"$tmp/groups")" 5 "every group has a name, also one that only records make"
logo=$(jq -r 'select(.rule == "images.near" and (.members[0].file == "test/a-small.png")) | .detail' "$tmp/out" | sed 's/.*; group //')
mkdir -p "$tmp/again/z"
cp "$d/train/a.png" "$tmp/again/z/one.png"
cp "$d/test/a-small.png" "$tmp/again/two.png"
run "$ASSAY" scan "$tmp/again" --policy observe --format jsonl --quiet --set duplicates.group_digests=true
like "$(detail images.near)" "; group $logo: two.png z/one.png" "the same under other names, with fewer copies"
"$ASSAY" key new "$tmp/lee.pem" >/dev/null
accept() { # accept GROUP...: sets $list
	for group; do
		set -- "$@" --accept "$group"
		shift
	done
	rm -f "$tmp/list"
	run "$ASSAY" suppress new --out "$tmp/list" --owner 'A. Lee' --reason 'a logo' --key "$tmp/lee.pem" "$@"
	list="--suppressions $tmp/list --suppressions-key $tmp/lee.pem.pub"
}
accept "$logo"
is "$status" 0 "a group of pictures is accepted"
scan
before=$(metric images.near_ratio)
scan $list
is "$(detail images.near | sed 's/.*: //')" "train/b-small.png train/b.png" "and no finding"
unlike "$(detail duplicates.leakage)" "a-small" "it leaks into no split"
is "$before $(metric images.near_ratio) $(metric duplicates.leak.image.train_test) $(metric duplicates.accepted_groups)" "0.2 0.1 0.75 1" \
	"it counts in no ratio, but as accepted"
accept $(cat "$tmp/groups")
scan $list
is "$(jq -c 'select(.type == "finding" and (.rule | startswith("images.") or . == "duplicates.leakage"))' "$tmp/out")" "" "all of them can be"
is "$(metric duplicates.leak.image.train_test) $(metric images.near_ratio) $(metric duplicates.accepted_groups)" "0 0 5" "and are set aside"
run "$ASSAY" dedup "$d" --tier image --emit drop --quiet
is "$(jq -r '.file' "$tmp/out" | tr '\n' ' ')" "train/a-again.png train/a.png train/b.png " "what looks like an earlier picture is dropped"
accept "$logo"
run "$ASSAY" dedup "$d" --tier image --emit drop --quiet $list
is "$(jq -r '.file' "$tmp/out" | tr '\n' ' ')" "train/b.png " "unless it is accepted"
done_testing
