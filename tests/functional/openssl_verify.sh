#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A report can be checked without Assay: the recipes of docs/report-format.md, run as they stand there, over reports signed with each
# kind of key; and each kind of tampering makes them fail. Then a disk that is really full.
. "$(dirname "$0")/lib.sh"

command -v openssl >/dev/null || skip_all "openssl is not installed"

# recipe NAME: the indented block behind its mark in the document
recipe() {
	sed -n "/^<!-- recipe: $1 -->/,/^[^ <]/{s/^    //p}" "$ASSAY_SRCDIR/docs/report-format.md"
}

# check NAME REPORT KEY: runs a recipe; every command must succeed
check() {
	(
		cd "$2" || exit 9
		SIGNER=$3 DATA=$tmp/ds TMP=$tmp/work
		export SIGNER DATA TMP
		rm -rf "$TMP" && mkdir -p "$TMP"
		recipe "$1" >"$TMP/recipe.sh"
		test -s "$TMP/recipe.sh" && sh -e "$TMP/recipe.sh"
	) >"$tmp/log" 2>&1
}

mkdir -p "$tmp/ds/sub"
printf '{"text":"first"}\n{"text":"second"}\n' >"$tmp/ds/a.jsonl"
printf 'x,y\n1,2\n' >"$tmp/ds/sub/b c.csv"
printf 'plain\n' >"$tmp/ds/sub/标注.txt"
names=plain
command -v jq >/dev/null && names="plain jq"

for type in ed25519 ecdsa-p256; do
	run "$ASSAY" key new "$tmp/$type.pem" --type "$type"
	is "$status" 0 "$type: a key is made"
	run "$ASSAY" scan "$tmp/ds" --key "$tmp/$type.pem" --out "$tmp/$type"
	is "$status" 0 "$type: a clean dataset passes"
	for name in $names; do
		check $name "$tmp/$type" "$tmp/$type.pem.pub"
		ok $? "$type: the $name recipe verifies it"
		check $name "$tmp/$type" "$tmp/ed25519.pem.pub"
		[ $? -eq 0 ] && got=verified || got=refused
		[ $type = ed25519 ] && want=verified || want=refused
		is "$got" "$want" "$type: the $name recipe depends on the key"
	done
done

echo more >>"$tmp/ds/a.jsonl"
for name in $names; do
	! check $name "$tmp/ed25519" "$tmp/ed25519.pem.pub"
	ok $? "$name: a changed file is noticed"
done
printf '{"text":"first"}\n{"text":"second"}\n' >"$tmp/ds/a.jsonl"
touch "$tmp/ds/extra"
for name in $names; do
	! check $name "$tmp/ed25519" "$tmp/ed25519.pem.pub"
	ok $? "$name: an extra file is noticed"
done
rm "$tmp/ds/extra"
check plain "$tmp/ed25519" "$tmp/ed25519.pem.pub"
ok $? "restored, it verifies again"

# The statement is the same for any number of threads and for any order of creation.
for jobs in 1 2 7; do
	run "$ASSAY" scan "$tmp/ds" --jobs $jobs --key "$tmp/ed25519.pem" --out "$tmp/jobs"
	cmp -s "$tmp/jobs/statement.dsse.json" "$tmp/ed25519/statement.dsse.json"
	ok $? "$jobs threads: the same envelope, signature included"
done

# An encrypted key that openssl can read.
printf 'open sesame\n' >"$tmp/pass"
chmod 600 "$tmp/pass"
run "$ASSAY" key new "$tmp/sealed.pem" --encrypt --passphrase-file "$tmp/pass"
is "$status" 0 "an encrypted key is made"
openssl pkey -in "$tmp/sealed.pem" -passin "file:$tmp/pass" -pubout 2>/dev/null | cmp -s - "$tmp/sealed.pem.pub"
ok $? "openssl opens it with the passphrase"

# A full disk, where we may mount one.
mkdir "$tmp/small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=16k tmpfs "$tmp/small" 2>/dev/null; then
	run "$ASSAY" scan "$tmp/ds" --key "$tmp/ed25519.pem" --out "$tmp/small/r"
	is "$status" 3 "a full disk is an operational error"
	like "$err" "No space left on device" "and is named"
	is "$(ls -A "$tmp/small")" "" "and nothing half written stays"
	umount "$tmp/small"
fi
done_testing
