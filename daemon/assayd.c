/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/assayd.c: the command line of assayd: one table of options.
 */
#include <getopt.h>
#include <stdlib.h>

#include "daemon/server.h"
#include <config.h> /* not daemon/config.h */

#define DEFAULT_CONFIG ASSAY_SYSCONFDIR "/assayd.yaml"

static const struct {
    struct option option;
    const char *argument, *help;
} assayd_options[] = {
    {{"config", required_argument, NULL, 'c'}, "FILE", "configuration; default " DEFAULT_CONFIG},
    {{"check-config", no_argument, NULL, 't'}, NULL, "check the configuration and exit"},
    {{"copy-to", required_argument, NULL, 'C'},
     "DIR",
     "with --check-config: copy what is checked to DIR (assayd does, at each reload)"},
    {{"help", no_argument, NULL, 'h'}, NULL, "show this help"},
    {{"version", no_argument, NULL, 'V'}, NULL, "show the version"},
};

#define N_OPTIONS (sizeof assayd_options / sizeof assayd_options[0])

static int show_help(void)
{
    (void)fputs("Usage: assayd [-c FILE] [--check-config]\n"
                "Watches datasets, audits what arrives, and signs the reports. See assayd(8).\n\n",
                stdout);
    for (size_t i = 0; i < N_OPTIONS; i++) {
        (void)printf("  -%c, --%s%s%s\n        %s\n", assayd_options[i].option.val,
                     assayd_options[i].option.name, assayd_options[i].argument == NULL ? "" : "=",
                     assayd_options[i].argument == NULL ? "" : assayd_options[i].argument,
                     assayd_options[i].help);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct server_options opt = {.config_path = DEFAULT_CONFIG};
    struct option table[N_OPTIONS + 1] = {0};
    for (size_t i = 0; i < N_OPTIONS; i++) {
        table[i] = assayd_options[i].option;
    }
    for (int c; (c = getopt_long(argc, argv, "c:tC:hV", table, NULL)) != -1;) {
        if (c == 'c') {
            opt.config_path = optarg;
        } else if (c == 't') {
            opt.check_only = 1;
        } else if (c == 'C') {
            opt.copy_to = optarg;
        } else if (c == 'h') {
            return show_help();
        } else if (c == 'V') {
            return printf("assayd %s\n", PACKAGE_VERSION) < 0;
        } else {
            (void)fputs("See: assayd --help\n", stderr);
            return 2;
        }
    }
    if (optind != argc) {
        (void)fprintf(stderr, "assayd: unexpected argument '%s'\nSee: assayd --help\n",
                      argv[optind]);
        return 2;
    }
    if (opt.copy_to != NULL && !opt.check_only) {
        (void)fputs("assayd: --copy-to goes with --check-config\n", stderr);
        return 2;
    }
    return server_run_main(&opt);
}
