/*
 * --lock=none: a backend that keeps no replicas apart and records nothing, for a single replica, or
 * for replicas that are kept apart by other means. Every start runs the steps.
 */
#ifndef PREPARE_NONE_NONE_BACKEND_H
#define PREPARE_NONE_NONE_BACKEND_H

#include "prepare/protocol/backend.h"

struct backend none_backend_interface(void);

#endif
