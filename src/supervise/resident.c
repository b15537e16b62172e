/*
 * Owns what is given back to the kernel before the long wait: code and constants, which can be read
 * from the file again, and the unused stack below us. The release's linker script
 * (package/release.ld) puts the loop together and names the ends of what is constant. A page that
 * holds anything else must not be given back, so pages that are shared with it are left alone.
 */
#include "supervise/resident.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char constant_pages_begin[] __attribute__((weak));
extern const char constant_pages_end[] __attribute__((weak));

/* Reports and file reads have made the stack deeper than the loop will be. */
#define STACK_DEPTH ((uintptr_t)64 * 1024)
#define STACK_KEPT ((uintptr_t)512) /* For this function, and what it calls. */

/* Gives back the whole pages between two addresses. */
static void pages_let_go(uintptr_t begin, uintptr_t end) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (begin < end) {
        /* Rounded numbers have no pointer any more. NOLINTNEXTLINE(performance-no-int-to-ptr) */
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
}

void resident_settle(void) {
    if ((uintptr_t)constant_pages_end == 0) {
        return;
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    pages_let_go(here - STACK_DEPTH, here - STACK_KEPT);
    pages_let_go((uintptr_t)constant_pages_begin, (uintptr_t)constant_pages_end);
}
