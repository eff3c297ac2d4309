#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house itself: includes point one way, functions stay short, files say what they are, nothing stale.
. "$(dirname "$0")/lib.sh"
cd "$ASSAY_SRCDIR" || exit 1

rank() { # where a room stands; plugins see include/ only
	case $1 in
	assay) echo 0 ;; core) echo 1 ;; rules) echo 2 ;; engine) echo 3 ;; reports) echo 4 ;;
	daemon | cli) echo 5 ;; *) echo 9 ;;
	esac
}

bad=
for room in core rules engine reports daemon cli; do
	mine=$(rank "$room")
	for target in $(find "$room" -name '*.[ch]' -exec sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' {} + | sort -u); do
		[ "$target" = "$room" ] && continue
		case $room/$target in cli/daemon) continue ;; esac
		[ "$(rank "$target")" -lt "$mine" ] || bad="$bad $room->$target"
	done
done
is "$bad" "" "rooms include only what is below them"

doors="daemon/client.h daemon/redis/client.h daemon/redis/message.h "
is "$(sed -n 's/^#include "\(daemon\/[^"]*\)".*/\1/p' cli/*.[ch] | sort -u | tr '\n' ' ')" "$doors" \
	"the command line uses three doors of the daemon"

bad=$(find plugins include -name '*.[ch]' -o -name '*.cc' | xargs grep -nE '^#include "(core|rules|engine|reports|daemon|cli)/' || true)
is "$bad" "" "plugins and the SDK see include/ only"

bad=$(find include core rules engine reports daemon cli plugins tests bench \( -name '*.[ch]' -o -name '*.cc' \) |
	while read -r f; do head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f"; done)
is "$bad" "" "every source file names its licence"

# A function body runs from a line that is "{" to a line that is "}" (the checked-in format puts both in column 0).
lengths=$(find core rules engine reports daemon cli plugins -name '*.c' -exec awk '
	FNR == 1 { open = 0 }
	/^{/ { open = FNR }
	/^}/ && open { print FNR - open - 1, FILENAME ":" open; open = 0 }' {} +)
bad=$(printf '%s\n' "$lengths" | awk '$1 > 80')
is "$bad" "" "no function is longer than 80 lines"
p95=$(printf '%s\n' "$lengths" | awk '{ print $1 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * 0.95)] }')
ok "$([ "$p95" -le 60 ]; echo $?)" "95 of 100 functions have at most 60 lines (they have $p95)"
median=$(printf '%s\n' "$lengths" | awk '{ print $1 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
ok "$([ "$median" -le 13 ]; echo $?)" "the median function has at most 13 lines (it has $median)"

bad=$(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' include core rules engine reports daemon cli plugins | grep -v 'XX(' || true)
is "$bad" "" "nothing is left to do in comments"

# A buffer that frees itself is made before anything may return.
bad=$(find core rules engine reports daemon cli -name '*.c' -exec awk '
	FNR == 1 || /^}/ { split("", bare); n = 0 }
	{ for (x in bare) if ($0 ~ "&" x "[^a-z_0-9]") { delete bare[x]; n-- } }
	/ASSAY_AUTO_BUF [a-z_]+;/ { x = $0; sub(/.*ASSAY_AUTO_BUF /, "", x); sub(/;.*/, "", x); bare[x] = 1; n++ }
	/return/ && n > 0 { print FILENAME ":" FNR }' {} +)
is "$bad" "" "no buffer is released that was not made"

if command -v clang-format >/dev/null 2>&1; then
	bad=$(find include core rules engine reports daemon cli plugins tests bench \( -name '*.[ch]' -o -name '*.cc' \) -exec \
		clang-format --dry-run {} + 2>&1 | grep -oE '^[^:]+' | sort | uniq -c | head -n 5)
	is "$bad" "" "the checked-in format is kept"
fi

run "$ASSAY" man
if cmp -s "$tmp/out" docs/assay.1; then ok 0 "docs/assay.1 is what the command table says"; else
	ok 1 "docs/assay.1 is what the command table says"
	diag "refresh it: make update-man"
fi
if command -v mandoc >/dev/null 2>&1; then
	bad=$(mandoc -Tlint -Wwarning docs/*.[1-8] 2>&1 | head -n 10)
	is "$bad" "" "manual pages are clean"
fi
for shell in bash zsh fish; do
	run "$ASSAY" completion "$shell"
	ok "$status" "completion for $shell"
done
"$ASSAY" completion bash >"$tmp/complete"
run bash -n "$tmp/complete"
is "$status$err" 0 "bash accepts its completion"
done_testing
