#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The container file and the Debian packaging, as far as they can be read without building either: what they name exists,
# and their lists are those of the programs. (./check debian builds the packages.)
. "$(dirname "$0")/lib.sh"
cd "$ASSAY_SRCDIR" || exit 1
file=dist/container/Containerfile

# --- the image
missing=$(sed -n 's/^COPY \(dist[^-].*\) [^ ]*$/\1/p' $file | tr ' ' '\n' | while read -r f; do [ -e "$f" ] || echo "$f"; done)
is "$missing" "" "everything that is copied from the tree is there"
is "$(grep -c '^FROM debian:12-slim' $file)" 2 "both stages are Debian 12"
like "$(grep -B99 '^ENTRYPOINT' $file | grep '^USER' | tail -n 1)" '^USER [1-9][0-9]*:[1-9][0-9]*$' "it runs as a user by number, not root"
like "$(cat $file)" '^HEALTHCHECK .*CMD \["assay", "status"\]$' "its health is what assayd answers"
is "$(grep -vcE '^(#|FROM|WORKDIR|COPY|RUN|USER|VOLUME|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD| &&|$)' $file)" 0 "no line is anything but an instruction"
mkdir -p "$tmp/data"
sed -e "s|/data$|$tmp/data|" -e "s|/var/lib/assay|$tmp/state|" -e "s|/run/assay|$tmp/run|" dist/container/assayd.yaml >"$tmp/assayd.yaml"
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
is "$status" 0 "its configuration is accepted" || diag "$err"

# --- what the programs need at run time is what dist/packages.txt says
if command -v readelf >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1 && ! grep -q fsanitize "$ASSAY_BUILDDIR/config.log"; then
	for program in assay assayd assay-worker; do
		program=$ASSAY_BUILDDIR/$program
		[ -x "${program%/*}/.libs/${program##*/}" ] && program=${program%/*}/.libs/${program##*/}
		readelf -d "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'
	done | sort -u | while read -r lib; do
		path=$(ldconfig -p | sed -n "s|.*$lib (libc6,[^)]*) => ||p" | head -n 1)
		for at in "$path" "/usr${path#/usr}" "$(readlink -f "$path")"; do
			dpkg-query -S "$at" 2>/dev/null | head -n 1 | sed 's/:.*//' && break
		done
	done | grep -vx libc6 | sort -u >"$tmp/needed"
	awk '$1 == "run" { print $2 }' dist/packages.txt | sort -u >"$tmp/listed"
	is "$(comm -23 "$tmp/needed" "$tmp/listed" | tr '\n' ' ')" "" "no library is missing from the list to run"
fi

# --- the packages
version=$(sed -n 's/^AC_INIT(\[assay\], \[\([^]]*\)\].*/\1/p' configure.ac)
is "$(sed -n '1s/^assay (\([^)]*\)).*/\1/p' debian/changelog)" "$version" "the packages have the version of the program"
needed=$(sed -n '/^Build-Depends:/,/^Standards/p' debian/control | tr -d ',' | tr ' ' '\n' |
	grep -E '^lib.*-dev$' | sort -u)
listed=$(awk '$1 == "build" || $2 == "libcmocka-dev" { print $2 }' dist/packages.txt | grep -E '^lib.*-dev$' | sort -u)
# zlib1g-dev does not begin with lib; the rest of both lists is the same
is "$needed" "$listed" "they are built with the libraries of dist/packages.txt"
run sh -n debian/assayd.postrm
is "$status$err" 0 "the maintainer script parses"
run sh -n debian/tests/smoke
is "$status$err" 0 "so does the smoke test"
done_testing
