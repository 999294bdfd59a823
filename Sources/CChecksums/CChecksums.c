#include "CChecksums.h"

// Each processor's part: a block of sixteen bytes, and `moved`, which multiplies the two halves of a block with two keys and adds the products.

#if defined(__x86_64__)
#include <immintrin.h>

#define WITH_MULTIPLICATION __attribute__((target("pclmul")))
typedef __m128i block;

static bool can_multiply(void) { return __builtin_cpu_supports("pclmul"); }

static inline block load(const void *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }
static inline void store(uint8_t *bytes, block value) { _mm_storeu_si128((__m128i *)bytes, value); }
static inline block sum(block one, block other) { return _mm_xor_si128(one, other); }
static inline block low(uint64_t value) { return _mm_cvtsi64_si128((long long)value); }

WITH_MULTIPLICATION static inline block moved(block value, block keys) {
    return sum(_mm_clmulepi64_si128(value, keys, 0x00), _mm_clmulepi64_si128(value, keys, 0x11));
}

// Where the processor has it, one instruction multiplies two pairs of blocks.
#define WITH_PAIRS __attribute__((target("avx2,pclmul,vpclmulqdq")))
typedef __m256i pair;

static bool can_multiply_pairs(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq"); }

WITH_PAIRS static inline pair load_pair(const void *bytes) { return _mm256_loadu_si256((const __m256i *)bytes); }
WITH_PAIRS static inline pair sum_pair(pair one, pair other) { return _mm256_xor_si256(one, other); }
WITH_PAIRS static inline block first(pair value) { return _mm256_castsi256_si128(value); }
WITH_PAIRS static inline block second(pair value) { return _mm256_extracti128_si256(value, 1); }

WITH_PAIRS static inline pair moved_pair(pair value, pair keys) {
    return sum_pair(_mm256_clmulepi64_epi128(value, keys, 0x00), _mm256_clmulepi64_epi128(value, keys, 0x11));
}

#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#define WITH_MULTIPLICATION __attribute__((target("aes")))
typedef uint64x2_t block;

static bool can_multiply(void) {
#if defined(__ARM_FEATURE_AES)
    return true;
#elif defined(__linux__)
    // HWCAP_PMULL of <asm/hwcap.h>.
    return getauxval(AT_HWCAP) & 1 << 4;
#else
    return false;
#endif
}

static inline block load(const void *bytes) { return vreinterpretq_u64_u8(vld1q_u8(bytes)); }
static inline void store(uint8_t *bytes, block value) { vst1q_u8(bytes, vreinterpretq_u8_u64(value)); }
static inline block sum(block one, block other) { return veorq_u64(one, other); }
static inline block low(uint64_t value) { return vsetq_lane_u64(value, vdupq_n_u64(0), 0); }

WITH_MULTIPLICATION static inline block moved(block value, block keys) {
    poly128_t first = vmull_p64((poly64_t)vgetq_lane_u64(value, 0), (poly64_t)vgetq_lane_u64(keys, 0));
    poly128_t second = vmull_p64((poly64_t)vgetq_lane_u64(value, 1), (poly64_t)vgetq_lane_u64(keys, 1));
    return sum(vreinterpretq_u64_p128(first), vreinterpretq_u64_p128(second));
}

#endif

#if defined(WITH_MULTIPLICATION)

WITH_MULTIPLICATION
static void fold(const void *bytes, size_t count, uint64_t state, const uint64_t keys[6], uint8_t folded[16]) {
    const uint8_t *next = bytes, *end = next + count;
    // Four blocks at a time: a multiplication takes several cycles, and one can begin in each.
    block one = sum(load(next), low(state)), two = load(next + 16), three = load(next + 32), four = load(next + 48);
    block farther = load(keys), nearer = load(keys + 2);
    for (next += 64; end - next >= 64; next += 64) {
        one = sum(moved(one, farther), load(next));
        two = sum(moved(two, farther), load(next + 16));
        three = sum(moved(three, farther), load(next + 32));
        four = sum(moved(four, farther), load(next + 48));
    }
    two = sum(moved(one, nearer), two);
    three = sum(moved(two, nearer), three);
    four = sum(moved(three, nearer), four);
    for (; next < end; next += 16) four = sum(moved(four, nearer), load(next));
    store(folded, four);
}

#endif

#if defined(WITH_PAIRS)

// Bytes from which on pairs are worthwhile.
#define LEAST_PAIRED 256

WITH_PAIRS
static void fold_pairs(const void *bytes, size_t count, uint64_t state, const uint64_t keys[6], uint8_t folded[16]) {
    const uint8_t *next = bytes, *end = next + count;
    pair one = load_pair(next), two = load_pair(next + 32), three = load_pair(next + 64), four = load_pair(next + 96);
    one = sum_pair(one, _mm256_set_epi64x(0, 0, 0, (long long)state));
    pair farthest = _mm256_broadcastsi128_si256(load(keys + 4));
    for (next += 128; end - next >= 128; next += 128) {
        one = sum_pair(moved_pair(one, farthest), load_pair(next));
        two = sum_pair(moved_pair(two, farthest), load_pair(next + 32));
        three = sum_pair(moved_pair(three, farthest), load_pair(next + 64));
        four = sum_pair(moved_pair(four, farthest), load_pair(next + 96));
    }
    block nearer = load(keys + 2);
    block all = sum(moved(first(one), nearer), second(one));
    all = sum(moved(all, nearer), first(two));
    all = sum(moved(all, nearer), second(two));
    all = sum(moved(all, nearer), first(three));
    all = sum(moved(all, nearer), second(three));
    all = sum(moved(all, nearer), first(four));
    all = sum(moved(all, nearer), second(four));
    for (; next < end; next += 16) all = sum(moved(all, nearer), load(next));
    store(folded, all);
}

#endif

bool c_checksums_fold(const void *bytes, size_t count, uint64_t state, const uint64_t keys[6], uint8_t folded[16]) {
#if defined(WITH_PAIRS)
    if (count >= LEAST_PAIRED && can_multiply_pairs()) {
        fold_pairs(bytes, count, state, keys, folded);
        return true;
    }
#endif
#if defined(WITH_MULTIPLICATION)
    if (!can_multiply()) return false;
    fold(bytes, count, state, keys, folded);
    return true;
#else
    (void)bytes, (void)count, (void)state, (void)keys, (void)folded;
    return false;
#endif
}
