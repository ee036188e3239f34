-- Levels, points, skills, perks and taking points back (DOMAIN §10, §36).
\ir ../helpers.psql
SELECT plan(136);
SELECT pg_temp.player(w) FROM unnest('{ann,bob,cat,dan,eve}'::text[]) w \g /dev/null
CREATE TEMP SEQUENCE source;
CREATE FUNCTION pg_temp.gain(who text, xp bigint) RETURNS bigint LANGUAGE sql
	RETURN necp.progression_gain(pg_temp.c(who), xp, 'TEST', nextval('pg_temp.source'));
CREATE FUNCTION pg_temp.me(who text) RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'GET', '/progression')::jsonb;
-- 'level xp, attribute skill perk points'
CREATE FUNCTION pg_temp.state(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT format('%s %s, %s %s %s', m ->> 'level', m ->> 'xp', m ->> 'attribute_points', m ->> 'skill_points', m ->> 'perk_points') FROM pg_temp.me(who) m);
CREATE FUNCTION pg_temp.spend(who text, attribute text, points int DEFAULT 1) RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/progression/attributes/spend', jsonb_build_object('attribute', attribute, 'points', points))::jsonb;
CREATE FUNCTION pg_temp.no_spend(who text, params jsonb) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/progression/attributes/spend', params);
CREATE FUNCTION pg_temp.practise(who text, skill text, points int DEFAULT 1) RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/progression/skills/spend', jsonb_build_object('skill', skill, 'points', points))::jsonb;
CREATE FUNCTION pg_temp.no_practise(who text, params jsonb) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/progression/skills/spend', params);
CREATE FUNCTION pg_temp.learn(who text, perk text) RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/progression/perks/learn', jsonb_build_object('perk', perk || '_' || current_setting('test.tag')))::jsonb;
CREATE FUNCTION pg_temp.no_learn(who text, perk text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/progression/perks/learn', jsonb_build_object('perk', perk || '_' || current_setting('test.tag')));
CREATE FUNCTION pg_temp.respec(who text, key uuid DEFAULT gen_random_uuid()) RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/progression/respec', '{}', key)::jsonb;
CREATE FUNCTION pg_temp.no_respec(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/progression/respec', '{}', gen_random_uuid());
CREATE FUNCTION pg_temp.skill(who text, skill text) RETURNS text LANGUAGE sql
	RETURN (SELECT format('%s %s/%s, %s', s ->> 'level', s ->> 'xp', coalesce(s ->> 'xp_to_next', 'end'), s ->> 'points')
	        FROM json_array_elements(pg_temp.call(who, 'GET', '/progression/skills', '{"limit": 100}') -> 'items') s WHERE s ->> 'code' = skill);
CREATE FUNCTION pg_temp.events(who text, kind text) RETURNS jsonb LANGUAGE sql
	RETURN (SELECT coalesce(jsonb_agg(data ORDER BY id), '[]') FROM game.game_events WHERE character_id = pg_temp.c(who) AND type = kind);
CREATE FUNCTION pg_temp.told(who text, kind text) RETURNS text[] LANGUAGE sql
	RETURN (SELECT array_agg(title || ': ' || (data ->> 'level') ORDER BY id) FROM game.notifications WHERE account_id = pg_temp.a(who) AND type = kind);
CREATE FUNCTION pg_temp.total(level int) RETURNS bigint LANGUAGE sql
	RETURN (SELECT sum(floor(1000 * power(l::numeric, 1.6)))::bigint FROM generate_series(1, level - 1) l);

-- The curve -------------------------------------------------------------------------------------------------

SELECT pg_temp.call('ann', 'GET', '/progression/curve')::jsonb -> 'items' AS curve \gset
SELECT is(jsonb_array_length(:'curve'), 49, 'there are 49 steps');
SELECT is((:'curve'::jsonb -> (l - 1)) ->> 'xp', want, format('level %s', l)) FROM (VALUES (1, '1000'), (2, '3031'), (3, '5799'), (10, '39810'), (20, '120683'), (32, '256000'), (49, '506190')) v (l, want);
SELECT is((SELECT count(*) FROM jsonb_array_elements(:'curve') c WHERE (c ->> 'xp')::numeric <> floor(1000 * power((c ->> 'level')::numeric, 1.6))), 0::bigint, 'all of them: floor(1000 × level^1.6)');
SELECT is(:'curve'::jsonb #>> '{48,total_xp}', pg_temp.total(50)::text, 'and their sum');

-- Experience ------------------------------------------------------------------------------------------------

SELECT is(pg_temp.me('ann') - 'character_id', '{"level": 1, "xp": 0, "xp_to_next": 1000, "max_level": 50, "attribute_points": 0, "skill_points": 0, "perk_points": 0,
	"attributes": {"body": 5, "reflexes": 5, "technical_ability": 5, "intelligence": 5, "cool": 5, "empathy": 5},
	"spent": {"body": 0, "reflexes": 0, "technical_ability": 0, "intelligence": 0, "cool": 0, "empathy": 0},
	"max_hp": 100, "respec_price": 1000, "respec_from": null}', 'who has just come has earned nothing');
SELECT is(pg_temp.gain('ann', 999), 999::bigint, 'a gain is credited');
SELECT is(pg_temp.state('ann'), '1 999, 0 0 0', 'and one less than enough is no level');
SELECT is(pg_temp.events('ann', 'XP_GAINED'), '[{"xp": 999, "discarded": 0, "cause": "TEST", "source_id": 1, "source_round": 0, "level": 1}]', 'XP_GAINED says for what');
SELECT is(pg_temp.events('ann', 'LEVEL_UP'), '[]', 'no LEVEL_UP');
SELECT is(pg_temp.gain('ann', 1), 1::bigint, 'one more');
SELECT is(pg_temp.state('ann'), '2 0, 1 2 0', 'is level 2: an attribute point and two skill points');
SELECT is(pg_temp.events('ann', 'LEVEL_UP'), '[{"level": 2, "attribute_points": 1, "skill_points": 2, "perk_points": 0}]', 'LEVEL_UP');
SELECT is(pg_temp.told('ann', 'LEVEL_UP'), '{"Level up: 2"}', 'of which the account is told');
SELECT is((SELECT row(level, xp, hp)::text FROM game.characters WHERE id = pg_temp.c('ann')), '(2,0,110)', 'hit points grow with their most');
SELECT is(pg_temp.gain('bob', pg_temp.total(11) + 5), pg_temp.total(11) + 5, 'many levels at once');
SELECT is(pg_temp.state('bob'), '11 5, 10 20 2', 'bring all their points; perks at 5 and 10');
SELECT is((SELECT jsonb_agg(e -> 'level') FROM jsonb_array_elements(pg_temp.events('bob', 'LEVEL_UP')) e), '[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]', 'an event each, in order');
SELECT is((SELECT jsonb_agg(e -> 'level') FROM jsonb_array_elements(pg_temp.events('bob', 'LEVEL_UP')) e WHERE e ->> 'perk_points' = '1'), '[5, 10]', 'two of them with a perk point');
SELECT is(jsonb_array_length(pg_temp.events('bob', 'XP_GAINED')), 1, 'of one gain');
SELECT is(cardinality(pg_temp.told('bob', 'LEVEL_UP')), 10, 'and a notification each');
SELECT is(pg_temp.me('bob') ->> 'max_hp', '200', '100 + 10 × (level - 1)');
SELECT is(pg_temp.gain('cat', pg_temp.total(50) - 1), pg_temp.total(50) - 1, 'up to the last level but one');
SELECT is(pg_temp.state('cat'), '49 506189, 48 96 9', 'one point before the cap');
SELECT is(pg_temp.gain('cat', 1000), 1::bigint, 'of more than the rest, the rest is credited');
SELECT is(pg_temp.state('cat'), '50 0, 49 98 10', 'the cap');
SELECT is(pg_temp.me('cat') -> 'xp_to_next', 'null', 'nothing comes after it');
SELECT is(pg_temp.events('cat', 'XP_GAINED') -> 1 -> 'discarded', '999', 'the excess is discarded');
SELECT is(pg_temp.gain('cat', 1000), 0::bigint, 'and all of it afterwards');
SELECT is(jsonb_array_length(pg_temp.events('cat', 'XP_GAINED')), 2, 'without an event');
SELECT is(pg_temp.gain('dan', 1000000000000000), pg_temp.total(50), 'no gain overflows');
SELECT is(pg_temp.state('dan'), '50 0, 49 98 10', 'it ends at the cap');
SELECT is(pg_temp.refusal_of(format('SELECT necp.progression_gain(%s, %s, %L, %s)', who, xp, cause, source)), want, what)
FROM (VALUES (0, '1', 'T', 1, 'NC001 character_id', 'nobody'), (999999999, '1', 'T', 1, 'NC401 character_id', 'no such character'), (pg_temp.c('eve'), '0', 'T', 1, 'NC001 xp', 'nothing'),
	(pg_temp.c('eve'), '-5', 'T', 1, 'NC001 xp', 'less than nothing'), (pg_temp.c('eve'), '1', '', 1, 'NC001 cause', 'no cause'), (pg_temp.c('eve'), '1', 'T', -1, 'NC001 source_id', 'no source'))
	v (who, xp, cause, source, want, what);
SELECT is((SELECT count(*) FROM pg_temp.route WHERE path LIKE '/progression%' AND statement ~ 'progression_(gain|train)'), 0::bigint, 'no client gives itself experience');

-- Attributes ------------------------------------------------------------------------------------------------

SELECT is(pg_temp.no_spend('eve', '{"attribute": "body"}'), 'NC990 points', 'NO_POINTS: at level 1');
SELECT is(pg_temp.no_spend('ann', '{"attribute": "charm"}'), 'NC001 attribute', 'VALIDATION: no such attribute');
SELECT is(pg_temp.no_spend('ann', '{"attribute": null}'), 'NC001 attribute', 'VALIDATION: none');
SELECT is(pg_temp.no_spend('ann', '{"attribute": "body", "points": 0}'), 'NC001 points', 'VALIDATION: nothing');
SELECT is(pg_temp.no_spend('ann', '{"attribute": "body", "points": -1}'), 'NC001 points', 'VALIDATION: less than nothing');
SELECT is(pg_temp.no_spend('ann', '{"attribute": "body", "points": 2}'), 'NC990 points', 'NO_POINTS: two of one');
SELECT is(pg_temp.spend('ann', 'body') #> '{attributes,body}', '6', 'a point raises the body');
SELECT is(pg_temp.state('ann'), '2 0, 0 2 0', 'and is spent');
SELECT is(pg_temp.me('ann') -> 'spent' -> 'body', '1', 'on it');
SELECT is(pg_temp.events('ann', 'ATTRIBUTE_INCREASED'), '[{"attribute": "body", "points": 1, "value": 6}]', 'ATTRIBUTE_INCREASED');
SELECT is(pg_temp.me('ann') ->> 'max_hp', '120', 'body is ten hit points');
SELECT is((SELECT hp FROM game.characters WHERE id = pg_temp.c('ann')), 120, 'which are there at once');
SELECT is((pg_temp.call('ann', 'GET', '/inventory') ->> 'capacity')::float8, 140::float8, 'and 15 kg: 50 + 15 × 6');
SELECT is(pg_temp.call('ann', 'GET', '/characters/{character_id}/stats', jsonb_build_object('character_id', pg_temp.c('ann'))) ->> 'capacity_kg', '140', 'the stats say so');
SELECT is(pg_temp.no_spend('ann', '{"attribute": "body"}'), 'NC990 points', 'NO_POINTS: it was the last');
SELECT is(pg_temp.no_spend('cat', '{"attribute": "cool", "points": 16}'), 'NC991 attribute', 'CAP_REACHED: 5 and 16');
SELECT is(pg_temp.spend('cat', 'cool', 15) #> '{attributes,cool}', '20', '20 is the most');
SELECT is(pg_temp.no_spend('cat', '{"attribute": "cool"}'), 'NC991 attribute', 'CAP_REACHED: no more');
SELECT throws_ok(format('UPDATE game.character_progression SET empathy = 19, body = 19 WHERE character_id = %s', pg_temp.c('cat')), '23514', NULL, 'the table itself refuses more than was earned');
SELECT throws_ok(format('UPDATE game.character_progression SET skill_spent = 99 WHERE character_id = %s', pg_temp.c('cat')), '23514', NULL, 'for skills');
SELECT throws_ok(format('UPDATE game.character_progression SET perk_spent = 11 WHERE character_id = %s', pg_temp.c('cat')), '23514', NULL, 'for perks');
SELECT throws_ok(format('UPDATE game.character_progression SET attribute_points = 99 WHERE character_id = %s', pg_temp.c('cat')), '428C9', NULL, 'and what is unspent is nobody''s to write');

-- Skills ----------------------------------------------------------------------------------------------------

SELECT is(pg_temp.skill('ann', 'blades'), '0 0/100, 0', 'a skill begins at 0');
SELECT necp.progression_train(pg_temp.c('ann'), 'blades', 99) \g /dev/null
SELECT is(pg_temp.skill('ann', 'blades'), '0 99/100, 0', 'use teaches');
SELECT necp.progression_train(pg_temp.c('ann'), 'blades', 1) \g /dev/null
SELECT is(pg_temp.skill('ann', 'blades'), '1 0/200, 0', 'a level is 100 × (level + 1)');
SELECT is(pg_temp.events('ann', 'SKILL_INCREASED'), '[{"skill": "blades", "level": 1}]', 'SKILL_INCREASED');
SELECT is(pg_temp.told('ann', 'SKILL_INCREASED'), NULL, 'not worth a notice');
-- 200 + 300 + … + 1000 = 5400 to level 10
SELECT necp.progression_train(pg_temp.c('ann'), 'blades', 5399) \g /dev/null
SELECT is(pg_temp.skill('ann', 'blades'), '9 999/1000, 0', 'several levels at once');
SELECT is(pg_temp.told('ann', 'SKILL_INCREASED'), NULL, 'up to the ninth');
SELECT necp.progression_train(pg_temp.c('ann'), 'blades', 2) \g /dev/null
SELECT is(pg_temp.skill('ann', 'blades'), '10 1/1100, 0', 'the tenth');
SELECT is(pg_temp.told('ann', 'SKILL_INCREASED'), '{"Blades: 10: 10"}', 'is worth one');
SELECT is(jsonb_array_length(pg_temp.events('ann', 'SKILL_INCREASED')), 10, 'an event for each level');
SELECT necp.progression_train(pg_temp.c('dan'), 'blades', 1000000000) \g /dev/null
SELECT is(pg_temp.skill('dan', 'blades'), '100 0/end, 0', '100 is the most, and the excess is discarded');
SELECT is(cardinality(pg_temp.told('dan', 'SKILL_INCREASED')), 10, 'with ten notices');
SELECT is(pg_temp.practise('ann', 'blades') - 'skill_id' - 'name' - 'description', '{"code": "blades", "attribute": "body", "level": 11, "xp": 1, "xp_to_next": 1200, "points": 1}', 'a point is a level and leaves the experience');
SELECT is(pg_temp.state('ann'), '2 0, 0 1 0', 'and is spent');
SELECT is(pg_temp.no_practise('ann', '{"skill": "blades", "points": 2}'), 'NC990 points', 'NO_POINTS: two of one');
SELECT is(pg_temp.no_practise('ann', '{"skill": "juggling"}'), 'NC401 skill', 'NOT_FOUND: no such skill');
SELECT is(pg_temp.no_practise('ann', '{"skill": ""}'), 'NC001 skill', 'VALIDATION: none');
SELECT is(pg_temp.no_practise('ann', '{"skill": "blades", "points": 0}'), 'NC001 points', 'VALIDATION: nothing');
SELECT is(pg_temp.no_practise('dan', '{"skill": "blades"}'), 'NC991 skill', 'CAP_REACHED');
SELECT is(pg_temp.practise('dan', 'nerve', 98) -> 'level', '98', 'many points at once');
SELECT is(pg_temp.no_practise('dan', '{"skill": "nerve"}'), 'NC990 points', 'NO_POINTS: all are spent');
SELECT is(pg_temp.no_practise('dan', '{"skill": "nerve", "points": 3}'), 'NC991 skill', 'CAP_REACHED: 98 and 3');
SELECT throws_ok(format('UPDATE game.skill_experience SET level = 101 WHERE character_id = %s', pg_temp.c('dan')), '23514', NULL, 'the table itself ends at 100');
SELECT is(pg_temp.refusal('ann', 'GET', '/progression/skills', '{"limit": 0}'), 'NC001 limit', 'VALIDATION: a list has a limit');
SELECT is((pg_temp.call('ann', 'GET', '/progression/skills', '{"limit": 2}') ->> 'next_cursor') IS NOT NULL, true, 'and a cursor');

-- Perks -----------------------------------------------------------------------------------------------------

SELECT necp.content_import('perks', replace('[
	{"code": "one^", "name": "One", "description": "Of tests.", "effects": {"luck": 3, "max_hp": 20}},
	{"code": "two^", "name": "Two", "description": "Of tests.", "requires": ["one^"], "effects": {"capacity_kg": 12, "armor": 7}},
	{"code": "late^", "name": "Late", "description": "Of tests.", "min_level": 12, "effects": {"luck": 1}},
	{"code": "strong^", "name": "Strong", "description": "Of tests.", "attributes": {"body": 8, "cool": 5}, "effects": {"max_hp": -1000}}]',
	'^', '_' || :'tag')::jsonb) AS perks \gset
SELECT is(:perks, 4, 'four perks');
SELECT is((SELECT j - 'perk_id' FROM jsonb_array_elements(pg_temp.call('bob', 'GET', '/progression/perks', '{"limit": 100}')::jsonb -> 'items') j WHERE j ->> 'code' = 'strong_' || :'tag'),
	format('{"code": "strong_%s", "name": "Strong", "description": "Of tests.", "min_level": 1, "attributes": [{"attribute": "body", "min_value": 8}, {"attribute": "cool", "min_value": 5}],
	"requires": [], "effects": [{"stat": "max_hp", "amount": -1000}], "learned": false}', :'tag')::jsonb, 'one of them');
SELECT is(pg_temp.no_learn('ann', 'one'), 'NC990 perk', 'NO_POINTS: below level 5');
SELECT is(pg_temp.no_learn('bob', 'none'), 'NC401 perk', 'NOT_FOUND: no such perk');
SELECT is(pg_temp.no_learn('bob', 'two'), 'NC233 perk', 'REQUIREMENTS_NOT_MET: another perk comes first');
SELECT is(pg_temp.no_learn('bob', 'late'), 'NC233 perk', 'REQUIREMENTS_NOT_MET: the level');
SELECT is(pg_temp.no_learn('bob', 'strong'), 'NC233 perk', 'REQUIREMENTS_NOT_MET: an attribute');
SELECT is(pg_temp.learn('bob', 'one') -> 'learned', 'true', 'a perk is learned');
SELECT is(pg_temp.state('bob'), '11 5, 10 20 1', 'for a point');
SELECT is(pg_temp.events('bob', 'PERK_LEARNED'), jsonb_build_array(jsonb_build_object('perk', 'one_' || :'tag')), 'PERK_LEARNED');
SELECT is(pg_temp.no_learn('bob', 'one'), 'NC901 perk', 'CONFLICT: once');
SELECT is(pg_temp.call('bob', 'GET', '/inventory/equipment') -> 'stats' ->> 'luck', '13', 'luck: 10 and 3');
SELECT is(pg_temp.call('bob', 'GET', '/characters/{character_id}/stats', jsonb_build_object('character_id', pg_temp.c('bob'))) ->> 'luck', '13', 'the stats say so');
SELECT is(pg_temp.me('bob') ->> 'max_hp', '220', 'and 20 hit points');
SELECT is(pg_temp.call('bob', 'GET', '/characters/{character_id}', jsonb_build_object('character_id', pg_temp.c('bob'))) ->> 'max_hp', '220', 'everywhere');
SELECT pg_temp.learn('bob', 'two') \g /dev/null
SELECT is(pg_temp.state('bob'), '11 5, 10 20 0', 'the second, once the first is there');
SELECT is((pg_temp.call('bob', 'GET', '/inventory') ->> 'capacity')::float8, 137::float8, 'carries 12 kg more');
SELECT is(pg_temp.call('bob', 'GET', '/inventory/equipment') -> 'stats' ->> 'armor', '7', 'and protects');
SELECT is(pg_temp.no_learn('bob', 'late'), 'NC233 perk', 'what is asked for is looked at before the points');
SELECT pg_temp.spend('cat', 'body', 3) \g /dev/null
SELECT pg_temp.learn('cat', 'strong') \g /dev/null
SELECT is((SELECT hp FROM game.characters WHERE id = pg_temp.c('cat')) || ' of ' || (pg_temp.me('cat') ->> 'max_hp'), '1 of 1', 'whatever a perk takes, a point is left');

-- Taking points back ----------------------------------------------------------------------------------------

SELECT is(pg_temp.no_respec('eve'), 'NC990', 'NO_POINTS: nothing is spent');
SELECT is(pg_temp.no_respec('bob'), '23514 ledger_accounts_balance_floor', 'INSUFFICIENT_FUNDS: 11,000');
SELECT pg_temp.pay('WALLET', pg_temp.c('bob'), 'credits', 10999) \g /dev/null
SELECT is(pg_temp.no_respec('bob'), '23514 ledger_accounts_balance_floor', 'INSUFFICIENT_FUNDS: one less');
SELECT pg_temp.pay('WALLET', pg_temp.c('bob'), 'credits', 50001) \g /dev/null
SELECT pg_temp.spend('bob', 'body', 4), pg_temp.spend('bob', 'cool', 2), pg_temp.practise('bob', 'blades', 5) \g /dev/null
-- level 5 by points, 6 × 100 to the next; 599 of it are enough for a level once the points are gone
SELECT necp.progression_train(pg_temp.c('bob'), 'blades', 599) \g /dev/null
SELECT is(pg_temp.state('bob') || '; ' || pg_temp.skill('bob', 'blades'), '11 5, 4 15 0; 5 599/600, 5', 'points are spent');
SELECT gen_random_uuid() AS key \gset
SELECT pg_temp.respec('bob', :'key') AS respec \gset
SELECT is(:'respec'::jsonb - 'progression', '{"price": 11000, "credits": 50000}', '1,000 × level credits');
SELECT is((SELECT row(amount, f.holder, t.holder, cause, cause_id)::text FROM game.ledger_transfers x JOIN game.ledger_accounts f ON f.id = x.from_id JOIN game.ledger_accounts t ON t.id = x.to_id
	WHERE x.cause = 'RESPEC' AND f.owner_id = pg_temp.c('bob')), format('(11000,WALLET,SINK,RESPEC,%s)', pg_temp.c('bob')), 'go to SINK');
SELECT is((:'respec'::jsonb -> 'progression') - 'respec_from', pg_temp.me('bob') - 'respec_from', 'what is left is told');
SELECT is(pg_temp.state('bob'), '11 5, 10 20 2', 'all points are back, the level stays');
SELECT is(pg_temp.me('bob') -> 'attributes', '{"body": 5, "reflexes": 5, "technical_ability": 5, "intelligence": 5, "cool": 5, "empathy": 5}', 'attributes are those of class and origin');
SELECT is(pg_temp.skill('bob', 'blades'), '2 299/300, 0', 'what use has taught stays: 100 and 200 of 599 are levels now');
SELECT is((SELECT count(*) FROM game.character_perks WHERE character_id = pg_temp.c('bob')), 0::bigint, 'no perk');
SELECT is((pg_temp.me('bob') ->> 'max_hp') || ' ' || (SELECT hp FROM game.characters WHERE id = pg_temp.c('bob')), '200 200', 'nor its hit points, nor more than the most');
SELECT is(pg_temp.call('bob', 'GET', '/inventory/equipment') -> 'stats' ->> 'luck', '10', 'nor its luck');
SELECT is(pg_temp.events('bob', 'RESPEC'), '[{"price": 11000, "attribute_points": 6, "skill_points": 5, "perk_points": 2}]', 'RESPEC');
SELECT is(pg_temp.respec('bob', :'key'), :'respec'::jsonb, 'the same key is answered the same');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('bob')), 50000::bigint, 'and costs nothing');
SELECT pg_temp.spend('bob', 'body') \g /dev/null
SELECT matches(pg_temp.no_respec('bob'), '^NC992 retry 8\d{4}$', 'RESPEC_COOLDOWN: once in 24 hours');
SELECT is((pg_temp.me('bob') ->> 'respec_from')::timestamptz, (SELECT respec_at + interval '24 hours' FROM game.character_progression WHERE character_id = pg_temp.c('bob')), 'it says from when');
SELECT necp.clock_advance('23 hours 59 minutes'), necp.partitions_keep() \g /dev/null
SELECT matches(pg_temp.no_respec('bob'), '^NC992 retry \d\d$', 'RESPEC_COOLDOWN: by the game''s clock');
SELECT necp.clock_advance('1 minute'), necp.partitions_keep() \g /dev/null
SELECT pg_temp.login('bob') \g /dev/null
SELECT pg_temp.select_character('bob', pg_temp.c('bob')) \g /dev/null
SELECT is(pg_temp.me('bob') -> 'respec_from', 'null', 'the day is over');
SELECT is(pg_temp.respec('bob') -> 'credits', '39000', 'then again');

-- What is worn and asks for what a respec takes.
SELECT pg_temp.template('greaves', 'ARMOR') AS greaves \gset
UPDATE game.item_templates SET attributes = '{"slot": "legs", "requires": {"body": 6}}' WHERE id = :greaves;
SELECT pg_temp.spend('bob', 'body') \g /dev/null
SELECT (pg_temp.fill(pg_temp.backpack('bob'), format('[[%s, 1]]', :greaves)::jsonb))[1] AS item \gset
SELECT pg_temp.call('bob', 'POST', '/inventory/equip', format('{"item_id": %s}', :item)::jsonb) \g /dev/null
UPDATE game.character_progression SET respec_at = respec_at - interval '1 day' WHERE character_id = pg_temp.c('bob');
SELECT is(pg_temp.no_respec('bob'), 'NC233', 'REQUIREMENTS_NOT_MET: it could not be put on again');
UPDATE game.character_items SET durability = 0 WHERE id = :item;
SELECT is(pg_temp.no_respec('bob'), 'NC233', 'REQUIREMENTS_NOT_MET: broken or not');
SELECT pg_temp.call('bob', 'POST', '/inventory/unequip', format('{"item_id": %s}', :item)::jsonb) \g /dev/null
SELECT is(pg_temp.respec('bob') -> 'credits', '28000', 'without it, it goes');

SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name LIKE 'progression%'$$, 'nothing is wrong');
SELECT pg_temp.call('bob', 'POST', '/auth/logout') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
