#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# configure's switches. A second build with every plugin but one as a shared object, one left out, and coverage counted: it
# says exactly what the first says, through the same sources.
. "$(dirname "$0")/lib.sh"
[ -z "${ASSAY_TEST_QUICK:-}" ] || skip_all "a second build: only where time allows"

configure() { # in a directory of its own, away from the make that runs this test
	mkdir -p "$tmp/$1"
	at=$1
	shift
	(cd "$tmp/$at" && env -u MAKEFLAGS "$ASSAY_SRCDIR/configure" --disable-dependency-tracking "$@" >"$tmp/log" 2>&1)
}
for refused in --with-plugin-pii=maybe --with-vectorscan=maybe '--enable-asan --enable-tsan'; do
	# shellcheck disable=SC2086
	configure refused $refused
	[ $? -ne 0 ]
	ok $? "configure refuses $refused"
done
shared='duplicates files jsonl labels pii text toxicity'
# shellcheck disable=SC2046
configure build $(printf -- '--with-plugin-%s=shared ' $shared) --with-plugin-csv=no --enable-coverage \
	--with-plugindir="$tmp/plugins" CFLAGS=-O0 CXXFLAGS=-O0
ok $? "configures with all plugins shared but one, and coverage"
summary=$(cat "$tmp/log")
like "$summary" 'scanner pii: +shared' "the summary names each plugin"
like "$summary" 'reader csv: +no' "and what is left out"
like "$summary" 'coverage: yes' "and coverage"
cd "$tmp/build" || exit 1
objects=$(printf '%s.la ' $shared)
# shellcheck disable=SC2086
env -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" $objects assay >"$tmp/log" 2>&1
ok $? "builds" || diag "$(tail -5 "$tmp/log")"
mkdir -m 755 "$tmp/plugins"
for name in $shared; do
	install -m 644 ".libs/$name.so" "$tmp/plugins"
done

mkdir "$tmp/data"
printf '{"t":"the same record here"}\n{"t":"The same record, here"}\n{"t":"the same record here"}\n' >"$tmp/data/a.jsonl"
printf 'a line of text\na line of text\nmail: someone@example.org\n' >"$tmp/data/b.txt"
scan() {
	"$@" --quiet --format jsonl "$tmp/data" 2>"$tmp/err" | grep '"type":"finding"' | sed 's/"fingerprint":"[0-9a-f]*"//'
}
static=$(scan "$ASSAY" scan)
other=$(scan ./assay scan)
like "$static" 'duplicates.normalised' "there is something to find"
is "$other" "$static" "the shared build finds the same" && [ -n "$other" ] || diag "$(cat "$tmp/err")"
run ./assay plugin list
for name in $shared; do
	like "$out" "/plugins/$name\\.so " "$name is loaded from its file"
done
unlike "$out" '^reader +csv ' "csv is not there"
[ -n "$(find . -name '*.gcda' | head -n 1)" ]
ok $? "coverage is counted"
done_testing
