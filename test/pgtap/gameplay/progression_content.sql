-- Packs of curves, skills and perks: what an import refuses and what it does (DOMAIN §10, §36).
\ir ../helpers.psql
SELECT pg_temp.player('ann') \g /dev/null
BEGIN;
SELECT plan(57);
-- ^ stands for the run's tag.
CREATE FUNCTION pg_temp.pack(pack text) RETURNS jsonb LANGUAGE sql RETURN replace(pack, '^', '_' || current_setting('test.tag'))::jsonb;
CREATE FUNCTION pg_temp.faults(kind text, pack text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(path || ' ' || fault, '_' || current_setting('test.tag'), '^') FROM necp.content_check(kind, pg_temp.pack(pack)) $$;
CREATE TEMP TABLE faulty (kind text, what text, pack text, faults text[]);
INSERT INTO faulty VALUES
	('xp_curve', 'no array', '{}', '{"$ is a JSON object, not array"}'),
	('xp_curve', 'no level', '[{"xp": 1}]', '{"$[0].level is missing"}'),
	('xp_curve', 'beyond the last level', '[{"level": 50, "xp": 1}]', '{"$[0].level is 50, not within 1 to 49"}'),
	('xp_curve', 'nothing to earn', '[{"level": 1, "xp": 0}]', '{"$[0].xp is 0, not within 1 to 1000000000000"}'),
	('xp_curve', 'one level twice', '[{"level": 3, "xp": 1}, {"level": 4, "xp": 1}, {"level": 3, "xp": 2}]', '{"$[2].level is 3, as that of $[0]"}'),
	('skills', 'no attribute', '[{"code": "s^", "name": "S", "description": "S"}]', '{"$[0].attribute is missing"}'),
	('skills', 'no such attribute', '[{"code": "s^", "name": "S", "description": "S", "attribute": "charm"}]',
		'{"$[0].attribute is \"charm\", none of [\"body\", \"reflexes\", \"technical_ability\", \"intelligence\", \"cool\", \"empathy\"]"}'),
	('skills', 'an unknown field', '[{"code": "s^", "name": "S", "description": "S", "attribute": "cool", "max": 1}]', '{"$[0].max is not known here"}'),
	('skills', 'a second one for any weapon', '[{"code": "s^", "name": "S", "description": "S", "attribute": "cool", "any_weapon": true}]', '{"$[0].any_weapon is true, as that of \"side_arms\""}'),
	('skills', 'two in one pack', '[{"code": "side_arms", "name": "S", "description": "S", "attribute": "cool", "any_weapon": true}, {"code": "s^", "name": "S", "description": "S", "attribute": "cool", "any_weapon": true}]',
		'{"$[1].any_weapon is true, as that of $[0]"}'),
	('perks', 'no object', '[7]', '{"$[0] is a JSON number, not object"}'),
	('perks', 'no code', '[{"name": "P", "description": "P", "effects": {"luck": 1}}]', '{"$[0].code is missing"}'),
	('perks', 'one code twice', '[{"code": "p^", "name": "P", "description": "P", "effects": {"luck": 1}}, {"code": "p^", "name": "P", "description": "P", "effects": {"luck": 1}}]', '{"$[1].code is \"p^\", as that of $[0]"}'),
	('perks', 'no effects', '[{"code": "p^", "name": "P", "description": "P"}]', '{"$[0].effects is missing"}'),
	('perks', 'none at all', '[{"code": "p^", "name": "P", "description": "P", "effects": {}}]', '{"$[0].effects says nothing"}'),
	('perks', 'an unknown stat', '[{"code": "p^", "name": "P", "description": "P", "effects": {"charm": 1}}]', '{"$[0].effects.charm is not known here"}'),
	('perks', 'half a stat', '[{"code": "p^", "name": "P", "description": "P", "effects": {"luck": 0.5}}]', '{"$[0].effects.luck is 0.5, no integer"}'),
	('perks', 'nothing of a stat', '[{"code": "p^", "name": "P", "description": "P", "effects": {"luck": 0}}]', '{"$[0].effects.luck is 0"}'),
	('perks', 'a stat that is null', '[{"code": "p^", "name": "P", "description": "P", "effects": {"luck": null}}]', '{"$[0].effects.luck is null"}'),
	('perks', 'too much of it', '[{"code": "p^", "name": "P", "description": "P", "effects": {"luck": 1001}}]', '{"$[0].effects.luck is 1001, not within -1000 to 1000"}'),
	('perks', 'text', '[{"code": "p^", "name": "P", "description": "P", "effects": {"luck": "1"}}]', '{"$[0].effects.luck is a JSON string, not integer"}'),
	('perks', 'a level beyond the last', '[{"code": "p^", "name": "P", "description": "P", "min_level": 51, "effects": {"luck": 1}}]', '{"$[0].min_level is 51, not within 1 to 50"}'),
	('perks', 'an attribute beyond 20', '[{"code": "p^", "name": "P", "description": "P", "attributes": {"body": 21}, "effects": {"luck": 1}}]', '{"$[0].attributes.body is 21, not within 1 to 20"}'),
	('perks', 'an unknown attribute', '[{"code": "p^", "name": "P", "description": "P", "attributes": {"charm": 2}, "effects": {"luck": 1}}]', '{"$[0].attributes.charm is not known here"}'),
	('perks', 'requires no list', '[{"code": "p^", "name": "P", "description": "P", "requires": "q^", "effects": {"luck": 1}}]', '{"$[0].requires is a JSON string, not array"}'),
	('perks', 'requires a number', '[{"code": "p^", "name": "P", "description": "P", "requires": [1], "effects": {"luck": 1}}]', '{"$[0].requires[0] is a JSON number, not text"}'),
	('perks', 'requires what is not there', '[{"code": "p^", "name": "P", "description": "P", "requires": ["q^"], "effects": {"luck": 1}}]', '{"$[0].requires[0] names a perk \"q^\", which does not exist"}'),
	('perks', 'requires itself', '[{"code": "p^", "name": "P", "description": "P", "requires": ["p^"], "effects": {"luck": 1}}]', '{"$[0].requires[0] comes before itself: \"p^\""}'),
	('perks', 'a circle', '[{"code": "a^", "name": "P", "description": "P", "requires": ["b^"], "effects": {"luck": 1}}, {"code": "b^", "name": "P", "description": "P", "requires": ["a^"], "effects": {"luck": 1}}]',
		'{"$[0].requires[0] comes before itself: \"a^\"","$[1].requires[0] comes before itself: \"b^\""}');
SELECT is(ARRAY(SELECT f FROM pg_temp.faults(kind, pack) f ORDER BY 1), ARRAY(SELECT unnest(faults) ORDER BY 1), kind || ': ' || what) FROM faulty;
SELECT is(count(*) FILTER (WHERE pg_temp.refusal_of(format('SELECT necp.content_import(%L, %L)', kind, pg_temp.pack(pack))) LIKE 'NC001 $%'), count(*), 'an import refuses each of them') FROM faulty;

-- Curve
SELECT is(necp.content_import('xp_curve', '[{"level": 1, "xp": 10}, {"level": 2, "xp": 20}]'), 2, 'two levels of a curve');
SELECT is(necp.content_import('xp_curve', '[{"level": 1, "xp": 10}, {"level": 2, "xp": 20}]'), 0, 'the same again changes nothing');
SELECT is((SELECT array_agg(xp ORDER BY level) FROM game.xp_curve), '{10,20}', 'they are there');
SELECT is(necp.content_import('xp_curve', '[{"level": 2, "xp": 21}]'), 2, 'another pack takes the place of the last one');
SELECT is((SELECT row(level, xp)::text FROM game.xp_curve), '(2,21)', 'wholly');
UPDATE game.xp_curve SET origin = 'operator';
SELECT is(necp.content_import('xp_curve', '[]'), 0, 'but for what an operator wrote');
SELECT is((SELECT xp FROM game.xp_curve), 21::bigint, 'that stays');
UPDATE game.xp_curve SET origin = 'pack';
SELECT is(necp.content_import('xp_curve', '[]'), 1, 'the shipped pack is the formula');

-- Skills
SELECT is(necp.content_import('skills', pg_temp.pack('[{"code": "s^", "name": "S", "description": "D", "attribute": "cool"}]')), 1, 'a skill');
SELECT is(necp.content_import('skills', pg_temp.pack('[{"code": "s^", "name": "S", "description": "D", "attribute": "cool"}]')), 0, 'the same again changes nothing');
SELECT is(necp.content_import('skills', pg_temp.pack('[{"code": "s^", "name": "T", "description": "D", "attribute": "body"}]')), 1, 'another name and attribute');
SELECT is((SELECT row(name, attribute)::text FROM game.skills WHERE code = 's_' || :'tag'), '(T,body)', 'are written');
SELECT is(necp.content_import('skills', pg_temp.pack('[{"code": "side_arms", "name": "S", "description": "D", "attribute": "cool"}, {"code": "s^", "name": "T", "description": "D", "attribute": "body", "any_weapon": true}]')), 2, 'the mark for any weapon moves');
SELECT is((SELECT code FROM game.skills WHERE any_weapon), 's_' || :'tag', 'to one');
UPDATE game.skills SET origin = 'operator' WHERE code = 's_' || :'tag';
SELECT is(necp.content_import('skills', pg_temp.pack('[{"code": "s^", "name": "U", "description": "D", "attribute": "body"}]')), 0, 'an operator''s stays');
SELECT is((SELECT row(name, any_weapon)::text FROM game.skills WHERE code = 's_' || :'tag'), '(T,t)', 'as it is');

-- Perks
SELECT pg_temp.pack('[{"code": "b^", "name": "B", "description": "D", "requires": ["a^"], "attributes": {"body": 6}, "min_level": 7, "effects": {"luck": 1, "armor": -2}},
	{"code": "a^", "name": "A", "description": "D", "effects": {"max_hp": 5}}]') AS pack \gset
SELECT is(necp.content_import('perks', :'pack'), 2, 'perks may name a later one');
SELECT is(necp.content_import('perks', :'pack'), 0, 'the same again changes nothing');
SELECT is((SELECT row(min_level, (SELECT array_agg(attribute || min_value) FROM game.perk_attributes WHERE perk_id = k.id), (SELECT array_agg(stat || amount ORDER BY stat) FROM game.perk_effects WHERE perk_id = k.id),
	(SELECT array_agg(q.code) FROM game.perk_requirements r JOIN game.perks q ON q.id = r.required_id WHERE r.perk_id = k.id))::text FROM game.perks k WHERE code = 'b_' || :'tag'),
	format('(7,{body6},"{armor-2,luck1}",{a_%s})', :'tag'), 'all that they say is stored');
SELECT is(necp.content_import('perks', jsonb_set(:'pack', '{0,effects,luck}', '2')), 1, 'one effect is one perk changed');
SELECT is(necp.content_import('perks', (:'pack'::jsonb #- '{0,requires}') #- '{0,attributes}'), 1, 'what it asks for can be taken away');
SELECT is((SELECT count(*) FROM game.perk_requirements r JOIN game.perks k ON k.id = r.perk_id WHERE k.code = 'b_' || :'tag'), 0::bigint, 'and is gone');
SELECT is(ARRAY(SELECT f FROM pg_temp.faults('perks', '[{"code": "a^", "name": "A", "description": "D", "requires": ["b^"], "effects": {"max_hp": 5}}]') f), '{}', 'what is stored counts: no circle now');
SELECT necp.content_import('perks', :'pack') \g /dev/null
SELECT is(ARRAY(SELECT f FROM pg_temp.faults('perks', '[{"code": "a^", "name": "A", "description": "D", "requires": ["b^"], "effects": {"max_hp": 5}}]') f), '{"$[0].requires[0] comes before itself: \"a^\"","$ comes before itself: \"b^\""}', 'and one now');
INSERT INTO game.character_perks SELECT pg_temp.c('ann'), id, necp.now() FROM game.perks WHERE code = 'a_' || :'tag';
SELECT is(necp.progression_refresh(), 1, 'hit points of perks are counted again');
SELECT necp.content_import('perks', jsonb_set(:'pack', '{1,effects,max_hp}', '8')) \g /dev/null
SELECT is((SELECT perk_hp FROM game.characters WHERE id = pg_temp.c('ann')), 8, 'and by every import');
UPDATE game.perks SET origin = 'operator' WHERE code = 'a_' || :'tag';
SELECT is(necp.content_import('perks', :'pack'), 0, 'an operator''s perk stays');
SELECT * FROM finish();
ROLLBACK;
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
