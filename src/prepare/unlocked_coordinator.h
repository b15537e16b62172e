/*
 * --lock=none: a coordinator that keeps nobody apart and records nothing, for who starts one
 * replica only, or keeps them apart by other means. Every start runs the steps.
 */
#ifndef PREPARE_UNLOCKED_COORDINATOR_H
#define PREPARE_UNLOCKED_COORDINATOR_H

#include "prepare/coordinator.h"

struct coordinator unlocked_coordinator_interface(void);

#endif
