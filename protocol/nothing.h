/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of a session that is attached to nothing: it has no thread and stands still for ever.
 * Only commands that say so in their table are answered over it (command.h, COMMAND_ANYWHERE and
 * COMMAND_UNATTACHED); what those do not call is not here.
 */
#ifndef PROTOCOL_NOTHING_H
#define PROTOCOL_NOTHING_H

#include "protocol/target.h"

void nothing_init(struct target *target);

#endif
