#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay dedup`: tiers, and lists of what to keep and to drop that are complete, agree with each other, and are the same
# for any number of threads.
. "$(dirname "$0")/lib.sh"
d=$tmp/data
mkdir -p "$d/sub"
copies_in "$d"
cp "$d/a.jsonl" "$d/sub/a-copy.jsonl"

run "$ASSAY" dedup "$d" --tier file --tier record --tier normalised --format jsonl --quiet
is "$status" 0 "copies are no failure"
is "$(jq -r '[.tier, .groups, .extra, .of] | map(tostring) | join(" ")' "$tmp/out" | tr '\n' ';')" \
	"file 1 1 3;record 4 7 13;normalised 1 1 13;" "a line a tier: groups, what is too much, of how many"
run "$ASSAY" dedup "$d" --quiet
like "$out" "^near +1 +1 " "near-duplicates are a tier of their own"

printf '%s\n' 'policy: p' 'version: 1.0.0' 'title: {en: P, zh: P}' 'fail:' \
	"  - {id: near, expr: 'metric(duplicates.near_ratio) <= 1%'}" >"$tmp/near.yaml"
run "$ASSAY" scan "$d" --policy "$tmp/near.yaml" --scanner duplicates --set duplicates.near=true --quiet
is "$status" 1 "a policy may limit the share of near-duplicates"
run "$ASSAY" scan "$d" --policy "$tmp/near.yaml" --no-scanner duplicates --quiet
is "$status" 3 "which is INCOMPLETE, not PASS, when nobody looked for them"
run "$ASSAY" dedup "$d" --tier span --format jsonl --quiet
like "$out" '"tier":"span","groups":[1-9]' "shared passages are shown"

# --- what to drop
run "$ASSAY" dedup "$d" --emit drop --quiet
is "$(jq -r '[.file, .record, .tier, .representative.file, .representative.record] | map(tostring) | join(" ")' "$tmp/out" | tr '\n' ';')" \
	"a.jsonl 2 normalised a.jsonl 1;a.jsonl 3 record a.jsonl 1;b.jsonl 1 record a.jsonl 1;b.jsonl 2 near a.jsonl 4;sub/a-copy.jsonl null file a.jsonl null;" \
	"the first of each group is kept, and named"
unlike "$out" "comes|quick|brown" "no data is in the list"
cp "$tmp/out" "$tmp/drop"
for jobs in 1 7; do
	run "$ASSAY" dedup "$d" --emit drop --quiet --jobs $jobs
	ok "$(cmp -s "$tmp/out" "$tmp/drop"; echo $?)" "the same list with $jobs thread(s)"
done
run "$ASSAY" dedup "$d" --emit drop --tier record --quiet
is "$(grep -c . "$tmp/out") $(grep -c '"tier":"record"' "$tmp/out")" "7 7" "only the tiers asked for"
run "$ASSAY" dedup "$d" --emit drop --threshold 0.99 --quiet
is "$(grep -c '"near"' "$tmp/out")" 0 "a higher threshold finds less"

# --- what to keep
run "$ASSAY" dedup "$d" --emit keep --out "$tmp/keep" --quiet
is "$status" 0 "the list goes into a file"
like "$out" "^record " "the table goes to standard output then"
is "$(jq -r '"\(.file) \(.record)"' "$tmp/keep" | tr '\n' ';')" "a.jsonl 0;a.jsonl 1;a.jsonl 4;b.jsonl 0;" "all the rest"

# --- more members than a finding lists
mkdir "$tmp/many"
i=0
while [ $i -lt 50 ]; do
	echo '{"t":"one line that is there very often"}'
	echo '{"t":"One line, that is there very often"}'
	i=$((i + 1))
done >"$tmp/fifty"
i=0
while [ $i -lt 50 ]; do
	cat "$tmp/fifty"
	i=$((i + 1))
done >"$tmp/many/m.jsonl"
run "$ASSAY" dedup "$tmp/many" --emit drop --quiet
is "$(grep -c . "$tmp/out")" 4999 "every member is listed, not only those of the finding"
is "$(jq -r '"\(.representative.file) \(.representative.record)"' "$tmp/out" | sort -u)" "m.jsonl 0" "and one is kept"
run "$ASSAY" dedup "$tmp/many" --emit keep --quiet
is "$out" '{"file":"m.jsonl","record":0}' "keep is what drop leaves"

# --- files alone are compared without an audit, with the same outcome
f=$tmp/files
mkdir -p "$f/sub"
head -c 4096 /dev/urandom >"$f/head"
for n in 1 2 3; do
	{ cat "$f/head"; echo "tail $n"; } >"$f/same-head-$n" # of one size and one head
done
cp "$f/same-head-2" "$f/sub/copy-2"
cp "$f/head" "$f/sub/head"
echo small >"$f/small"
echo small >"$f/sub/small"
echo smell >"$f/smell"
: >"$f/empty"
: >"$f/sub/empty"
head -c 1000000 /dev/urandom >"$f/large"
cp "$f/large" "$f/a-large"
want="head sub/head;a-large large;same-head-2 sub/copy-2;small sub/small"
run "$ASSAY" dedup "$f" --tier file --emit drop --quiet
is "$status" 0 "files are compared"
cp "$tmp/out" "$tmp/fast"
is "$(jq -r '"\(.representative.file) \(.file)"' "$tmp/fast" | sort | tr '\n' ';')" \
	"$(printf %s "$want" | tr ';' '\n' | sort | tr '\n' ';')" "copies are found; the same size or head is no copy, nor is an empty file"
