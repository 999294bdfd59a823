#include "CUnicodeData.h"

#include <stdint.h>

// ICU, the Unicode library that is part of Foundation, brings 30 MiB of data about the world's languages and calendars, a third of the whole executable.
// Nothing here uses them: no module of ours imports Foundation, and the libraries that do use what needs no data. So the executable has an archive
// without entries in their place, as ICU itself has where programs bring their own data (`stubdata`). The linker takes it because it comes before the
// libraries. A toolchain whose ICU has another version brings its data along, and everything works as before; so do debug builds, whose libraries are
// shared ones. See docs/decisions/0048-size-of-the-executable.md.

// The head of a table of contents, as ICU's `stubdata.cpp` has it.
struct archive {
    uint16_t header_size;
    uint8_t magic[2];
    uint16_t info_size;
    uint16_t reserved;
    uint8_t is_big_endian, charset, size_of_character, reserved_byte;
    uint8_t format[4];
    uint8_t format_version[4];
    uint8_t data_version[4];
    uint32_t count;
    uint32_t end[2];
};

#if defined(__linux__)
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define IS_BIG_ENDIAN 1
#else
#define IS_BIG_ENDIAN 0
#endif
#define EMPTY_ARCHIVE \
    {32, {0xda, 0x27}, 20, 0, IS_BIG_ENDIAN, 0, 2, 0, {'T', 'o', 'C', 'P'}, {1, 0, 0, 0}, {0, 0, 0, 0}, 0, {0, 0}}

// The versions of ICU in the toolchains so far.
const struct archive icudt74_dat = EMPTY_ARCHIVE;
const struct archive icudt76_dat = EMPTY_ARCHIVE;
#endif
