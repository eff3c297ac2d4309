// SPDX-License-Identifier: Apache-2.0
// The EICAR test string (https://www.eicar.org/download-anti-malware-testfile/). In hexadecimal, so that this file
// is not itself quarantined; the part behind the backslash, so that the JSON-escaped form matches, too.

rule eicar_test_string
{
    strings:
        $tail = { 7D 24 45 49 43 41 52 2D 53 54 41 4E 44 41 52 44 2D 41 4E 54 49 56 49 52 55 53 2D
                  54 45 53 54 2D 46 49 4C 45 21 24 48 2B 48 2A }
    condition:
        $tail
}
