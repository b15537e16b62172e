/*
 * --lock=none: a backend that keeps nobody apart and records nothing, for who starts one
 * replica only, or keeps them apart by other means. Every start runs the steps.
 */
#ifndef PREPARE_NONE_NONE_BACKEND_H
#define PREPARE_NONE_NONE_BACKEND_H

#include "prepare/protocol/backend.h"

struct backend none_backend_interface(void);

#endif
