#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A daemon with options of plugins and signed lists of accepted groups: both are checked with the rules, in force with them, and
# part of what a verdict was reached by. A list that is not in order stops a start, a reload, or the audit, with a sentence.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

words='The quick brown fox jumps over the lazy dog while seventeen grey geese watch from the far bank of the river and nobody says a word about the weather until the sun has gone down behind the old mill'
pair() { # pair NAME: a delivery with two near-duplicates
	mkdir "$tmp/coming"
	printf '{"text":"%s"}\n{"text":"%s again"}\n' "$words" "$words" >"$tmp/coming/a.jsonl"
	mv "$tmp/coming" "$tmp/in/$1"
}
judged() { # judged NAME: its verdict, INCOMPLETE where there is none
	pair "$1"
	"$ASSAY" wait "$tmp/in/$1" --timeout 60s --no-progress >/dev/null 2>&1
	field "$tmp/in/$1" .verdict
}
submitted= # members of the section for submitted datasets
house() { # house LINE...: of the source
	printf '%s\n' "version: 1" "state_dir: $tmp/state" "control: {socket: $tmp/control.sock}" "retry_delay: 50ms" "submit: {$submitted}" "sources:" \
		"  - kind: directory" "    name: in" "    path: $tmp/in" "    settle: 200ms" "    policy: $tmp/gate.yaml" >"$tmp/assayd.yaml"
	for line; do
		printf '    %s\n' "$line" >>"$tmp/assayd.yaml"
	done
}
accept() { # accept LIST GROUP [OPTION...]
	list=$1
	group=$2
	shift 2
	"$ASSAY" suppress new --out "$list.new" --accept "$group" --owner 'A. Lee' --reason 'a licence' --key "$tmp/lee.pem" "$@" >/dev/null 2>&1
	mv "$list.new" "$list"
}
cat >"$tmp/gate.yaml" <<'YAML'
policy: gate
version: 1.0.0
title: {en: Gate, zh: 关卡}
fail:
  - {id: near, expr: metric(duplicates.near_ratio) == 0}
YAML
near='settings: [duplicates.near=true]'
lists="suppressions: [$tmp/accepted.json]"
keys="suppressions_keys: [$tmp/lee.pem.pub]"
"$ASSAY" key new "$tmp/lee.pem" >/dev/null
"$ASSAY" key new "$tmp/other.pem" >/dev/null

# --- settings of a source
house "$near"
start
is "$(judged one)" FAIL "the near tier is on, and its ratio is judged"
group=$("$ASSAY" scan "$tmp/in/one" --scanner duplicates --set duplicates.near=true --set duplicates.group_digests=true --format jsonl --quiet |
	sed -n 's/.*; group \(near:[0-9a-f]*\).*/\1/p')
like "$group" '^near:[0-9a-f]{32}$' "the group has a name"

# --- a list comes into force with a reload
accept "$tmp/accepted.json" "$group"
house "$near" "$lists" "$keys"
run "$ASSAY" reload
is "$status" 0 "a signed list is taken" || diag "$err"
is "$(judged two)" PASS "what it accepts is set aside"
report=$(field "$tmp/in/two" .report)
setting() {
	jq -r --arg n "duplicates.$1" '.predicate.settings[] | select(.name == $n) | .value' "$report/statement.json"
}
is "$(setting accepted_lists)" "$("$ASSAY" suppress show "$tmp/accepted.json" --key "$tmp/lee.pem.pub" | sed -n 's/^1 accepted  //p')" \
	"the statement names the list"
is "$(jq -r '.predicate.metrics[] | select(.name == "duplicates.accepted_groups") | .numerator' "$report/statement.json")" 1 "and counts the group"
like "$(grep 'rules changed' "$tmp/log" | tail -n 1)" "datasets=1" "what was judged without the list is told"

# --- in force until the next reload
house "$near" "$lists" "suppressions_keys: [$tmp/other.pem.pub]"
run "$ASSAY" reload
is "$status" 2 "a key that has not signed is refused"
like "$err" "$tmp/accepted.json.*trusted key" "with the list by its owner's name for it"
unlike "$err" "generations" "and no name of ours"
printf '{}' >"$tmp/accepted.json"
house "$near" "$lists" "$keys"
run "$ASSAY" reload
is "$status" 2 "a list that is none is refused"
is "$(judged three)" PASS "the copy that was checked goes on"

