#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Changed rules and configuration: checked beside what is in force, then taken over, or not at all. An audit keeps what it
# began with. `assayd --check-config` checks the same without a daemon.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

pack() { # pack WORD [HIT-EXAMPLE]: a pack whose one rule finds WORD
	mkdir -p "$tmp/pack"
	printf 'pack: house\nversion: 1.0.0\ntitle: {en: House words}\nlicence: Apache-2.0\n' >"$tmp/pack/pack.yaml"
	cat >"$tmp/pack/words.yaml.new" <<YAML
- id: house.word
  title: {en: A word of the house}
  severity: high
  detect:
    pattern: '\b$1\b'
  tests:
    hit: ['one ${2:-$1} here']
    miss: ['nothing of it']
YAML
	mv "$tmp/pack/words.yaml.new" "$tmp/pack/words.yaml"
}
policy() { # policy CONDITION
	printf 'policy: house\nversion: 1.0.0\ntitle: {en: House}\nfail:\n  - {id: none, expr: "%s", note: {en: None of it.}}\n' "$1" >"$tmp/gate.yaml"
}
verdict() { # verdict NAME TEXT: of a new delivery
	deliver "$1" "$2"
	"$ASSAY" wait "$tmp/in/$1" --timeout 60s --no-progress >/dev/null 2>&1
	field "$tmp/in/$1" .verdict
}
house() {
	cat >"$tmp/assayd.yaml" <<YAML
version: 1
state_dir: $tmp/state
control: {socket: $tmp/control.sock}
retry_delay: 50ms
sources:
  - {kind: directory, name: in, path: $tmp/in, settle: 200ms, packs: [$tmp/pack], policy: $tmp/gate.yaml}
YAML
}
check() {
	run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config
}
generations() {
	ls "$tmp/state/generations" | tr '\n' ' '
}

# --- the check: everything the configuration names
house
pack zebra
policy 'count(rule == house.word) == 0'
check
is "$status" 0 "a good pack and a good policy are ok" || diag "$err"
pack '(zebra'
check
is "$status" 2 "a pack that does not compile is refused"
like "$err" "$tmp/pack/words.yaml:5:[0-9]+: error" "at its place"
like "$err" '\| +\^$' "with a caret"
pack zebra giraffe
check
is "$status" 2 "a rule that misses its own example is refused"
like "$err" "$tmp/pack/words.yaml:[0-9]+: the example of rule house.word should hit" "by name"
pack zebra
policy 'count(rule == house.wrod) == 0'
printf 'workers: many\n' >>"$tmp/assayd.yaml"
check
like "$err" "workers: 'many'" "errors of the configuration come first"
house
check
like "$err" "$tmp/gate.yaml:5:[0-9]+: error.*house.w" "a policy that names no rule there is"
sed -i "s|$tmp/pack|$tmp/no-pack|" "$tmp/assayd.yaml"
check
like "$err" "cannot open pack directory $tmp/no-pack" "a pack that is not there"
house
printf 'plugins: {dir: %s/plugins}\n' "$tmp" >>"$tmp/assayd.yaml"
mkdir "$tmp/plugins"
chmod 755 "$tmp/plugins"
printf 'no library' >"$tmp/plugins/broken.so"
policy 'count(rule == house.word) == 0'
check
is "$status" 2 "a plugin that does not load is refused"
like "$err" "broken" "by name"
run "$ASSAYD" -c "$tmp/assayd.yaml"
is "$status" 2 "and a daemon does not start on it"
rm -r "$tmp/plugins"
house
run "$ASSAYD" --copy-to "$tmp/x"
is "$status" 2 "--copy-to goes with --check-config"
packs=
for i in a b c d e f g h i j k; do
	mkdir "$tmp/pack-$i"
	printf 'pack: house%s\nversion: 1.0.0\ntitle: {en: House words}\nlicence: Apache-2.0\n' "$i" >"$tmp/pack-$i/pack.yaml"
	packs="$packs, $tmp/pack-$i"
done
printf 'not: a rule\n' >"$tmp/pack-k/words.yaml"
sed -i "s|packs: \[.*\], policy: $tmp/gate.yaml|packs: [${packs#, }]|" "$tmp/assayd.yaml"
mkdir "$tmp/x"
run "$ASSAYD" -c "$tmp/assayd.yaml" --check-config --copy-to "$tmp/x"
like "$err" "$tmp/pack-k/words.yaml:1" "of eleven packs the last is named by its own name"
house

# --- in force until a reload, whatever happens to the files
start
is "$(verdict one 'a zebra ran')" FAIL "the rule is in force"
pack '(zebra'
is "$(verdict two 'a zebra ran')" FAIL "a pack that is broken on the disk changes nothing"
rm -r "$tmp/pack" "$tmp/gate.yaml"
is "$(verdict three 'a zebra ran')" FAIL "nor one that is gone"

# --- a reload that fails
run "$ASSAY" reload
is "$status" 2 "assay reload says that it failed"
like "$err" "$tmp/pack" "and where, by the name it has for its owner"
pack '(zebra'
policy 'count(rule == house.word) == 0'
run "$ASSAY" reload
like "$err" "$tmp/pack/words.yaml:5:[0-9]+: error" "with the place"
unlike "$err" "generations" "and no name of ours"
like "$(grep 'the old configuration stays' "$tmp/log" | tail -n 1)" "words.yaml:5" "the log says it too"
is "$(verdict four 'a zebra ran')" FAIL "the old rules go on"
is "$(generations)" "1 " "nothing is left of what failed"

# --- mended
pack giraffe
kill -HUP "$daemon"
reloaded() { grep -q 'reloaded generation=' "$tmp/log"; }
until_true 60 reloaded
ok $? "SIGHUP takes the mended pack"
is "$(verdict five 'a zebra ran')$(verdict six 'a giraffe ran')" PASSFAIL "the new rule is in force, the old one is not"
is "$(generations | wc -w)" 1 "one generation is kept"

# --- a run keeps what it began with
hold
deliver seven 'a giraffe ran'
until_true 30 held
until_true 30 has "$tmp/in/seven" .state running
pack zebra
run "$ASSAY" reload
is "$status" 0 "a reload while an audit runs" || diag "$err"
is "$(generations | wc -w)" 2 "its generation stays while it runs"
let_go
"$ASSAY" wait "$tmp/in/seven" --timeout 60s --no-progress >/dev/null 2>&1
is "$(field "$tmp/in/seven" .verdict)" FAIL "it ends under the rules it began with"
one_left() { [ "$(generations | wc -w)" -eq 1 ]; }
until_true 20 one_left
ok $? "then that generation is removed"
is "$(verdict eight 'a giraffe ran')" PASS "and the next audit is under the new ones"

# --- many at once: each is answered by a reload that saw its change
for n in 1 2 3 4; do
	"$ASSAY" reload >/dev/null 2>&1 &
	asked="${asked:-} $!"
done
pack giraffe
run "$ASSAY" reload
is "$status" 0 "a reload that is asked for during another"
is "$(verdict nine 'a giraffe ran')" FAIL "has seen the last change"
# shellcheck disable=SC2086
wait $asked

# --- the configuration itself, and its policy
policy 'count(rule == house.word) <= 5'
run "$ASSAY" reload
is "$(verdict ten 'a giraffe ran')" PASS "a changed policy is in force"
stop
is "$status" 0 "it ends well"
done_testing
