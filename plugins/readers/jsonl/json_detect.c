/* SPDX-License-Identifier: Apache-2.0 */
#include "json_detect.h"

#include "../common/lines.h"
#include "json_scan.h"

#define LINES_LOOKED_AT  64u
#define VALUES_LOOKED_AT 16u

/* What the first lines of a head hold. */
struct line_count {
    unsigned lines;      /* whole lines that are not blank */
    unsigned single;     /* of them holding exactly one value */
    unsigned containers; /* of them an object or an array */
};

static char first_character(struct assay_bytes head)
{
    for (size_t i = 0; i < head.len; i++) {
        if (!reader_is_space(head.ptr[i]) && head.ptr[i] != '\x1e') {
            return head.ptr[i];
        }
    }
    return '\0';
}

static int is_single_value(struct assay_bytes line)
{
    struct json_scan s;
    struct json_span span;
    json_scan_init(&s, 0, 1);
    return json_scan_next(&s, line, 1, &span) && !span.broken && span.start == 0 &&
           span.end == line.len;
}

static struct line_count count_lines(struct assay_bytes head, int head_is_all)
{
    struct line_count n = {0, 0, 0};
    struct assay_bytes line;
    const char eol = reader_line_end(head);
    size_t pos = 0;
    while (n.lines < LINES_LOOKED_AT && reader_next_line(head, eol, &pos, &line)) {
        if (pos == head.len && head.ptr[pos - 1] != eol && !head_is_all) {
            break; /* cut off */
        }
        line = reader_trim(line);
        const int single = is_single_value(line);
        n.lines++;
        n.single += (unsigned)single;
        n.containers += (unsigned)(single && (line.ptr[0] == '{' || line.ptr[0] == '['));
    }
    return n;
}

enum json_mode json_detect_mode(struct assay_bytes head, int head_is_all)
{
    const char first = first_character(head);
    const struct line_count n = count_lines(head, head_is_all);
    const int array = first == '[';
    if (n.lines == 0) {
        return array ? JSON_MODE_ARRAY : JSON_MODE_LINES;
    }
    if (n.single * 2 >= n.lines && !(array && n.lines == 1)) {
        return JSON_MODE_LINES;
    }
    if (array) {
        return JSON_MODE_ARRAY;
    }
    return first == '{' || first == '"' ? JSON_MODE_VALUES : JSON_MODE_LINES;
}

/* The head reads as objects and arrays one after another, as far as it goes. */
static int reads_as_values(struct assay_bytes head, int in_array)
{
    struct json_scan s;
    struct json_span span;
    json_scan_init(&s, in_array, 1);
    for (unsigned i = 0; i < VALUES_LOOKED_AT && json_scan_next(&s, head, 0, &span); i++) {
        const char c = head.ptr[span.start];
        if (span.broken || (!in_array && c != '{' && c != '[')) {
            return 0;
        }
    }
    return s.state != SCAN_BROKEN && s.state != SCAN_BROKEN_INDENT;
}

int json_detect_score(struct assay_bytes head, int claimed)
{
    const char first = first_character(head);
    if (first == '\0') {
        return claimed ? 50 : 0;
    }
    const struct line_count n = count_lines(head, 0);
    if (n.containers * 2 >= n.lines && n.containers > 0) {
        return 95;
    }
    if (first != '{' && first != '[') {
        return !claimed ? 0 : n.lines > 0 && n.single * 2 >= n.lines ? 60 : 40;
    }
    const int readable = reads_as_values(head, 0) || (first == '[' && reads_as_values(head, 1));
    return readable ? 85 : claimed ? 60 : 15;
}
