/*
 * The pid file that a `rails server` left behind when its container was killed: with it in place
 * the next one says "A server is already running" and ends.
 */
#ifndef SIGNALBOX_RAILS_PID_FILE_H
#define SIGNALBOX_RAILS_PID_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Where a `rails server` of these words will write it: its -P or --pid, otherwise PIDFILE,
 * otherwise tmp/pids/server.pid (Rails' server_command.rb), below `directory` where that is not
 * NULL. NULL where it is another server or none (`server` may be NULL); the caller frees it. */
char *pid_file_path(char *const server[], const char *pidfile_variable, const char *directory);

/* Removes `path` where it is a regular file that names a process which is gone, or this one. True
 * when it was removed. Anything else is left alone, and none of it is an error. */
bool pid_file_remove_stale(const char *path);

#endif