# --- expired since it was checked
accept "$tmp/old.json" "$group" --expires 2020-02-29
cat "$tmp/old.json" >"$(find "$tmp/state/generations" -path '*/suppressions/0-0')"
is "$(judged four) $(field "$tmp/in/four" .state)" "INCOMPLETE failed" "an audit does not go on without a list that was accepted for it"
like "$(field "$tmp/in/four" .reason)" "^$tmp/accepted.json: .*expired on 2020-02-29" "and says why, and of which list, by its owner's name for it"
unlike "$(field "$tmp/in/four" .reason)" "generations" "and no name of ours"
like "$(grep '"why"\|why=' "$tmp/log" | grep 'expired on 2020-02-29' | grep 'ended: INCOMPLETE')" "$tmp/accepted.json" "nor does the log"

# --- what is submitted has lists of its own
mkdir "$tmp/by-hand"
submit() { # submit NAME: its verdict
	pair "$1"
	rm -rf "$tmp/by-hand/$1"
	cp -r "$tmp/in/$1" "$tmp/by-hand/$1"
	"$ASSAY" submit "$tmp/by-hand/$1" --policy "$tmp/gate.yaml" --wait --timeout 60s --no-progress >/dev/null 2>&1
	field "$tmp/by-hand/$1" .verdict
}
accept "$tmp/accepted.json" "$group"
submitted="$near"
house "$near" "$lists" "$keys"
run "$ASSAY" reload
is "$(submit five)" FAIL "settings hold for what is submitted, lists of a source do not"
accept "$tmp/by-hand.json" "$group"
submitted="$near, suppressions: [$tmp/by-hand.json], $keys"
house "$near"
run "$ASSAY" reload
is "$status" 0 "a list for submitted datasets is taken" || diag "$err"
is "$(submit six)" PASS "what it accepts is set aside"
is "$(judged seven)" FAIL "of what is submitted only"
report=$(field "$tmp/by-hand/six" .report)
is "$(setting accepted_lists)" "$("$ASSAY" suppress show "$tmp/by-hand.json" --key "$tmp/lee.pem.pub" | sed -n 's/^1 accepted  //p')" \
	"and their statement names the list"
printf '{}' >"$tmp/by-hand.json"
run "$ASSAY" reload
is "$status" 2 "it is verified at a reload"
like "$err" "$tmp/by-hand.json" "and named"
is "$(submit eight)" PASS "the copy that was checked goes on"
submitted=
stop
is "$status" 0 "it ends well"

# --- refused before anything starts
refused() { # refused PATTERN NAME LINE...
	pattern=$1
	name=$2
	shift 2
	house "$@"
	run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
	is "$status" 2 "$name is refused"
	like "$err" "$pattern" "$name: with why"
}
accept "$tmp/accepted.json" "$group"
house "$near" "$lists" "$keys"
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
is "$status" 0 "all in order" || diag "$err"
refused "given together" "a list without a key" "$lists"
refused "given together" "a key without a list" "$keys"
refused "suppressions must be absolute" "a relative path" "suppressions: [accepted.json]" "$keys"
refused "$tmp/nowhere" "a list that is not there" "suppressions: [$tmp/nowhere]" "$keys"
refused "$tmp/nowhere.pub" "a key that is not there" "$lists" "suppressions_keys: [$tmp/nowhere.pub]"
refused "$tmp/old.json.*expired on 2020-02-29" "a list with an expired entry" "suppressions: [$tmp/old.json]" "$keys"
payload=$(jq -r .payload "$tmp/accepted.json" | base64 -d | sed 's/A. Lee/B. Lee/' | base64 -w 0)
jq -c --arg p "$payload" '.payload = $p' "$tmp/accepted.json" >"$tmp/changed.json"
refused "$tmp/changed.json.*trusted key" "a list that was changed" "suppressions: [$tmp/changed.json]" "$keys"
refused "no option 'nearly'; did you mean 'near'" "an option there is not" "settings: [duplicates.nearly=true]"
refused "no plugin 'duplicate'; did you mean 'duplicates'" "a plugin there is not" "settings: [duplicate.near=true]"
refused "near.*perhaps" "a value that is none" "settings: [duplicates.near=perhaps]"
refused "PLUGIN.OPTION=VALUE" "no setting" "settings: [near]"
submitted="suppressions: [$tmp/accepted.json]"
refused "given together" "a list without a key, for what is submitted" "$near"
submitted="$lists, suppressions_keys: [$tmp/other.pem.pub]"
refused "$tmp/accepted.json.*trusted key" "one that nobody signed who may" "$near"
submitted="settings: [duplicates.nearly=true]"
refused "'submit'.*no option 'nearly'" "an option there is not" "$near"
submitted=
refused "opens none but its dataset" "a setting that names a file" "settings: [duplicates.index=/x]"
refused "signed lists" "groups accepted by a setting" "settings: [duplicates.accepted=${group#near:}]"
done_testing
