/*
 * The name of the release, for logs and the ledger only: what decides is the content.
 */
#ifndef SIGNALBOX_RAILS_RELEASE_H
#define SIGNALBOX_RAILS_RELEASE_H

/* --release where it is given, otherwise what the platform says (KAMAL_VERSION,
 * HEROKU_RELEASE_VERSION, …); NULL where none is set. */
const char *release_label(const char *given);

/* The platform's variable that says it; NULL where none is set. */
const char *release_variable(void);

#endif
