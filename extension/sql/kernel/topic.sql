/* SPDX-License-Identifier: PostgreSQL
 *
 * Who may listen to what belongs to one account or one character.
 */
CREATE FUNCTION necp.account_topic(account_id bigint) RETURNS boolean
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_topic';
COMMENT ON FUNCTION necp.account_topic IS 'Who may listen to an account''s own topics: itself.';
CREATE FUNCTION necp.character_topic(character_id bigint) RETURNS boolean
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_topic';
COMMENT ON FUNCTION necp.character_topic IS 'Who may listen to a character''s own topics: who plays it.';
