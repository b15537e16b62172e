/*
 * What stays in memory while a command runs for weeks.
 */
#ifndef SIGNALBOX_SUPERVISE_RESIDENT_H
#define SIGNALBOX_SUPERVISE_RESIDENT_H

/* Lets go of the code and constants that starting up has touched; what is needed again comes back
 * from the page cache. Does nothing in a build whose linker script does not say where they are. */
void resident_settle(void);

#endif
