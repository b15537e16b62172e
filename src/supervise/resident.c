/*
 * Owns the one madvise(2). The release's linker script (package/release.ld) lays the loop together
 * and names the ends of what can be read from the file again.
 * The trap: the pages between must be constant. The script's names enclose code and constants only,
 * and a page that they share with anything else is left alone.
 */
#include "resident.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char constant_pages_begin[] __attribute__((weak));
extern const char constant_pages_end[] __attribute__((weak));

void resident_settle(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)constant_pages_begin + page - 1) / page * page;
    uintptr_t end = (uintptr_t)constant_pages_end / page * page;
    if (begin < end) {
        /* madvise wants a pointer where these are numbers that were rounded. */
        (void)madvise(
            (void *)begin, end - begin, MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr) */
    }
}
