-- What is held for a character: until it is there, has room and can carry it (DOMAIN §7: full or offline winners).
\ir ../helpers.psql
SELECT plan(11);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.template('ore', max_stack => 10) AS ore \gset
INSERT INTO game.containers (kind, owner_id, capacity) VALUES ('HELD', pg_temp.c('ann'), 1000) RETURNING id AS held \gset
CREATE FUNCTION pg_temp.held() RETURNS bigint LANGUAGE sql RETURN (SELECT coalesce(sum(i.quantity), 0) FROM game.containers k JOIN game.character_items i ON i.container_id = k.id
	WHERE k.kind = 'HELD' AND k.owner_id = pg_temp.c('ann'));
CREATE FUNCTION pg_temp.has() RETURNS bigint LANGUAGE sql RETURN (SELECT coalesce(sum(i.quantity), 0) FROM game.character_items i WHERE i.container_id = pg_temp.backpack('ann'));
SELECT weight AS kg FROM game.item_templates WHERE id = :ore \gset

SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT pg_temp.fill(:held, format('[[%s, 7], [%s, 8]]', :ore, :ore)::jsonb) \g /dev/null
SELECT necp.run_job('delivery_hand_over') \g /dev/null
SELECT is(ARRAY[pg_temp.has(), pg_temp.held()], '{0,15}', 'nobody is there: it is held');
SELECT pg_temp.login('ann') \g /dev/null
SELECT necp.run_job('delivery_hand_over') \g /dev/null
SELECT is(pg_temp.held(), 15::bigint, 'who has selected no character gets nothing');
UPDATE game.containers SET capacity = 1 WHERE id = pg_temp.backpack('ann');
SELECT pg_temp.select_character('ann', pg_temp.c('ann')) \g /dev/null
SELECT ok(pg_temp.wait_for('pg_temp.has() = 10'), 'then it comes by itself, as far as there is room');
SELECT is(pg_temp.held(), 5::bigint, 'the rest is held');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is lost on the way');
SELECT is((SELECT array_agg(m.kind || ' ' || m.quantity ORDER BY m.id) FROM game.item_moves m WHERE m.cause = 'DELIVERY' AND m.cause_id = pg_temp.c('ann')), '{"MOVE 7","MERGE 3"}', 'custody tells how it came');
UPDATE game.containers SET capacity = 50 WHERE id = pg_temp.backpack('ann');
SELECT ok(pg_temp.wait_for('pg_temp.held() = 0'), 'with room, all of it comes');
UPDATE game.item_templates SET weight = (SELECT (50 + 15 * body) / 17.0 FROM game.characters WHERE id = pg_temp.c('ann')) WHERE id = :ore;
SELECT pg_temp.fill(:held, format('[[%s, 4]]', :ore)::jsonb) \g /dev/null
SELECT necp.run_job('delivery_hand_over') \g /dev/null
SELECT is(ARRAY[pg_temp.has(), pg_temp.held()], '{17,2}', 'and no more than can be carried');
UPDATE game.item_templates SET weight = :kg WHERE id = :ore;
SELECT ok(pg_temp.wait_for('pg_temp.held() = 0'), 'until it can');
SELECT is((SELECT count(*) FROM game.item_moves WHERE kind = 'CREATE' AND template_id = :ore), 3::bigint, 'nothing was made on the way');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nor lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
