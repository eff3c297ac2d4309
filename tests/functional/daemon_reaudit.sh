#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What changes while it is audited is audited once more; what was judged under rules that changed is told, and audited
# again when somebody, or the configuration, says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"

cat >"$tmp/policy.yaml" <<'YAML'
policy: ours
version: 1.0.0
title: {en: Ours}
fail:
  - {id: F1, expr: 'count() <= 100'}
YAML
configure "  - {kind: directory, name: ruled, path: $tmp/ruled, policy: $tmp/policy.yaml, settle: 200ms}"
mkdir "$tmp/ruled" "$tmp/ruled/r"
printf '{"text":"fine"}\n' >"$tmp/ruled/r/a.jsonl"
start
run "$ASSAY" wait "$tmp/ruled/r" --timeout 60s --no-progress
is "$status" 0 "judged under the first policy"

# --- changes during an audit
hold
deliver busy
until_true 60 held
ok $? "an audit is under way"
one=$("$ASSAY" report "$tmp/in/busy" --json | jq .run.id)
queued() { [ "$("$ASSAY" status --json | jq ".queued")" = "$1" ]; }
settled() { [ "$("$ASSAY" status --json | jq '[.sources[] | .pending == 0] | all')" = true ]; }
touched() { ! settled; }
for n in 1 2 3; do
	printf '{"text":"change %s"}\n' "$n" >>"$tmp/in/busy/a.jsonl"
	until_true 1 touched # each change is a delivery of its own
	until_true 60 settled
	until_true 60 queued 1 || diag "change $n queued nothing"
done
is "$("$ASSAY" status --json | jq -r '[.queued, .running] | join(" ")')" "1 1" "three changes queue one further audit"
let_go
idle() { [ "$("$ASSAY" status --json | jq '.queued + .running')" = 0 ]; }
until_true 60 idle
two=$("$ASSAY" report "$tmp/in/busy" --json | jq .run.id)
is "$two" $((one + 1)) "which is the last one"
report=$("$ASSAY" report "$tmp/in/busy" --path)
(cd "$tmp/in/busy" && sha256sum -c --quiet --strict "$report/MANIFEST.sha256") >/dev/null 2>&1
ok $? "and saw the last change"

# --- the same names, another content
run "$ASSAY" reaudit --dry-run
is "$out" "0 judged under rules that changed since; 0 queued" "nothing is stale"
sed 's/1\.0\.0/1.0.1/' "$tmp/policy.yaml" >"$tmp/policy.new" && mv "$tmp/policy.new" "$tmp/policy.yaml"
run "$ASSAY" reaudit --dry-run
is "$out" "0 judged under rules that changed since; 0 queued" "an edit that was not reloaded is not in force"
run "$ASSAY" reload
run "$ASSAY" reaudit --dry-run
is "$status" 0 "a dry run"
like "$out" "^PASS +ruled +$tmp/ruled/r\$" "lists what was judged under the old policy"
unlike "$out" "busy" "and nothing of another source"
like "$out" "^1 judged under rules that changed since; 0 queued" "and counts"
like "$(cat "$tmp/log")" "rules changed: judged under others" "the log says so"
run "$ASSAY" status
like "$out" "1 judged under rules that changed: 'assay reaudit'" "the status too"
until_true 20 settled
before=$("$ASSAY" report "$tmp/ruled/r" --json | jq .run.id)
is "$before $(idle && echo idle)" "1 idle" "by default nothing is audited again"
run "$ASSAY" reaudit
like "$out" "; 1 queued" "on request it is"
until_true 60 idle
is "$("$ASSAY" report "$tmp/ruled/r" --json | jq '.run.id > 1 and .run.final')" true "audited again"
like "$(cat "$("$ASSAY" report "$tmp/ruled/r" --path)/statement.json")" "1\.0\.1" "under the new policy"
run "$ASSAY" reaudit
like "$out" "^0 judged" "and not twice"

# --- by configuration
sed 's/1\.0\.1/1.0.2/' "$tmp/policy.yaml" >"$tmp/policy.new" && mv "$tmp/policy.new" "$tmp/policy.yaml"
sed 's/^retry_delay/reaudit: now\nretry_delay/' "$tmp/assayd.yaml" >"$tmp/new.yaml" && mv "$tmp/new.yaml" "$tmp/assayd.yaml"
last=$("$ASSAY" report "$tmp/ruled/r" --json | jq .run.id)
run "$ASSAY" reload
is "$status" 0 "reaudit: now"
again() { [ "$("$ASSAY" report "$tmp/ruled/r" --json | jq ".run.id > $last and .run.final")" = true ]; }
until_true 60 again
ok $? "what changed rules concern is audited again by itself"
until_true 20 idle
is "$("$ASSAY" report "$tmp/ruled/r" --json | jq .run.id) $("$ASSAY" report "$tmp/in/busy" --json | jq .run.id)" "$((last + 1)) $two" "once, and nothing else"
done_testing
