-- Roles, bans and the audit log (DOMAIN §1, §29).
\ir ../helpers.psql
SELECT plan(114);
SELECT pg_temp.account(n) FROM unnest('{ann,bob,mod,mod2,adm,adm2,root}'::text[]) n \g /dev/null

CREATE FUNCTION pg_temp.roles(who text) RETURNS text[] LANGUAGE sql
	RETURN ARRAY(SELECT role FROM game.account_roles WHERE account_id = pg_temp.a(who) AND (expires_at IS NULL OR expires_at > necp.now()) ORDER BY role);
CREATE FUNCTION pg_temp.status(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT status FROM game.accounts WHERE id = pg_temp.a(who));
CREATE FUNCTION pg_temp.events(who text, type text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM game.game_events e WHERE e.account_id = pg_temp.a(who) AND e.type = events.type);
CREATE FUNCTION pg_temp.audit(who text) RETURNS game.admin_audit_log LANGUAGE sql
	RETURN (SELECT l FROM game.admin_audit_log l WHERE target_id = pg_temp.a(who) ORDER BY id DESC LIMIT 1);
-- A call of an account, or of an operator where nobody acts: undone, its refusal; or kept, its answer.
CREATE FUNCTION pg_temp.no(actor text, call text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal_of(CASE WHEN actor IS NULL THEN 'SELECT ' || call
		ELSE format('SELECT %s FROM necp.enter(%L, NULL, NULL, NULL, ''a'', -1) e', call, pg_temp.s(actor)) END);
CREATE FUNCTION pg_temp.yes(actor text, call text) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answer json;
BEGIN
	PERFORM necp.enter(pg_temp.s(actor), NULL, NULL, 'c0ffee00-0000-4000-8000-000000000001', 'p', -1);
	EXECUTE 'SELECT ' || call INTO answer;
	RETURN answer;
END
$$;
CREATE FUNCTION pg_temp.grant(who text, role text, ends timestamptz DEFAULT NULL, reason text DEFAULT 'for the tests') RETURNS text LANGUAGE sql
	RETURN format('necp.role_grant(%L::bigint, %L, %L, %L)', pg_temp.a(who), role, ends, reason);
CREATE FUNCTION pg_temp.revoke(who text, role text, reason text DEFAULT 'for the tests') RETURNS text LANGUAGE sql
	RETURN format('necp.role_revoke(%L::bigint, %L, %L)', pg_temp.a(who), role, reason);
CREATE FUNCTION pg_temp.ban(who text, until timestamptz DEFAULT NULL, reason text DEFAULT 'for the tests') RETURNS text LANGUAGE sql
	RETURN format('necp.account_ban(%L::bigint, %L, %L)', pg_temp.a(who), until, reason);
CREATE FUNCTION pg_temp.unban(who text, reason text DEFAULT 'for the tests') RETURNS text LANGUAGE sql
	RETURN format('necp.account_unban(%L::bigint, %L)', pg_temp.a(who), reason);
CREATE FUNCTION pg_temp.may(who text, permission int) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal_of(format('SELECT necp.enter(%L, NULL, NULL, NULL, ''a'', %s)', pg_temp.s(who), permission));

-- Roles as content -----------------------------------------------------------------------------------------

SELECT results_eq($$SELECT r.role, array_agg(p.name ORDER BY p.permission_id) FROM game.roles r JOIN game.role_permissions USING (role) JOIN game.permissions p USING (permission_id)
	WHERE p.permission_id > 3 AND r.role <> 'SUPER_ADMIN' GROUP BY r.role ORDER BY r.role$$,
	$$VALUES ('ADMIN', '{chat.moderate,player.mute,player.kick,player.ban,player.unban,player.search,event.create,world.manage,economy.adjust,items.grant,analytics.view}'::text[]),
	         ('MODERATOR', '{chat.moderate,player.mute,player.kick,player.ban,player.unban}'::text[])$$, 'what moderators and administrators may');
SELECT is((SELECT count(*) FROM game.role_permissions WHERE role = 'SUPER_ADMIN'), (SELECT count(*) FROM game.permissions), 'a super administrator may all');

-- Granting -------------------------------------------------------------------------------------------------

SELECT is(pg_temp.yes(NULL, pg_temp.grant('root', 'SUPER_ADMIN'))::jsonb, jsonb_build_object('account_id', pg_temp.a('root'), 'status', 'ACTIVE', 'banned_at', NULL,
	'banned_until', NULL, 'roles', '["PLAYER", "SUPER_ADMIN"]'::jsonb), 'an operator grants a role');
SELECT is(row((pg_temp.audit('root')).account_id, (pg_temp.audit('root')).database_user, (pg_temp.audit('root')).action, (pg_temp.audit('root')).target_type,
	(pg_temp.audit('root')).reason, (pg_temp.audit('root')).data, (pg_temp.audit('root')).trace_id)::text,
	row(NULL::bigint, 'postgres', 'ROLE_GRANT', 'ACCOUNT', 'for the tests', '{"role": "SUPER_ADMIN", "granted": true, "expires_at": null}'::jsonb, 'c0ffee00-0000-4000-8000-000000000001'::uuid)::text,
	'the log tells who did what, why, in which request');
SELECT is(pg_temp.events('root', 'ROLE_CHANGED'), 1::bigint, 'ROLE_CHANGED');
SELECT is(pg_temp.may('adm', 9), 'NC301', 'FORBIDDEN: without a role');
SELECT pg_temp.yes('root', pg_temp.grant('adm', 'ADMIN')) \g /dev/null
SELECT is(pg_temp.may('adm', 9), 'ok: null', 'a role holds at the very next request, session and all');
SELECT is((pg_temp.audit('adm')).account_id, pg_temp.a('root'), 'the log names the account');
SELECT is((SELECT granted_by FROM game.account_roles WHERE account_id = pg_temp.a('adm') AND role = 'ADMIN'), pg_temp.a('root'), 'so does the grant');
SELECT pg_temp.yes('root', pg_temp.grant(n, r)) FROM (VALUES ('adm2', 'ADMIN'), ('mod', 'MODERATOR'), ('mod2', 'MODERATOR')) v (n, r) \g /dev/null
SELECT is(pg_temp.no('bob', pg_temp.grant('ann', 'TESTER')), 'NC301', 'FORBIDDEN: a player grants nothing');
SELECT is(pg_temp.no('adm', pg_temp.grant('ann', 'TESTER')), 'NC301', 'FORBIDDEN: nor does an administrator');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'SUPER_ADMIN')), 'NC301 role', 'FORBIDDEN: nobody grants the own rank');
SELECT is(pg_temp.no('root', pg_temp.grant('root', 'TESTER')), 'NC301 account_id', 'FORBIDDEN: nor anything to oneself');
SELECT is(pg_temp.no('root', pg_temp.revoke('root', 'SUPER_ADMIN')), 'NC301 account_id', 'FORBIDDEN: nor takes it');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'KING')), 'NC001 role', 'VALIDATION: no such role');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', necp.now())), 'NC001 expires_at', 'VALIDATION: it is over before it began');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', 'infinity')), 'NC001 expires_at', 'VALIDATION: for good is no time');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', NULL, 'why?')), 'NC001 reason', 'VALIDATION: four characters are no reason');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', NULL, repeat('ä', 501))), 'NC001 reason', 'VALIDATION: nor are 501');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', NULL, NULL)), 'NC001 reason', 'VALIDATION: nor is none');
SELECT is(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', NULL, 'for' || chr(8238) || ' the tests')), 'NC001 reason', 'VALIDATION: nor is what reads otherwise than it is written');
SELECT matches(pg_temp.no('root', pg_temp.grant('ann', 'TESTER', NULL, repeat('ä', 500))), '^ok', '500 are, and they are characters');
SELECT is(pg_temp.no('root', 'necp.role_grant(9007199254740991, ''TESTER'', NULL, ''for the tests'')'), 'NC401 account_id', 'NOT_FOUND: an account that is not there');
SELECT is(pg_temp.no('root', 'necp.role_grant(NULL, ''TESTER'', NULL, ''for the tests'')'), 'NC001 account_id', 'VALIDATION: nobody');
BEGIN;
UPDATE game.role_permissions SET role = 'ADMIN' WHERE role = 'SUPER_ADMIN' AND permission_id = 15;
SELECT is(pg_temp.no('adm', pg_temp.grant('adm2', 'TESTER')), 'NC301 account_id', 'FORBIDDEN: whoever may grant does not to an equal');
SELECT is(pg_temp.no('adm', pg_temp.revoke('root', 'PLAYER')), 'NC301 account_id', 'FORBIDDEN: or to a higher one');
SELECT is(pg_temp.no('adm', pg_temp.grant('ann', 'ADMIN')), 'NC301 role', 'FORBIDDEN: or a role of the own rank');
SELECT matches(pg_temp.no('adm', pg_temp.grant('ann', 'MODERATOR')), '^ok', 'but below it');
ROLLBACK;

-- Grants that expire, and revoking -------------------------------------------------------------------------

SELECT pg_temp.yes('root', pg_temp.grant('ann', 'MODERATOR', necp.now() + interval '1 hour')) \g /dev/null
SELECT is(pg_temp.may('ann', 7), 'ok: null', 'a grant for an hour');
SELECT necp.clock_advance('59 minutes') \g /dev/null
SELECT is(pg_temp.may('ann', 7), 'ok: null', 'holds for it');
SELECT matches(pg_temp.no('ann', pg_temp.ban('bob', necp.now() + interval '1 day')), '^ok', 'and gives its powers');
SELECT necp.clock_advance('61 seconds') \g /dev/null
SELECT is(pg_temp.may('ann', 7), 'NC301', 'FORBIDDEN: then no longer, before anybody sweeps');
SELECT is(pg_temp.no('ann', pg_temp.ban('bob', necp.now() + interval '1 day')), 'NC301', 'FORBIDDEN: nor its powers');
SELECT is(pg_temp.no('root', pg_temp.revoke('ann', 'MODERATOR')), 'NC401 role', 'NOT_FOUND: what has expired is not held');
SELECT pg_temp.yes('root', pg_temp.grant('ann', 'MODERATOR')) \g /dev/null
SELECT is(pg_temp.may('ann', 7), 'ok: null', 'it can be granted again');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is((SELECT expires_at FROM game.account_roles WHERE account_id = pg_temp.a('ann') AND role = 'MODERATOR'), NULL, 'for good this time');
SELECT is(pg_temp.yes('root', pg_temp.revoke('ann', 'MODERATOR'))::jsonb -> 'roles', '["PLAYER"]'::jsonb, 'a role is taken');
SELECT is(pg_temp.may('ann', 7), 'NC301', 'FORBIDDEN: it is gone at the very next request');
SELECT is(pg_temp.may('ann', 0), 'ok: null', 'the session goes on');
SELECT is(((pg_temp.audit('ann')).action, (pg_temp.audit('ann')).data)::text, ('ROLE_REVOKE'::text, '{"role": "MODERATOR", "granted": false}'::jsonb)::text, 'the log says so');
SELECT is(pg_temp.events('ann', 'ROLE_CHANGED'), 3::bigint, 'ROLE_CHANGED, each time');
SELECT is(pg_temp.no('root', pg_temp.revoke('ann', 'MODERATOR')), 'NC401 role', 'NOT_FOUND: once');
SELECT is(pg_temp.no('bob', pg_temp.revoke('ann', 'PLAYER')), 'NC301', 'FORBIDDEN: a player takes nothing');
SELECT is(pg_temp.no('root', pg_temp.revoke('ann', 'PLAYER', 'no')), 'NC001 reason', 'VALIDATION: not without a reason');

-- Banning --------------------------------------------------------------------------------------------------

SELECT is(pg_temp.no('bob', pg_temp.ban('ann')), 'NC301', 'FORBIDDEN: a player bans nobody');
SELECT is(pg_temp.no('mod', pg_temp.ban('ann')), 'NC301 until', 'FORBIDDEN: a moderator does not ban for good');
SELECT is(pg_temp.no('mod', pg_temp.ban('ann', necp.now() + interval '7 days 1 minute')), 'NC301 until', 'FORBIDDEN: nor for more than seven days');
SELECT matches(pg_temp.no('mod', pg_temp.ban('ann', necp.now() + interval '7 days')), '^ok', 'but for seven');
SELECT is(pg_temp.no('mod', pg_temp.ban('mod2', necp.now() + interval '1 day')), 'NC301 account_id', 'FORBIDDEN: not an equal');
SELECT is(pg_temp.no('mod', pg_temp.ban('adm', necp.now() + interval '1 day')), 'NC301 account_id', 'FORBIDDEN: not a higher one');
SELECT is(pg_temp.no('mod', pg_temp.ban('mod', necp.now() + interval '1 day')), 'NC301 account_id', 'FORBIDDEN: not oneself');
SELECT is(pg_temp.no('adm', pg_temp.ban('ann', necp.now() - interval '1 second')), 'NC001 until', 'VALIDATION: a ban ends in the future');
SELECT is(pg_temp.no('adm', pg_temp.ban('ann', NULL, 'why?')), 'NC001 reason', 'VALIDATION: not without a reason');
SELECT is(pg_temp.no('adm', 'necp.account_ban(9007199254740991, NULL, ''for the tests'')'), 'NC401 account_id', 'NOT_FOUND: nobody');
SELECT is(pg_temp.status('ann'), 'ACTIVE', 'none of these did anything');
SELECT is((SELECT count(*) FROM game.account_bans WHERE account_id = pg_temp.a('ann')), 0::bigint, 'nor is a trace of it left');

SELECT refresh AS token FROM who WHERE name = 'ann' \gset
SELECT necp.now() + interval '2 days' AS until \gset
SELECT pg_temp.yes('mod', pg_temp.ban('ann', :'until')) AS answer \gset
SELECT is(:'answer'::jsonb ->> 'status', 'SUSPENDED', 'a ban for a time suspends');
SELECT is((:'answer'::jsonb ->> 'banned_until')::timestamptz, :'until'::timestamptz, 'until then');
SELECT is(pg_temp.refusal('ann', 'GET', '/auth/me'), 'NC101', 'UNAUTHENTICATED: at the very next request');
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = pg_temp.s('ann')), '(CLOSED,BANNED)', 'the session is closed');
SELECT is((SELECT count(*) FROM live.online_sessions WHERE account_id = pg_temp.a('ann')), 0::bigint, 'and nobody is online');
SELECT is((SELECT count(*) FROM game.refresh_tokens WHERE account_id = pg_temp.a('ann') AND revoked_at IS NULL AND spent_at IS NULL), 0::bigint, 'no refresh token is left');
SELECT matches(pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', :'token')), '^NC(101|310)', 'so nobody refreshes');
SELECT is(pg_temp.events('ann', 'PLAYER_BANNED'), 1::bigint, 'PLAYER_BANNED');
SELECT ok((SELECT NOT data ? 'reason' FROM game.game_events WHERE type = 'PLAYER_BANNED' AND account_id = pg_temp.a('ann')), 'which analysts read, so it has no reason');
SELECT is(((pg_temp.audit('ann')).account_id, (pg_temp.audit('ann')).action, (pg_temp.audit('ann')).reason)::text, (pg_temp.a('mod'), 'PLAYER_BAN'::text, 'for the tests'::text)::text, 'the log has');
SELECT pg_temp.yes('adm', pg_temp.ban('ann')) AS answer \gset
SELECT is(:'answer'::jsonb - 'account_id' - 'banned_at' - 'roles', '{"status": "BANNED", "banned_until": null}'::jsonb, 'another ban takes its place, for good');
SELECT results_eq(format('SELECT lift_cause FROM game.account_bans WHERE account_id = %s ORDER BY id', pg_temp.a('ann')), $$VALUES ('REPLACED'), (NULL)$$, 'both are kept');
SELECT throws_ok(format('INSERT INTO game.account_bans (account_id, reason, banned_at) VALUES (%s, ''again'', now())', pg_temp.a('ann')), '23505', NULL, 'one ban is in force');

-- Lifting --------------------------------------------------------------------------------------------------

SELECT is(pg_temp.no('mod', pg_temp.unban('ann')), 'NC301 account_id', 'FORBIDDEN: a moderator does not lift a ban for good');
SELECT is(pg_temp.no('mod', pg_temp.ban('ann', necp.now() + interval '1 minute')), 'NC301 account_id', 'FORBIDDEN: nor puts a short one in its place');
SELECT is(pg_temp.no('bob', pg_temp.unban('ann')), 'NC301', 'FORBIDDEN: a player lifts none');
SELECT is(pg_temp.no('adm', pg_temp.unban('ann', 'no')), 'NC001 reason', 'VALIDATION: not without a reason');
SELECT is(pg_temp.yes('adm', pg_temp.unban('ann'))::jsonb ->> 'status', 'ACTIVE', 'an administrator does');
SELECT is(pg_temp.no('adm', pg_temp.unban('ann')), 'NC401 account_id', 'NOT_FOUND: once');
SELECT is(pg_temp.events('ann', 'PLAYER_UNBANNED'), 1::bigint, 'PLAYER_UNBANNED');
SELECT is((pg_temp.audit('ann')).action, 'PLAYER_UNBAN', 'the log says so');
SELECT is((SELECT row(lift_cause, lifted_by)::text FROM game.account_bans WHERE account_id = pg_temp.a('ann') ORDER BY id DESC LIMIT 1), format('(UNBANNED,%s)', pg_temp.a('adm')), 'who lifted it is kept');
SELECT pg_temp.login('ann') \g /dev/null
SELECT matches(pg_temp.refusal('ann', 'GET', '/auth/me'), '^ok', 'the account comes back');
SELECT pg_temp.yes('adm', pg_temp.ban('ann', necp.now() + interval '8 days')) \g /dev/null
SELECT is(pg_temp.no('mod', pg_temp.unban('ann')), 'NC301 account_id', 'FORBIDDEN: a moderator does not lift one of eight days');
SELECT necp.clock_advance('6 days') \g /dev/null
SELECT pg_temp.login('mod') \g /dev/null
SELECT is(pg_temp.no('mod', pg_temp.unban('ann')), 'NC301 account_id', 'FORBIDDEN: not even when two are left');
SELECT necp.clock_reset() \g /dev/null
SELECT pg_temp.login(n) FROM unnest('{mod,adm,root}'::text[]) n \g /dev/null
SELECT pg_temp.yes('adm', pg_temp.unban('ann')) \g /dev/null
SELECT pg_temp.yes('adm', pg_temp.ban('ann', necp.now() + interval '3 days')) \g /dev/null
SELECT matches(pg_temp.no('mod', pg_temp.unban('ann')), '^ok', 'but one of three, whoever gave it');
SELECT pg_temp.yes('adm', pg_temp.unban('ann')) \g /dev/null
BEGIN;
UPDATE game.accounts SET status = 'DELETED', deleted_at = necp.now() WHERE id = pg_temp.a('ann');
SELECT is(pg_temp.yes('adm', pg_temp.ban('ann')) ->> 'status', 'DELETED', 'a deleted account is banned too, and stays deleted');
SELECT is(pg_temp.yes('adm', pg_temp.unban('ann')) ->> 'status', 'DELETED', 'likewise after it');
ROLLBACK;
BEGIN;
UPDATE game.accounts SET status = 'SUSPENDED' WHERE id = pg_temp.a('ann');
SELECT is(pg_temp.no('mod', pg_temp.unban('ann')), 'NC301 account_id', 'FORBIDDEN: of a suspension by hand nobody knows how long it is');
SELECT is(pg_temp.no('mod', pg_temp.ban('ann', necp.now() + interval '1 day')), 'NC301 account_id', 'FORBIDDEN: nor is it replaced by a ban that ends');
SELECT is(pg_temp.yes('adm', pg_temp.unban('ann')) ->> 'status', 'ACTIVE', 'whoever may lift any ban lifts it');
ROLLBACK;

-- Time, and the login that finds a ban ----------------------------------------------------------------------

CREATE FUNCTION pg_temp.try(who text, hash text DEFAULT NULL) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email(who), 'verified_hash', coalesce(hash, 'hash of ' || who), 'client_ip', '192.0.2.44'));
SELECT pg_temp.yes('adm', pg_temp.ban('ann')) \g /dev/null
SELECT is(pg_temp.try('ann') -> 'problem' ->> 'code', 'ACCOUNT_BANNED', 'who is banned is told so');
SELECT is(pg_temp.try('ann') -> 'problem' ->> 'detail', 'the account is banned', 'and nothing of the reason');
SELECT is(pg_temp.try('ann', 'another hash') -> 'problem' ->> 'code', 'INVALID_CREDENTIALS', 'but only who has the password');
SELECT date_trunc('second', necp.now()) + interval '1 hour' AS until \gset
SELECT pg_temp.yes('adm', pg_temp.ban('ann', :'until')) \g /dev/null
SELECT is(pg_temp.try('ann') -> 'problem' ->> 'detail', 'the account is banned until ' || (to_json(:'until'::timestamptz) #>> '{}'), 'who is banned for a time is told until when');
SELECT necp.clock_advance('59 minutes') \g /dev/null
SELECT is(pg_temp.try('ann') -> 'problem' ->> 'code', 'ACCOUNT_BANNED', 'so it is for that time');
SELECT is(pg_temp.events('ann', 'PLAYER_UNBANNED'), 3::bigint, 'nobody lifted it');
SELECT necp.clock_advance('61 seconds') \g /dev/null
SELECT isnt(pg_temp.try('ann') ->> 'session_id', NULL, 'a login after it lifts it');
SELECT is(pg_temp.status('ann'), 'ACTIVE', 'for good');
SELECT is((SELECT row(lift_cause, lifted_by)::text FROM game.account_bans WHERE account_id = pg_temp.a('ann') ORDER BY id DESC LIMIT 1), '(EXPIRED,)', 'by time');
SELECT is(pg_temp.events('ann', 'PLAYER_UNBANNED'), 4::bigint, 'PLAYER_UNBANNED, likewise');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
BEGIN;
INSERT INTO game.account_bans (account_id, reason, banned_at, expires_at) VALUES (pg_temp.a('bob'), 'for the tests', necp.now() - interval '2 hours', necp.now() - interval '1 hour');
UPDATE game.accounts SET status = 'SUSPENDED' WHERE id = pg_temp.a('bob');
SELECT is(pg_temp.yes('adm', pg_temp.ban('bob')) ->> 'status', 'BANNED', 'a ban that is over and was not noticed makes way for another');
SELECT results_eq(format('SELECT lift_cause FROM game.account_bans WHERE account_id = %s ORDER BY id', pg_temp.a('bob')), $$VALUES ('EXPIRED'), (NULL)$$, 'and counts as over');
ROLLBACK;
BEGIN;
UPDATE game.accounts SET status = 'SUSPENDED' WHERE id = pg_temp.a('bob');
SELECT matches(pg_temp.refusal(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('bob'), 'verified_hash', 'hash of bob')), 'the account is suspended', 'a suspension by hand bars too');
ROLLBACK;
SELECT pg_temp.yes('adm', pg_temp.ban('bob', necp.now() + interval '1 day')) \g /dev/null
SELECT is(pg_temp.no('bob', 'necp.auth_me()'), 'NC101', 'UNAUTHENTICATED: no session of his acts');
SELECT pg_temp.yes('adm', pg_temp.unban('bob')) \g /dev/null
SELECT pg_temp.login('bob') \g /dev/null

-- Powers that went -----------------------------------------------------------------------------------------

BEGIN;
DELETE FROM game.account_roles WHERE account_id = pg_temp.a('mod') AND role = 'MODERATOR';
SELECT is(pg_temp.may('mod', 7), 'ok: null', 'a session that was cached before its role was deleted by hand');
SELECT is(pg_temp.no('mod', pg_temp.ban('ann', necp.now() + interval '1 day')), 'NC301', 'FORBIDDEN: is judged by the tables');
UPDATE game.accounts SET status = 'SUSPENDED' WHERE id = pg_temp.a('adm');
SELECT is(pg_temp.no('adm', pg_temp.ban('ann')), 'NC101', 'UNAUTHENTICATED: so is an account that was suspended');
ROLLBACK;

-- Operators, and the log -----------------------------------------------------------------------------------

SELECT is((SELECT array_agg(p.proname::text ORDER BY 1) FROM pg_proc p WHERE pronamespace = 'necp'::regnamespace
	AND proname IN ('role_grant', 'role_revoke', 'account_ban', 'account_unban') AND has_function_privilege('necp_admin', oid, 'EXECUTE')
	AND NOT has_function_privilege('necp_edge', oid, 'EXECUTE') AND NOT has_function_privilege('necp_analyst', oid, 'EXECUTE')),
	'{account_ban,account_unban,role_grant,role_revoke}', 'only operators call these');
GRANT EXECUTE ON FUNCTION necp.account_ban TO necp_edge;
SELECT is(pg_temp.run('edge', 'SELECT ' || pg_temp.ban('ann')), 'NC301', 'FORBIDDEN: a server without an acting account is no operator, even if it could call');
REVOKE EXECUTE ON FUNCTION necp.account_ban FROM necp_edge;
SET ROLE necp_admin;
SELECT lives_ok('SELECT count(*) FROM game.admin_audit_log', 'operators read the log');
SELECT throws_ok('DELETE FROM game.admin_audit_log', '42501', NULL, 'and do not change it');
SET ROLE necp_analyst;
SELECT throws_ok('SELECT * FROM game.' || t, '42501', NULL, 'analysts do not read ' || t) FROM unnest('{admin_audit_log,account_bans}'::text[]) t;
SET ROLE necp_owner;
SELECT throws_ok(s, '42501', NULL, 'not even the owner, as whom the rules run: ' || s)
FROM unnest('{UPDATE game.admin_audit_log SET reason = reason,DELETE FROM game.admin_audit_log,TRUNCATE game.admin_audit_log}'::text[]) s;
RESET ROLE;
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is left behind');
SELECT * FROM finish();
