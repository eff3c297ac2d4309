#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where: the product, whole, and nothing else; `make uninstall` takes all of it away again.
. "$(dirname "$0")/lib.sh"

root=$tmp/root
product() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ASSAY_BUILDDIR" "$1" DESTDIR="$root" >"$tmp/log" 2>&1
}
value() { # what configure set a directory to
	sed -n "s/^$1 = //p" "$ASSAY_BUILDDIR/Makefile" | head -n 1
}
prefix=$(value prefix)

product install
ok $? "make install DESTDIR" || diag "$(tail -5 "$tmp/log")"
want="bin/assay
include/assay/base.h
include/assay/finding.h
include/assay/host.h
include/assay/plugin.h
include/assay/reader.h
include/assay/record.h
include/assay/scanner.h
lib/pkgconfig/assay-plugin.pc
lib/systemd/system/assayd.service
lib/systemd/system/assayd.socket
lib/sysusers.d/assay.conf
lib/tmpfiles.d/assay.conf
libexec/assay/assay-signer
libexec/assay/assay-worker
sbin/assayd
share/bash-completion/completions/assay
share/doc/assay/LICENSE
share/doc/assay/examples/assayd.yaml
share/doc/assay/examples/plugin-wordcount/Makefile
share/doc/assay/examples/plugin-wordcount/wordcount.c
share/fish/vendor_completions.d/assay.fish
share/man/man1/assay.1
share/man/man5/assay-rules.5
share/man/man5/assayd.yaml.5
share/man/man8/assayd.8
share/zsh/site-functions/_assay"
like "$(value plugindir)" '/assay/plugins$' "shared plugins have a place"
got=$(cd "$root$prefix" && find . -type f -o -type l | sed 's|^\./||' | LC_ALL=C sort |
	grep -vE '^lib/assay/plugins/|^share/doc/assay/([A-Za-z-]+\.md|docs/images/[a-z-]+\.png)$')
is "$got" "$want" "every file is where it belongs, and no other"
for page in README.md CHANGELOG.md $(cd "$ASSAY_SRCDIR/docs" && echo *.md); do
	[ -f "$root$prefix/share/doc/assay/$page" ]
	ok $? "$page is installed"
done
is "$(find "$root" \( -type f -o -type l \) | grep -vc "^$root$prefix/")" 0 "nothing lies outside the prefix"
is "$(find "$root" -perm /022 ! -type l)" "" "nothing can be written to by others"

run "$root$prefix/bin/assay" version
is "$status" 0 "the installed program runs"
run "$root$prefix/sbin/assayd" --version
is "$status" 0 "so does the installed daemon"
like "$(cat "$root$prefix/lib/systemd/system/assayd.service")" "^ExecStart=$prefix/sbin/assayd " "the unit names the daemon"
unlike "$(cat "$root$prefix"/lib/systemd/system/assayd.*)" '@[a-z]+@' "and no blank is left to fill"
for dynamic in bin/assay sbin/assayd libexec/assay/assay-signer libexec/assay/assay-worker; do
	unlike "$(readelf -d "$root$prefix/$dynamic")" 'R(UN)?PATH' "$dynamic has no run path"
done

product uninstall
ok $? "make uninstall" || diag "$(tail -5 "$tmp/log")"
is "$(find "$root" ! -type d)" "" "nothing is left behind"
done_testing
