#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The SDK as others meet it: installed into a root, its headers in C99 and C++, the worked example built against it, loaded,
# run, and refused when it should be.
. "$(dirname "$0")/lib.sh"

root=$tmp/root
make_quiet() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s "$@" >"$tmp/make.log" 2>&1
}

make_quiet -C "$ASSAY_BUILDDIR" install DESTDIR="$root"
ok $? "make install DESTDIR puts the product into a root" || :
pc=$(find "$root" -name assay-plugin.pc)
[ -n "$pc" ]
ok $? "the pkg-config file is installed"
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
cflags=$(pkg-config --cflags assay-plugin)
is "$(pkg-config --variable=abi_version assay-plugin)" 1 "it names the ABI version"

for h in $(find "$root" -path '*/assay/*.h'); do
	name=$(basename "$h")
	printf '#include <assay/%s>\nint main(void);\nint main(void) { return 0; }\n' "$name" >"$tmp/h.c"
	cp "$tmp/h.c" "$tmp/h.cc"
	cc -std=c99 -pedantic -Wall -Wextra -Werror $cflags -fsyntax-only "$tmp/h.c" 2>"$tmp/err"
	ok $? "$name compiles alone as C99"
	c++ -std=c++11 -Wall -Wextra -Werror $cflags -fsyntax-only "$tmp/h.cc" 2>"$tmp/err"
	ok $? "$name compiles alone as C++"
done

mkdir -m 755 "$tmp/wordcount"
cp "$ASSAY_SRCDIR"/docs/examples/plugin-wordcount/* "$tmp/wordcount"
make_quiet -C "$tmp/wordcount" CFLAGS='-O2 -Werror -pedantic'
ok $? "the example builds against the installed SDK"
so=$tmp/wordcount/wordcount.so
is "$(nm -D --defined-only "$so" | awk '{print $3}')" assay_scanner_plugin "it exports its descriptor and nothing else"

run "$ASSAY" plugin check "$so"
is "$status" 0 "plugin check accepts it"
like "$out" 'wordcount' "and names it"
like "$out" 'max_words' "and its option"

mkdir "$tmp/data"
printf '{"t":"one two three"}\n{"t":"four"}\n' >"$tmp/data/a.jsonl"
run "$ASSAY" scan --plugin "$so" --set wordcount.max_words=2 --format jsonl --quiet "$tmp/data"
like "$out" '"rule":"wordcount.long_record".*"record":0' "its finding is reported"
is "$(printf '%s\n' "$out" | grep -c '"rule":"wordcount.long_record"')" 1 "once"
like "$out" '"wordcount.words"' "its metric is reported"

chmod g+w "$so"
run "$ASSAY" plugin check "$so"
[ "$status" -ne 0 ]
ok $? "a plugin that others can write to is refused"
like "$err" 'can be written to by others' "and the message says why"
chmod g-w "$so"
run "$ASSAY" scan --plugin "$tmp/data/a.jsonl" "$tmp/data"
is "$status" 2 "a file that is no plugin is an error, not a crash"
done_testing
