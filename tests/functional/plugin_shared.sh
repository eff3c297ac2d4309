#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same sources as shared objects: a second build with one reader and one scanner outside the program says exactly
# what the first says.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/build"
cd "$tmp/build" || exit 1
configure_args='--with-plugin-duplicates=shared --with-plugin-text=shared --disable-dependency-tracking'
env -u MAKEFLAGS "$ASSAY_SRCDIR/configure" $configure_args --with-plugindir="$tmp/none" CFLAGS=-O0 CXXFLAGS=-O0 \
	>"$tmp/log" 2>&1
ok $? "configures with one reader and one scanner shared"
env -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" duplicates.la text.la assay >"$tmp/log" 2>&1
ok $? "builds" || diag "$(tail -5 "$tmp/log")"
mkdir -m 755 "$tmp/plugins"
install -m 644 .libs/duplicates.so .libs/text.so "$tmp/plugins"

mkdir "$tmp/data"
printf '{"t":"the same record here"}\n{"t":"The same record, here"}\n{"t":"the same record here"}\n' >"$tmp/data/a.jsonl"
printf 'a line of text\na line of text\nmail: someone@example.org\n' >"$tmp/data/b.txt"
scan() {
	"$@" --quiet --format jsonl "$tmp/data" 2>"$tmp/err" | grep '"type":"finding"' | sed 's/"fingerprint":"[0-9a-f]*"//'
}
static=$(scan "$ASSAY" scan)
shared=$(scan ./assay scan --plugin "$tmp/plugins/duplicates.so" --plugin "$tmp/plugins/text.so")
like "$static" 'duplicates.normalised' "there is something to find"
is "$shared" "$static" "the shared build finds the same" && [ -n "$shared" ] || diag "$(cat "$tmp/err")"
run ./assay plugin list
unlike "$out" 'duplicates +.*built' "the shared ones are not built in"
done_testing