run "$ASSAY" dedup "$f" --tier file --tier record --emit drop --quiet
ok "$(grep '"tier":"file"' "$tmp/out" | cmp -s - "$tmp/fast"; echo $?)" "as an audit finds them"
for jobs in 1 5; do
	run "$ASSAY" dedup "$f" --tier file --emit drop --quiet --jobs $jobs
	ok "$(cmp -s "$tmp/out" "$tmp/fast"; echo $?)" "the same with $jobs thread(s)"
done
run "$ASSAY" dedup "$f" --tier file --format jsonl --quiet
is "$out" '{"type":"tier","tier":"file","groups":4,"extra":4,"of":13}' "and counted"
run "$ASSAY" dedup "$f" --tier file --emit keep --quiet
is "$(grep -c . "$tmp/out")" 9 "keep is the rest"
ln -s small "$f/link"
run "$ASSAY" dedup "$f" --tier file
is "$status" 3 "what was not followed makes it INCOMPLETE"

# --- passages: what is wholly contained in an earlier record goes, what shares a part stays
s=$tmp/spans
mkdir "$s"
part='seventeen grey geese watch from the far bank of the river and nobody says a word about the weather'
{
	echo "{\"t\":\"A preface of its own, then: $long, and an ending.\"}"
	echo "{\"t\":\"$part\"}"
	echo "{\"t\":\"$part, or so they say in another town\"}"
	echo "{\"t\":\"Quite another text that has words of its own, all different from those above, and enough of them\"}"
} >"$s/a.jsonl"
echo "{\"t\":\"SEVENTEEN grey geese: watch from the far bank of the river. And nobody says a word about the weather!\"}" >"$s/b.jsonl"
run "$ASSAY" dedup "$s" --tier span --emit drop --quiet
is "$(jq -r '[.file, .record, .tier, .similarity, .representative.file, .representative.record] | map(tostring) | join(" ")' "$tmp/out" | tr '\n' ';')" \
	"a.jsonl 1 span 1 a.jsonl 0;b.jsonl 0 span 1 a.jsonl 0;" "records wholly contained in an earlier one"
run "$ASSAY" dedup "$s" --tier span --emit keep --quiet
is "$(jq -r '"\(.file) \(.record)"' "$tmp/out" | tr '\n' ';')" "a.jsonl 0;a.jsonl 2;a.jsonl 3;" "a part that is shared is kept"
run "$ASSAY" dedup "$s" --tier span --format jsonl --quiet
is "$out" '{"type":"tier","tier":"span","groups":3,"extra":2,"of":5}' "passages are groups, what is contained is extra"

# --- pictures: whole files, by how they look
p=$tmp/pictures
mkdir -p "$p"
python3 - "$p" <<'PY'
import random, struct, sys, zlib
def png(name, seed, level):
    random.seed(seed)
    side = 160
    rows = [bytearray(b'\x5a' * (3 * side)) for _ in range(side)]
    for _ in range(40):
        x, y, w, h = (random.randrange(8, 120) for _ in range(4))
        colour = bytes(random.randrange(256) for _ in range(3))
        for row in rows[y:y + h]:
            right = min(side, x + w)
            row[3 * x:3 * right] = colour * (right - x)
    def chunk(kind, data):
        body = kind + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))
    data = zlib.compress(b''.join(b'\0' + bytes(row) for row in rows), level)
    with open(f'{sys.argv[1]}/{name}', 'wb') as out:
        out.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)) +
                  chunk(b'IDAT', data) + chunk(b'IEND', b''))
png('a.png', 1, 9)
png('b.png', 1, 1)
png('c.png', 2, 9)
PY
cp "$p/b.png" "$p/d.png"
run "$ASSAY" dedup "$p" --tier image --emit drop --quiet
is "$(jq -r '[.file, .record, .tier, .representative.file, .representative.record] | map(tostring) | join(" ")' "$tmp/out" | tr '\n' ';')" \
	"b.png null image a.png null;d.png null image a.png null;" "pictures that look like an earlier one are dropped, as files"
run "$ASSAY" dedup "$p" --tier image --emit keep --quiet
is "$out" "$(printf '{"file":"%s"}\n' a.png c.png)" "and the others kept, as files"
run "$ASSAY" dedup "$p" --tier file --tier image --emit drop --quiet
is "$(jq -r '[.file, .tier, .representative.file] | join(" ")' "$tmp/out" | tr '\n' ';')" \
	"b.png image a.png;d.png file a.png;" "a copy of one that is dropped leads to what is kept"
run "$ASSAY" dedup "$p" --tier image --format jsonl --quiet
is "$out" '{"type":"tier","tier":"image","groups":1,"extra":1,"of":4}' "they are counted by what they show"

# --- refusals
run "$ASSAY" dedup "$d" --out "$tmp/x"
is "$status" 2 "--out without --emit is refused"
run "$ASSAY" dedup "$d" --emit drop --out "$d/list"
is "$status" 2 "nothing is written into the dataset"
run "$ASSAY" dedup "$d" --emit drop --out "$tmp/no/such/list"
is "$status $out" "2 " "where nothing can be written is said before the work, not after it"
like "$err" "nothing can be written to '.*/no/such/list': .*/no/such: No such file or directory; choose another place" "with the place and the reason"
run "$ASSAY" dedup "$d" --threshold 3
is "$status" 2 "a threshold is a share"
run "$ASSAY" dedup "$tmp/nowhere"
is "$status" 2 "a dataset that is not there"
echo '{"t":' >"$d/broken.jsonl"
run "$ASSAY" dedup "$d" --emit drop
is "$status" 3 "what could not be read makes it INCOMPLETE"
like "$err" "INCOMPLETE" "and that is said"
done_testing
