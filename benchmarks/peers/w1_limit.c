/* W1 as a hand-written program: one pass, its own random numbers, only half-hour counts.
 *
 *   w1_limit SEATS DAYS SEED     prints: calls good abandoned wait_sum
 *
 * xoshiro256++ (Blackman and Vigna), ziggurats of 256 strips (Marsaglia and Tsang 2000). First come, first served by equal
 * agents, so each call is decided when it enters: the first free agent takes it, unless the caller leaves before.
 * It times itself (REPEATS runs of other seeds), so that the start of the process does not count. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLOTS 18
#define HALF_HOUR 1800.0
static const double PROFILE[SLOTS] = {14, 22, 28, 32, 32, 28, 22, 18, 18, 22, 26, 28, 28, 26, 22, 16, 11, 7};

static uint64_t s[4];
static inline uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
static inline uint64_t next(void) {
    uint64_t r = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t; s[3] = rotl(s[3], 45);
    return r;
}
static inline double uniform(void) { return (double)(next() >> 11) * 0x1p-53; }

static double ex[257], ef[257], nx[257], nf[257];
static void tables(void) {
    double er = 7.69711747013104972, ev = 0.0039496598225815571993;
    double nr = 3.6541528853610088, nv = 0.00492867323399;
    ex[0] = ev / exp(-er); ex[1] = er; nx[0] = nv / exp(-nr * nr / 2); nx[1] = nr;
    for (int i = 1; i < 255; i++) {
        ex[i + 1] = -log(ev / ex[i] + exp(-ex[i]));
        nx[i + 1] = sqrt(-2 * log(nv / nx[i] + exp(-nx[i] * nx[i] / 2)));
    }
    ex[256] = nx[256] = 0;
    for (int i = 0; i < 257; i++) { ef[i] = exp(-ex[i]); nf[i] = exp(-nx[i] * nx[i] / 2); }
}
static inline double exponential(void) {
    for (double tail = 0;;) {
        uint64_t u = next();
        int i = u & 255;
        double x = (double)(u >> 11) * 0x1p-53 * ex[i];
        if (x < ex[i + 1]) return tail + x;
        if (i == 0) { tail += ex[1]; continue; }
        if (ef[i] + uniform() * (ef[i + 1] - ef[i]) < exp(-x)) return tail + x;
    }
}
static inline double normal(void) {
    for (;;) {
        uint64_t u = next();
        int i = u & 255;
        double x = (double)(u >> 11) * 0x1p-53 * nx[i];
        if (x < nx[i + 1]) return u & 256 ? -x : x;
        if (i == 0) {
            double y, z;
            do { y = exponential() / nx[1]; z = exponential(); } while (2 * z < y * y);
            return u & 256 ? -(nx[1] + y) : nx[1] + y;
        }
        if (nf[i] + uniform() * (nf[i + 1] - nf[i]) < exp(-x * x / 2)) return u & 256 ? -x : x;
    }
}

static long calls[SLOTS], good[SLOTS], gone[SLOTS];
static double waits[SLOTS];

static void day(int seats) {
    double free_at[64] = {0};
    const double mu = log(300.0) - 0.7 * 0.7 / 2;
    for (int slot = 0; slot < SLOTS; slot++) {
        double end = (slot + 1) * HALF_HOUR, gap = HALF_HOUR / PROFILE[slot];
        double at = slot * HALF_HOUR;
        while ((at += exponential() * gap) < end) {
            int who = 0;
            for (int i = 1; i < seats; i++)
                if (free_at[i] < free_at[who]) who = i;
            double wait = free_at[who] - at, patience = 180.0 * exponential();
            calls[slot]++;
            if (wait < 0) wait = 0;
            if (wait > patience) { gone[slot]++; waits[slot] += patience; continue; }
            free_at[who] = at + wait + exp(mu + 0.7 * normal()) + 60.0 * exponential();
            good[slot] += wait <= 20.0;
            waits[slot] += wait;
        }
    }
}

int main(int argc, char **argv) {
    int seats = atoi(argv[1]), days = atoi(argv[2]), repeats = argc > 4 ? atoi(argv[4]) : 1;
    uint64_t x = strtoull(argv[3], 0, 10);
    (void)argc;
    tables();
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = (x += 0x9E3779B97F4A7C15ull);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        s[i] = z ^ (z >> 31);
    }
    struct timespec a, b;
    for (int d = 0; d < days; d++) day(seats); /* warm */
    for (int i = 0; i < SLOTS; i++) calls[i] = good[i] = gone[i] = waits[i] = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (int r = 0; r < repeats; r++)
        for (int d = 0; d < days; d++) day(seats);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    long n = 0, g = 0, l = 0;
    double w = 0;
    for (int i = 0; i < SLOTS; i++) { n += calls[i]; g += good[i]; l += gone[i]; w += waits[i]; }
    printf("{\"seconds\": %.9f, \"calls\": %ld, \"good\": %ld, \"abandoned\": %ld, \"waited\": %.6f}\n",
           (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) * 1e-9, n, g, l, w);
}
