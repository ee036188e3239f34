-- Who may listen to what (docs/interfaces.md §6, DOMAIN §31).
\ir ../helpers.psql
SELECT plan(25);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
SELECT pg_temp.account('eve') \g /dev/null
CREATE FUNCTION pg_temp.hears(who text, topic text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal_of(format('SELECT necp.subscribe(%L, %L)', pg_temp.s(who), topic));
SELECT pg_temp.a('ann') AS a, pg_temp.c('ann') AS c \gset

SELECT is(pg_temp.hears('ann', '/topic/server/announcements'), 'ok: ', 'everybody hears announcements');
SELECT is(pg_temp.hears('eve', '/topic/server/announcements'), 'ok: ', 'without a character, too');
SELECT is(pg_temp.hears('ann', '/topic/world/events'), 'ok: ', 'and of the world');
SELECT is(pg_temp.hears('ann', format('/topic/player/%s/notifications', :a)), 'ok: ', 'own notifications');
SELECT is(pg_temp.hears('ann', format('/topic/character/%s/inventory', :c)), 'ok: ', 'own inventory');
SELECT is(pg_temp.hears('ann', format('/topic/character/%s/quests', :c)), 'ok: ', 'own quests');
SELECT is(pg_temp.hears('bob', format('/topic/player/%s/notifications', :a)), 'NC301 topic', 'FORBIDDEN: another''s notifications');
SELECT is(pg_temp.hears('bob', format('/topic/character/%s/inventory', :c)), 'NC301 topic', 'FORBIDDEN: another''s inventory');
SELECT is(pg_temp.hears('bob', format('/topic/character/%s/quests', :c)), 'NC301 topic', 'FORBIDDEN: another''s quests');
SELECT is(pg_temp.hears('eve', format('/topic/character/%s/inventory', :c)), 'NC301 topic', 'FORBIDDEN: an inventory without a character');
SELECT is(pg_temp.hears('ann', '/topic/zone/1/events'), 'NC301 topic', 'FORBIDDEN: a zone from outside');

SELECT is(pg_temp.hears('ann', '/topic/no/such'), 'NC470 topic', 'NOT_SUBSCRIBABLE: no such topic');
SELECT is(pg_temp.hears('ann', format('/topic/character/%s/secrets', :c)), 'NC470 topic', 'NOT_SUBSCRIBABLE: no such topic of a character');
SELECT is(pg_temp.hears('ann', format('/topic/character/%s/inventory/x', :c)), 'NC470 topic', 'NOT_SUBSCRIBABLE: more than a topic');
SELECT is(pg_temp.hears('ann', format('/topic/character/0%s/inventory', :c)), 'NC470 topic', 'NOT_SUBSCRIBABLE: a number with a zero before it');
SELECT is(pg_temp.hears('ann', '/topic/character/-1/inventory'), 'NC470 topic', 'NOT_SUBSCRIBABLE: a negative id');
SELECT is(pg_temp.hears('eve', '/topic/character/0/inventory'), 'NC470 topic', 'NOT_SUBSCRIBABLE: no character''s inventory');
SELECT is(pg_temp.hears('ann', '/topic/character/99999999999999999999/inventory'), 'NC470 topic', 'NOT_SUBSCRIBABLE: an id that overflows');
SELECT is(pg_temp.hears('ann', '/topic/character//inventory'), 'NC470 topic', 'NOT_SUBSCRIBABLE: no id');
SELECT is(pg_temp.hears('ann', '/topic/character/{character_id}/inventory'), 'NC470 topic', 'NOT_SUBSCRIBABLE: a pattern');
SELECT is(pg_temp.hears('ann', ''), 'NC001 topic', 'VALIDATION: nothing');
SELECT is(pg_temp.hears('ann', NULL), 'NC001 topic', 'VALIDATION: null');
SELECT is(pg_temp.refusal_of('SELECT necp.subscribe(NULL, ''/topic/world/events'')'), 'NC001 session', 'VALIDATION: nobody');
SELECT is(pg_temp.refusal_of(format('SELECT necp.subscribe(%L, ''/topic/world/events'')', gen_random_uuid())), 'NC101', 'UNAUTHENTICATED: no such session');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.hears('ann', format('/topic/player/%s/notifications', :a)), 'NC101', 'UNAUTHENTICATED: a session that has ended');
SELECT * FROM finish();
