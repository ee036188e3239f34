-- The player behind the characters (DOMAIN §5).
\ir ../helpers.psql
SELECT plan(18);
SELECT pg_temp.account('ann') \g /dev/null
CREATE FUNCTION pg_temp.profile() RETURNS jsonb LANGUAGE sql RETURN pg_temp.call('ann', 'GET', '/player/profile')::jsonb - 'account_id' - 'display_name' - 'since';
CREATE FUNCTION pg_temp.put(what jsonb) RETURNS text LANGUAGE sql RETURN pg_temp.refusal('ann', 'PUT', '/player/profile', what);
SELECT is(pg_temp.profile(), '{"bio": "", "show_online": true, "show_characters": true, "show_totals": true, "characters": 0, "highest_level": 0, "kills": 0, "deaths": 0,
	"quests_completed": 0, "achievement_points": 0, "played_s": 0}', 'the profile of one who has not played');
SELECT is(row(p ->> 'account_id', p ->> 'display_name', p -> 'since')::text, format('(%s,%s,null)', pg_temp.a('ann'), 'ann' || :'tag'), 'it is the account''s')
	FROM pg_temp.call('ann', 'GET', '/player/profile') p;
SELECT is(pg_temp.call('ann', 'PUT', '/player/profile', '{"bio": "Zoë was here", "show_online": false}')::jsonb - 'account_id' - 'display_name' - 'since',
	pg_temp.profile() || '{"bio": "Zoë was here", "show_online": false}', 'what is named changes');
SELECT is(pg_temp.call('ann', 'PUT', '/player/profile', '{"show_totals": false, "show_characters": false}') ->> 'bio', 'Zoë was here', 'the rest stays');
SELECT is((SELECT row(show_online, show_characters, show_totals)::text FROM game.players WHERE account_id = pg_temp.a('ann')), '(f,f,f)', 'everything can be hidden');
SELECT matches(pg_temp.put(jsonb_build_object('bio', repeat('ö', 500))), '^ok', 'a bio has 500 characters');
SELECT is(pg_temp.put(jsonb_build_object('bio', repeat('o', 501))), 'NC001 bio', 'VALIDATION: not 501');
SELECT is(pg_temp.put(jsonb_build_object('bio', bad)), 'NC001 bio', 'VALIDATION: ' || what)
FROM (VALUES (E'a\u202Eb', 'a direction that is overridden'), (E'a\u200Bb', 'what cannot be seen'), (E'a\nb', 'a second line'), ('o' || repeat(E'\u0308', 20), 'a pile of marks')) t (bad, what);
SELECT is(pg_temp.call('ann', 'PUT', '/player/profile', jsonb_build_object('bio', E'Zoe\u0308 <b>')) ->> 'bio', 'Zoë <b>', 'text is normalised, and only text');
SELECT is(pg_temp.call('ann', 'PUT', '/player/profile', '{"bio": ""}') ->> 'bio', '', 'or nothing');
SELECT isnt((SELECT pg_temp.call('ann', 'GET', '/player/profile') ->> 'since'), NULL, 'a profile has a beginning');
SELECT pg_temp.create_character('ann', 'Ann ' || n || ' ' || :'tag') FROM generate_series(1, 3) n \g /dev/null
UPDATE game.characters SET level = 7, kills = 3, deaths = 2, played_s = 100 WHERE account_id = pg_temp.a('ann');
UPDATE game.characters SET level = 9, kills = 4 WHERE name = 'Ann 2 ' || :'tag';
SELECT pg_temp.call('ann', 'DELETE', '/characters/{character_id}', jsonb_build_object('character_id', (SELECT id FROM game.characters WHERE name = 'Ann 3 ' || :'tag'))) \g /dev/null
SELECT is(pg_temp.profile() - 'bio' - 'show_online' - 'show_characters' - 'show_totals', '{"characters": 2, "highest_level": 9, "kills": 7, "deaths": 4, "quests_completed": 0,
	"achievement_points": 0, "played_s": 200}', 'totals are of the characters that are there');
SELECT is(pg_temp.refusal(NULL, 'GET', '/player/profile'), 'NC101', 'UNAUTHENTICATED: nobody has none');
SELECT is(pg_temp.call('ann', 'GET', '/player/profile') ->> 'bio', '', 'reading changes nothing');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
