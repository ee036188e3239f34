/* SPDX-License-Identifier: PostgreSQL
 *
 * How often a connection may run commands: one bucket per rate class (docs/interfaces.md §2), from
 * the configuration key rate.<class>.
 */
#ifndef NECP_RATE_H
#define NECP_RATE_H

#include "client.h"

/* Takes from the bucket of the class, NULL: account. false with the seconds to wait. */
bool necp_rate_take(Client *client, const char *class, int *retry_after);
void necp_rate_free(struct RateBucket *buckets);

#endif
