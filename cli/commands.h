/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/commands.h: the subcommands there are, one row each, in the order help shows them.
 */
#ifndef ASSAY_CLI_COMMANDS_H
#define ASSAY_CLI_COMMANDS_H

#define CLI_COMMANDS(XX)                                                                           \
    XX(cli_scan)                                                                                   \
    XX(cli_dedup)                                                                                  \
    XX(cli_verify)                                                                                 \
    XX(cli_index_add)                                                                              \
    XX(cli_index_list)                                                                             \
    XX(cli_index_check)                                                                            \
    XX(cli_index_merge)                                                                            \
    XX(cli_index_drop)                                                                             \
    XX(cli_suppress_new)                                                                           \
    XX(cli_suppress_show)                                                                          \
    XX(cli_rules_list)                                                                             \
    XX(cli_rules_explain)                                                                          \
    XX(cli_rules_test)                                                                             \
    XX(cli_rules_lint)                                                                             \
    XX(cli_policy_show)                                                                            \
    XX(cli_policy_lint)                                                                            \
    XX(cli_key_new)                                                                                \
    XX(cli_key_show)                                                                               \
    XX(cli_key_export)                                                                             \
    XX(cli_plugin_list)                                                                            \
    XX(cli_plugin_check)                                                                           \
    XX(cli_status)                                                                                 \
    XX(cli_submit)                                                                                 \
    XX(cli_wait)                                                                                   \
    XX(cli_report)                                                                                 \
    XX(cli_cancel)                                                                                 \
    XX(cli_reaudit)                                                                                \
    XX(cli_reload)                                                                                 \
    XX(cli_metrics)                                                                                \
    XX(cli_queue_submit)                                                                           \
    XX(cli_queue_status)                                                                           \
    XX(cli_queue_drain)                                                                            \
    XX(cli_queue_replay)                                                                           \
    XX(cli_doctor)                                                                                 \
    XX(cli_completion)                                                                             \
    XX(cli_man)                                                                                    \
    XX(cli_version)                                                                                \
    XX(cli_help)

#endif
