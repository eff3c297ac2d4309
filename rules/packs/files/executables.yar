// SPDX-License-Identifier: Apache-2.0
// Programs that stand in a file's bytes, at any offset. Headers per: Microsoft PE/COFF specification; System V ABI,
// chapter 4 (ELF identification). Each rule needs one of its long literals, which is what makes the
// first stage of the scan possible.

// The MS-DOS stub prints its message at a fixed distance behind the "MZ" header: 0x4e with the stubs of
// Microsoft, GNU and Go linkers, 0x50 with Borland's.
rule pe_program
{
    strings:
        $dos_mode = "This program cannot be run in DOS mode"
        $win32 = "This program must be run under Win32"
    condition:
        any of them and
        (for any i in (1..#dos_mode) : (uint16(@dos_mode[i] - 0x4e) == 0x5a4d) or
         for any i in (1..#win32) : (uint16(@win32[i] - 0x50) == 0x5a4d))
}

// Magic, class (32 or 64 bits), byte order, version 1.
rule elf_program
{
    strings:
        $lsb64 = { 7F 45 4C 46 02 01 01 }
        $lsb32 = { 7F 45 4C 46 01 01 01 }
        $msb64 = { 7F 45 4C 46 02 02 01 }
        $msb32 = { 7F 45 4C 46 01 02 01 }
    condition:
        any of them
}

// The first 12 bytes of the usual PE header, of ELF headers with a zero OS ABI, of 64-bit Mach-O headers
// (x86-64, arm64), each as Base64 that starts with the header.
rule base64_program
{
    strings:
        $pe = "TVqQAAMAAAAEAAAA"
        $elf64 = "f0VMRgIBAQAAAAAA"
        $elf32 = "f0VMRgEBAQAAAAAA"
        $macho_x86 = "z/rt/gcAAAED"
        $macho_arm = "z/rt/gwAAAE"
    condition:
        any of them
}
