-- Crates and the like: who opens them, how often, for whom (DOMAIN §7).
\ir ../helpers.psql
SELECT plan(33);
SELECT pg_temp.player(n) FROM unnest('{ann,bob}'::text[]) n \g /dev/null
CALL pg_temp.open_zone('store', NULL) \gset
SELECT :zone_id AS store \gset
CALL pg_temp.open_zone('yard', NULL) \gset
SELECT :zone_id AS yard \gset
SELECT pg_temp.template('ore', max_stack => 10) AS ore \gset
CREATE FUNCTION pg_temp.pack(pack text) RETURNS jsonb LANGUAGE sql RETURN replace(pack, '^', '_' || current_setting('test.tag'))::jsonb;
CREATE FUNCTION pg_temp.faults(pack text) RETURNS text[] LANGUAGE sql
	RETURN ARRAY(SELECT replace(path || ' ' || fault, '_' || current_setting('test.tag'), '^') FROM necp.content_check('containers', pg_temp.pack(pack)));
CREATE FUNCTION pg_temp.open(who text, id bigint, key uuid DEFAULT gen_random_uuid()) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/loot/containers/{container_id}/open', jsonb_build_object('container_id', id), key);
CREATE FUNCTION pg_temp.no_open(who text, id bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/loot/containers/{container_id}/open', jsonb_build_object('container_id', id), gen_random_uuid());
CREATE FUNCTION pg_temp.crate(code text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT id FROM game.loot_containers k WHERE k.code = crate.code || '_' || current_setting('test.tag'));
SELECT necp.content_import('loot', pg_temp.pack('[{"code": "full^", "min_items": 1, "max_items": 1, "min_credits": 7, "max_credits": 7, "entries": [{"item": "ore^", "weight": 1}]},
	{"code": "none^", "min_items": 0, "max_items": 0, "min_credits": 0, "max_credits": 0, "entries": []}]')) \g /dev/null

-- Content -------------------------------------------------------------------------------------------------------

SELECT is(pg_temp.faults('[{"code": "a^", "name": "", "zone": "x^", "x": 9000, "y": 0, "loot_table": "y^", "refill_s": 0, "lid": 1}, {"code": "a^"}]'),
	'{"$[0].lid is not known here","$[0].loot_table names a loot table \"y^\", which does not exist","$[0].name is \"\", which does not match ^.{1,60}$","$[0].refill_s is 0, not within 1 to 604800","$[0].x is 9000, not within -5000 to 5000","$[0].zone names a zone \"x^\", which does not exist","$[1].loot_table is missing","$[1].name is missing","$[1].x is missing","$[1].y is missing","$[1].zone is missing","$[1].code is \"a^\", as that of $[0]"}'::text[], 'a bad pack is refused with all its faults');
SELECT is(necp.content_import('containers', pg_temp.pack('[{"code": "crate^", "name": "Crate", "zone": "store^", "x": 3, "y": 4, "loot_table": "full^", "refill_s": 60},
	{"code": "empty^", "name": "Empty", "zone": "store^", "x": 0, "y": 1, "loot_table": "none^"}, {"code": "far^", "name": "Far", "zone": "store^", "x": 3, "y": 4.1, "loot_table": "full^"},
	{"code": "other^", "name": "Other", "zone": "yard^", "x": 0, "y": 0, "loot_table": "full^"}, {"code": "lost^", "name": "Lost", "zone": "moon^", "x": 0, "y": 0, "loot_table": "full^"}]'), 'skip'), 4, 'what names nothing can be left out');
SELECT is(necp.content_import('containers', pg_temp.pack('[{"code": "crate^", "name": "Crate", "zone": "store^", "x": 3, "y": 4, "loot_table": "full^", "refill_s": 60}]')), 0, 'a second import changes nothing');
UPDATE game.loot_containers SET origin = 'operator', name = 'Mine' WHERE id = pg_temp.crate('empty');
SELECT is(necp.content_import('containers', pg_temp.pack('[{"code": "empty^", "name": "Empty", "zone": "store^", "x": 0, "y": 1, "loot_table": "none^"}]')), 0, 'an operator''s row is kept');

-- Opening -------------------------------------------------------------------------------------------------------

SELECT is(pg_temp.no_open('ann', pg_temp.crate('crate')), 'NC901', 'CONFLICT: from nowhere');
SELECT is(pg_temp.refusal('ann', 'GET', '/loot/containers/nearby'), 'NC901', 'CONFLICT: nor is anything nearby');
SELECT pg_temp.enter_zone('ann', :store), pg_temp.enter_zone('bob', :store) \g /dev/null
SELECT is((SELECT array_agg(i ->> 'name' ORDER BY n) FROM json_array_elements(pg_temp.call('ann', 'GET', '/loot/containers/nearby') -> 'items') WITH ORDINALITY e (i, n)), '{Mine,Crate,Far}', 'what stands around, nearest first');
SELECT is(pg_temp.no_open('ann', pg_temp.crate('other')), 'NC401 container_id', 'NOT_FOUND: one in another place');
SELECT is(pg_temp.no_open('ann', 999999999), 'NC401 container_id', 'NOT_FOUND: none');
SELECT is(pg_temp.no_open('ann', 0), 'NC001 container_id', 'VALIDATION: no id');
SELECT is(pg_temp.no_open('ann', pg_temp.crate('far')), 'NC240 container_id', 'TOO_FAR: more than 5 m');
SELECT gen_random_uuid() AS key \gset
SELECT pg_temp.open('ann', pg_temp.crate('crate'), :'key') AS answer \gset
SELECT (:'answer'::json ->> 'drop_id')::bigint AS drop \gset
SELECT is(:'answer'::jsonb, jsonb_build_object('container_id', pg_temp.crate('crate'), 'drop_id', :drop), 'who stands at it opens it');
SELECT is((SELECT row(source, source_id, source_life, x, y, mode)::text FROM game.world_drops WHERE id = :drop), format('(CONTAINER,%s,1,3,4,NEED_GREED)', pg_temp.crate('crate')), 'what was in it lies there');
SELECT is((SELECT array_agg(character_id) FROM game.drop_eligible WHERE drop_id = :drop), ARRAY[pg_temp.c('ann')], 'for who opened it');
SELECT is(pg_temp.open('ann', pg_temp.crate('crate'), :'key')::jsonb, :'answer'::jsonb, 'a replay is told the same');
SELECT is((SELECT count(*) FROM game.world_drops WHERE source = 'CONTAINER' AND source_id = pg_temp.crate('crate') AND source_life > 0), 1::bigint, 'and opens nothing');
SELECT is(pg_temp.no_open('ann', pg_temp.crate('crate')), 'NC940 container_id', 'ALREADY_LOOTED: not twice');
SELECT is(pg_temp.no_open('bob', pg_temp.crate('crate')), 'NC940 container_id', 'ALREADY_LOOTED: by another');
SELECT is((SELECT (i ->> 'full')::boolean FROM json_array_elements(pg_temp.call('bob', 'GET', '/loot/containers/nearby') -> 'items') i WHERE i ->> 'name' = 'Crate'), false, 'everybody sees that it is empty');
SELECT is((SELECT data ->> 'container_id' FROM game.game_events WHERE type = 'LOOT_GENERATED' AND aggregate_id = :drop), pg_temp.crate('crate')::text, 'LOOT_GENERATED');
SELECT is(pg_temp.call('ann', 'POST', '/loot/pickup', jsonb_build_object('drop_id', :drop), gen_random_uuid())::jsonb - 'items' - 'drop_id', '{"status": "LOOTED", "credits": 7}', 'it can be taken');
SELECT is(pg_temp.open('ann', pg_temp.crate('empty'))::jsonb, jsonb_build_object('container_id', pg_temp.crate('empty'), 'drop_id', null), 'there may be nothing in it');
UPDATE game.loot_containers SET full_at = necp.now() WHERE id = pg_temp.crate('crate');
SELECT pg_temp.open('bob', pg_temp.crate('crate')) ->> 'drop_id' AS again \gset
SELECT is((SELECT source_life FROM game.world_drops WHERE id = :again), 2::bigint, 'it fills again, and each filling is a life');
SELECT is(full_at - necp.now() BETWEEN '59 seconds' AND '60 seconds', true, 'after its own time') FROM game.loot_containers WHERE id = pg_temp.crate('crate');

-- Of a party ----------------------------------------------------------------------------------------------------

SELECT pg_temp.call('ann', 'POST', '/party') ->> 'party_id' AS party \gset
SELECT pg_temp.call('bob', 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id',
	pg_temp.call('ann', 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c('bob'))) ->> 'invite_id')) \g /dev/null
UPDATE game.loot_containers SET full_at = necp.now() WHERE id = pg_temp.crate('crate');
SELECT pg_temp.open('ann', pg_temp.crate('crate')) ->> 'drop_id' AS drop \gset
SELECT is((SELECT count(*) FROM game.drop_eligible WHERE drop_id = :drop), 2::bigint, 'those of the party who are near have part in it');
SELECT is((SELECT party_id FROM game.world_drops WHERE id = :drop), :party::bigint, 'and hear of it');
SELECT is((pg_temp.call('bob', 'POST', '/loot/pickup', jsonb_build_object('drop_id', :drop), gen_random_uuid()) ->> 'credits')::int, 3, 'they share the credits');
SELECT pg_temp.enter_zone('bob', :yard) \g /dev/null
UPDATE game.loot_containers SET full_at = necp.now() WHERE id = pg_temp.crate('crate');
SELECT pg_temp.open('ann', pg_temp.crate('crate')) ->> 'drop_id' AS drop \gset
SELECT is((SELECT array_agg(character_id) FROM game.drop_eligible WHERE drop_id = :drop), ARRAY[pg_temp.c('ann')], 'who is in another place has none');
SELECT is(pg_temp.refusal(NULL, 'GET', '/loot/containers/nearby'), 'NC101', 'UNAUTHENTICATED: without a token');

-- What items come apart into ----------------------------------------------------------------------------------------------------------

SELECT is(necp.content_import('items', pg_temp.pack('[{"code": "part^", "name": "Part", "description": "Of tests.", "type": "MATERIAL", "rarity": "COMMON", "weight": 1, "vendor_price": 1},
	{"code": "tool^", "name": "Tool", "description": "Of tests.", "type": "WEAPON", "rarity": "COMMON", "weight": 1, "vendor_price": 1, "attributes": {"salvage": {"item": "part^", "quantity": 2}}}]')), 2, 'what items are salvaged into may come in the same pack');
SELECT is(ARRAY(SELECT replace(path || ' ' || fault, '_' || :'tag', '^') FROM necp.content_check('items', pg_temp.pack('[{"code": "tool^", "name": "Tool", "description": "Of tests.", "type": "WEAPON", "rarity": "COMMON", "weight": 1, "vendor_price": 1,
	"attributes": {"salvage": {"item": "nothing^", "quantity": 0, "luck": 1}}}]'))),
	'{"$[0].attributes.salvage.luck is not known here","$[0].attributes.salvage.quantity is 0, not within 1 to 1000","$[0].attributes.salvage.item names \"nothing^\", which does not exist"}'::text[], 'what they are not salvaged into is refused');
SELECT is(necp.content_import('items', pg_temp.pack('[{"code": "tool^", "name": "Tool", "description": "Of tests.", "type": "WEAPON", "rarity": "COMMON", "weight": 1, "vendor_price": 1, "attributes": {"salvage": {"item": "nothing^", "quantity": 1}}}]'), 'skip'), 1, 'or left out');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call(n, 'POST', '/auth/logout') FROM unnest('{ann,bob}'::text[]) n \g /dev/null
SELECT * FROM finish();
