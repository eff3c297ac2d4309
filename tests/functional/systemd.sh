#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units, as systemd itself reads them: no error, and hardened as far as operations.md says.
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null 2>&1 || skip_all "no systemd-analyze"

# A root of our own: the units as they are installed, and what they refer to.
root=$tmp/root
mkdir -p "$root/etc/systemd/system" "$root/usr/lib/systemd/system" "$root/bin"
cp "$ASSAY_BUILDDIR"/dist/systemd/assayd.service "$ASSAY_BUILDDIR"/dist/systemd/assayd.socket "$root/etc/systemd/system"
daemon=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$root/etc/systemd/system/assayd.service")
like "$daemon" '^/.*/assayd$' "the unit starts the daemon by its path"
mkdir -p "$root${daemon%/*}"
for program in "$daemon" /bin/kill; do
	printf '#!/bin/sh\n' >"$root$program"
	chmod +x "$root$program"
done
for unit in local-fs.target sockets.target sysinit.target basic.target shutdown.target multi-user.target network.target; do
	printf '[Unit]\nDescription=%s\n' "$unit" >"$root/usr/lib/systemd/system/$unit"
done
printf '[Unit]\nDescription=root\n[Slice]\n' >"$root/usr/lib/systemd/system/system.slice"
run systemd-analyze verify --root="$root" --man=no assayd.service assayd.socket
is "$status" 0 "systemd-analyze verify accepts both units" || diag "$err"
unlike "$err" 'assayd\.(service|socket)' "without a word about them"

run systemd-analyze security --offline=true --root="$root" --no-pager assayd.service
score=$(printf '%s\n' "$out$err" | sed -n 's/.*exposure level for assayd.service: \([0-9.]*\).*/\1/p')
said=$(sed -n 's/.*exposure level of \*\*\([0-9.]*\)\*\*.*/\1/p' "$ASSAY_SRCDIR/docs/operations.md")
is "$score" "$said" "the exposure level is what operations.md says"
run systemd-analyze security --offline=true --root="$root" --no-pager --threshold=10 assayd.service
is "$status" 0 "and at most 1.0 of 10"

# --- who it runs as, and where
socket=$root/etc/systemd/system/assayd.socket
user=$(sed -n 's/^User=//p' "$root/etc/systemd/system/assayd.service")
like "$(cat "$ASSAY_SRCDIR/dist/sysusers.d/assay.conf")" "^u $user " "sysusers.d makes the user it runs as"
is "$(sed -n 's/^SocketUser=//p' "$socket")" "$user" "who owns the socket"
listen=$(sed -n 's/^ListenStream=//p' "$socket")
like "$listen" '/assay/control.sock$' "the socket is where clients look"
if command -v systemd-sysusers >/dev/null 2>&1; then
	mkdir -p "$tmp/made/etc"
	run systemd-sysusers --root="$tmp/made" "$ASSAY_SRCDIR/dist/sysusers.d/assay.conf"
	is "$status" 0 "systemd-sysusers takes it" || diag "$err"
	like "$(cat "$tmp/made/etc/passwd")" "^$user:x:[0-9]+:[0-9]+:[^:]*:/var/lib/assay:.*nologin" "and makes a user who cannot log in"
fi
if command -v systemd-tmpfiles >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ] && [ -s "$tmp/made/etc/passwd" ]; then
	run systemd-tmpfiles --create --root="$tmp/made" "$ASSAY_SRCDIR/dist/tmpfiles.d/assay.conf"
	is "$status" 0 "systemd-tmpfiles takes it" || diag "$err"
	is "$(stat -c %a "$tmp/made/run/assay") $(stat -c %a "$tmp/made/var/lib/assay")" "755 750" "and makes both directories"
fi
done_testing
