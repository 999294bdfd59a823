#ifndef C_UNICODE_DATA_H
#define C_UNICODE_DATA_H

// Nothing is imported from here: see CUnicodeData.c.

#endif
