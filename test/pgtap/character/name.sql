-- What names may say (DOMAIN §5, abuse case 38); how they look is tested with characters.
\ir ../helpers.psql
SELECT plan(52);
SELECT pg_temp.account('ann') \g /dev/null
CREATE FUNCTION pg_temp.named(name text) RETURNS text LANGUAGE sql
	RETURN left(pg_temp.refusal('ann', 'POST', '/characters', jsonb_build_object('name', name, 'class', 'test_class', 'origin', 'test_origin')), 10);

-- Look-alikes ----------------------------------------------------------------------------------------------

SELECT is(pg_temp.named(bad), 'NC020 name', 'INVALID_NAME: ' || what) FROM (VALUES
	(E'\u0410nn Ryder', 'a letter of another script that looks like A'), (E'Ann\u00ADRyder', 'a soft hyphen'), (E'Ann\u200DRyder', 'a zero-width joiner'),
	(E'Ann\u202ERyder', 'an override of direction'), (E'\uFEFFAnn', 'a byte order mark'), (E'A\u0308nn', 'a combining mark'), (E'\uFF21nn', 'a full-width letter'),
	(E'Ann\u2011Ryder', 'a hyphen of another kind'), (E'Ann\u00A0Ryder', 'a blank of another kind'), (E'\U0001D400nn', 'a letter of mathematics'),
	('<b>Ann</b>', 'HTML'), ('Ann'';--', 'SQL'), (E'Ann\u0007', 'a control character'), (repeat(E'n\u0308', 10), 'a pile of marks')) t (bad, what);

-- Reserved: whole names --------------------------------------------------------------------------------------

SELECT is(pg_temp.named(bad), 'NC020 name', 'INVALID_NAME: reserved: ' || bad)
FROM unnest(ARRAY['Admin', 'ADMIN', 'adm1n', 'a-d-m-i-n', 'Game Master', 'GameMaster', 'Game-Ma5ter', 'Nu11', 'NPC', 'System', '5y5t3m', 'Mod', 'M0d']) bad;
SELECT is(left(pg_temp.named(good), 2), 'ok', 'not reserved as a part: ' || good) FROM unnest(ARRAY['Admiral', 'Modest', 'Nullarbor', 'Systema', 'Badminton']) good;

-- Profane: parts, but for words that are harmless as a whole --------------------------------------------------

SELECT is(pg_temp.named(bad), 'NC020 name', 'INVALID_NAME: profane: ' || bad)
FROM unnest(ARRAY['fuck', 'Fu ck', 'F-u-c-k', 'xFUCKx', 'Big 5hit', 'A55hole', 'Cl asshole', 'N1gger', 'H1t13r', 'Dick Cunthorpe', 'Therapist Rapist']) bad;
SELECT is(left(pg_temp.named(good), 2), 'ok', 'harmless: ' || good)
FROM unnest(ARRAY['Scunthorpe', 'Dickens', 'Peacock', 'Hancock', 'Therapist', 'Old Dickinson']) good;

-- The words --------------------------------------------------------------------------------------------------

SELECT is(necp.content_import('names', format('{"profane": ["zq%s"]}', translate(:'tag', '0123456789', 'ghjkmnprsu'))::jsonb), 1, 'words are content');
SELECT is(necp.content_import('names', format('{"profane": ["zq%s"]}', translate(:'tag', '0123456789', 'ghjkmnprsu'))::jsonb), 0, 'imported once');
SELECT is(pg_temp.named('My ZQ' || translate(:'tag', '0123456789', 'ghjkmnprsu')), 'NC020 name', 'INVALID_NAME: by a word of one''s own');
SELECT * FROM finish();
