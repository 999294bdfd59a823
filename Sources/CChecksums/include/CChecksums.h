#ifndef C_CHECKSUMS_H
#define C_CHECKSUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Makes sixteen bytes of many, whose reflected CRC, begun with 0, is that of the many.
///
/// After: V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009.
///
/// - `bytes`: `count` of them: a multiple of 16, and 64 or more.
/// - `state`: the register of the CRC before them, in the lowest bits.
/// - `keys`: x^575, x^511, x^191, x^127, x^1087 and x^1023 modulo the polynomial; the highest of 64 bits is the lowest power.
/// - Returns: false if the processor has no multiplication without carries; `folded` is as it was then.
bool c_checksums_fold(const void *bytes, size_t count, uint64_t state, const uint64_t keys[6], uint8_t folded[16]);

#endif
