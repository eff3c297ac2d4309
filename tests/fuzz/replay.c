/* SPDX-License-Identifier: Apache-2.0
 *
 * The main of a fuzz target that is not linked with libFuzzer: feeds it every file given as
 * argument, or, without arguments, every file of tests/fuzz/corpus/NAME, where the program is
 * fuzz_NAME. Prints TAP; a target that fails aborts, which the test driver sees.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, unsigned number)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (f == NULL || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        printf("not ok %u - %s cannot be read\n", number, path);
        if (f != NULL) {
            (void)fclose(f);
        }
        return 1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size + 1);
    size_t got = data == NULL ? 0 : fread(data, 1, size, f);
    (void)fclose(f);
    if (data != NULL) {
        (void)LLVMFuzzerTestOneInput(data, got);
    }
    printf("%s %u - %s\n", got == size ? "ok" : "not ok", number, path);
    free(data);
    return got != size;
}

static int replay_directory(const char *path, unsigned *number)
{
    int failed = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return 0; /* no corpus yet: the empty input is still replayed */
    }
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char name[4096];
        if (e->d_name[0] != '.' &&
            snprintf(name, sizeof name, "%s/%s", path, e->d_name) < (int)sizeof name) {
            failed |= replay_file(name, ++*number);
        }
    }
    (void)closedir(dir);
    return failed;
}

/* NAME of a program called [lt-]fuzz_NAME, whatever its directory. */
static const char *target_name(const char *program)
{
    const char *at = strstr(program, "fuzz_");
    for (const char *next = at; next != NULL; next = strstr(next + 1, "fuzz_")) {
        at = next;
    }
    return at == NULL ? program : at + strlen("fuzz_");
}

int main(int argc, char **argv)
{
    unsigned number = 1;
    int failed = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("ok 1 - empty input\n");
    for (int i = 1; i < argc; i++) {
        failed |= replay_file(argv[i], ++number);
    }
    if (argc == 1) {
        char path[4096];
        const char *top = getenv("ASSAY_SRCDIR");
        int n = snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", top == NULL ? "." : top,
                         target_name(argv[0]));
        failed |= n > 0 && n < (int)sizeof path ? replay_directory(path, &number) : 1;
    }
    printf("1..%u\n", number);
    return failed;
}
