/* SPDX-License-Identifier: PostgreSQL
 *
 * Partitions of 12 hours, not of one: a look-up probes each live partition, and three probes cost
 * less than twenty-five.
 */
INSERT INTO necp.partitioned VALUES ('idempotency_keys', 'created_at', '12 hours', 2, '48 hours');

CREATE FUNCTION necp.enter(session uuid, key uuid, request_hash bytea, trace uuid, need "char", permission int)
	RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_enter';
COMMENT ON FUNCTION necp.enter IS
	'Begins a command: sets who acts. need: p public, a account, c character; a capital where no player acts by it. Returns the stored response of a replayed key, else null.';

CREATE FUNCTION necp.finish(response json) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_finish';
COMMENT ON FUNCTION necp.finish IS 'Ends a command with a key: stores its response.';
