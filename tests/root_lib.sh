# SPDX-License-Identifier: Apache-2.0
# root_lib.sh: a minimal Debian 12 in a directory. Source it.
#
#   new_root DIR [PACKAGES]   makes one there with debootstrap, with PACKAGES (commas between) besides; apt in it reaches
#                             what apt here reaches. Non-zero, and the end of debootstrap's words, when it cannot.

root_mirror() {
	awk '/^URIs:/ { print $2; exit } /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' \
		/etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1
}

new_root() {
	from=$(root_mirror)
	debootstrap --variant=minbase ${2:+--include="$2"} bookworm "$1" ${from:+"$from"} >"$1.log" 2>&1 || {
		tail -n 5 "$1.log" >&2
		return 1
	}
	rm -f "$1.log"
	chmod 755 "$1"
	cp /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null
	apt-config dump Acquire | grep -iE '^Acquire::https?::proxy' >"$1/etc/apt/apt.conf.d/90proxy"
	return 0
}
