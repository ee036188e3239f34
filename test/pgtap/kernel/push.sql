-- Pushes: collected in the transaction, sent after its commit by the publisher (docs/interfaces.md §7).
\ir ../helpers.psql
SELECT upper(:'tag') AS tag \gset
SELECT plan(40);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null
CREATE TEMP TABLE heard (n int GENERATED ALWAYS AS IDENTITY, payload int, epoch bigint, batch bigint, line text);
CREATE TEMP SEQUENCE payloads;

-- Listens until a line like this was heard; false after 10 s.
CREATE FUNCTION pg_temp.hear(pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 200 LOOP
		PERFORM * FROM public.dblink('ear', 'SELECT 1') d (one int);
		INSERT INTO pg_temp.heard (payload, epoch, batch, line)
		SELECT p.n, split_part(p.lines[1], ' ', 1)::bigint, split_part(p.lines[1], ' ', 2)::bigint, l.line
		FROM (SELECT nextval('pg_temp.payloads') AS n, string_to_array(extra, E'\n') AS lines
		      FROM public.dblink_get_notify('ear') WHERE notify_name = 'necp_push') p,
		     unnest(p.lines[2:]) WITH ORDINALITY l (line, ord) ORDER BY p.n, l.ord;
		IF EXISTS (SELECT FROM pg_temp.heard WHERE line LIKE pattern) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.05);
	END LOOP;
	RETURN false;
END
$$;
CREATE FUNCTION pg_temp.say(data text) RETURNS text LANGUAGE sql
	RETURN format('SELECT necp.push(''/topic/server/announcements'', ''TEST_%s'', %L)', upper(current_setting('test.tag')), data);
CREATE TEMP VIEW said AS
	SELECT n, payload, m[1]::bigint AS seq, m[2]::bigint AS version, m[3]::bigint AS ms, m[4] AS type, m[5] AS topic, m[6]::json AS data
	FROM heard, regexp_match(line, '^M (\d+) (\d+) (\d+) (\S+) (\S+) (.*)$') m
	WHERE m[4] = 'TEST_' || upper(current_setting('test.tag'));

-- Commit and rollback -----------------------------------------------------------------------------------

SELECT pg_temp.link('hand', 'postgres') \g /dev/null
SELECT is(pg_temp.run('hand', pg_temp.say('{"a":1}'), 'ROLLBACK', 'BEGIN'), 'ok', 'a push that is rolled back');
SELECT is(pg_temp.run('hand', pg_temp.say('{"a":2}'), 'SAVEPOINT s', pg_temp.say('{"a":3}'), 'ROLLBACK TO s', pg_temp.say('{"a":4}'),
	'SAVEPOINT t', pg_temp.say('{"a":5}'), 'RELEASE t'), 'ok', 'pushes around a subtransaction that is');
SELECT ok(pg_temp.hear('%{"a":5}'), 'are heard once they commit');
SELECT is((SELECT array_agg(data ->> 'a' ORDER BY n) FROM said), '{2,4,5}', 'in their order, without those that were rolled back');
SELECT is((SELECT array_agg(seq - (SELECT min(seq) FROM said) ORDER BY n) FROM said), '{0,1,2}', 'seq rises by one in a topic');
SELECT is((SELECT count(DISTINCT payload) FROM said), 1::bigint, 'several leave in one notification');
SELECT is((SELECT array_agg(DISTINCT topic || ' ' || version) FROM said), '{/topic/server/announcements 0}', 'a line names its topic and version');
SELECT ok((SELECT bool_and(abs(ms - extract(epoch FROM necp.now()) * 1000) < 60000) FROM said), 'and its time');
SELECT is(pg_temp.run('hand', pg_temp.say('{"a":6}')), 'ok', 'another transaction');
SELECT ok(pg_temp.hear('%{"a":6}'), 'is heard too');
SELECT is((SELECT max(seq) - min(seq) FROM said), 3::bigint, 'seq rises on');
SELECT is((SELECT count(DISTINCT epoch) FROM heard), 1::bigint, 'in one epoch');
SELECT is((SELECT max(batch) - min(batch) + 1 FROM heard), (SELECT count(DISTINCT batch) FROM heard), 'no batch is missing');

-- What cannot be sent -----------------------------------------------------------------------------------

SELECT is(pg_temp.refusal_of(pg_temp.say(format('{"a":"%s"}', repeat('x', 7168 - 8 - length('TEST_' || :'tag' || ' /topic/server/announcements'))))),
          'ok: ', 'a body of 7 KiB is as large as it may be');
SELECT is(pg_temp.refusal_of(pg_temp.say(format('{"a":"%s"}', repeat('x', 7168 - 7 - length('TEST_' || :'tag' || ' /topic/server/announcements'))))),
          'XX000', 'a larger one is a bug of its rule');
SELECT is(pg_temp.refusal_of(pg_temp.say('{"a":')), '22P02', 'what is no JSON is refused');
SELECT is(pg_temp.run('hand', pg_temp.say(E'{"a":\n7,\r\n"b":"two\\nlines"}')), 'ok', 'line breaks between values');
SELECT ok(pg_temp.hear('%two%lines%'), 'do not break the line');
SELECT is((SELECT data ->> 'a' FROM said WHERE data ->> 'b' IS NOT NULL), '7', 'nor the data');
SELECT is(pg_temp.refusal_of($$SELECT necp.push('/topic/a b', 'TEST', '{}')$$), 'NC001 topic', 'VALIDATION: a topic has no blanks');
SELECT is(pg_temp.refusal_of($$SELECT necp.push('/queue/aaaaa', 'TEST', '{}')$$), 'NC001 topic', 'VALIDATION: and begins with /topic/');
SELECT is(pg_temp.refusal_of($$SELECT necp.push('/topic/a', 'te st', '{}')$$), 'NC001 type', 'VALIDATION: a type has capitals and digits');
SELECT is(pg_temp.refusal_of($$SELECT necp.push('/topic/a', 'TEST', NULL)$$), 'NC001 data', 'VALIDATION: data is required');
SET ROLE necp_edge;
SELECT throws_ok($$SELECT necp.push('/topic/a', 'TEST', '{}')$$, '42501', NULL, 'servers push nothing by themselves');
SET ROLE necp_analyst;
SELECT throws_ok($$SELECT necp.push('/topic/a', 'TEST', '{}')$$, '42501', NULL, 'nor do analysts');
SET ROLE necp_admin;
SELECT lives_ok($$SELECT necp.push('/topic/a', 'TEST', '{}')$$, 'admins do');
RESET ROLE;
SELECT is(pg_temp.run('hand', pg_temp.say('{"a":8}'), 'PREPARE TRANSACTION ''x'''), '0A000', 'a transaction with pushes cannot be prepared');
SELECT is(pg_temp.run('hand', pg_temp.say('{"a":9}')), 'ok', 'and leaves nothing for the next one');
SELECT ok(pg_temp.hear('%{"a":9}'), 'which is heard');
SELECT is((SELECT count(*) FROM said WHERE data ->> 'a' = '8'), 0::bigint, 'without it');

-- What rules send -----------------------------------------------------------------------------------------

SELECT pg_temp.s('ann') AS first \gset
SELECT pg_temp.login('ann') \g /dev/null
SELECT ok(pg_temp.hear(format('K %s CONCURRENT_LOGIN', :'first')), 'K: connections of a session that ended are closed');
SELECT ok(pg_temp.hear(format('M %% NOTIFICATION_CREATED /topic/player/%s/notifications %%WELCOME_BACK%%', pg_temp.a('ann'))), 'M: a notification');
SELECT is((SELECT substring(line FROM '^M \d+ (\d+) ') FROM heard WHERE line LIKE '%NOTIFICATION_CREATED%' LIMIT 1), '0', 'which has no version');
SELECT pg_temp.select_character('ann', pg_temp.c('ann')) \g /dev/null
SELECT ok(pg_temp.hear(format('B 1 %s %s 0', pg_temp.s('ann'), pg_temp.c('ann'))), 'B: a session plays a character, nowhere yet');
CALL pg_temp.open_zone('pushes', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT ok(pg_temp.hear(format('B 2 %s %s %s', pg_temp.s('ann'), pg_temp.c('ann'), :zone_id)), 'B: and somewhere, by a higher binding');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT ok(pg_temp.hear(format('U /topic/zone/%s/events character %s', :zone_id, pg_temp.c('ann'))), 'U: who left hears no more of the zone');
SELECT ok(pg_temp.hear(format('K %s LOGOUT', pg_temp.s('ann'))), 'K: after a logout');
SELECT is_empty($$SELECT line FROM heard WHERE line !~ '^(M \d+ \d+ \d{13} [A-Z0-9_]+ /topic/\S+ \{.*\}|R (\*|/topic/\S+)|U /topic/\S+ (account|character|all) \d+|B \d+ [0-9a-f-]{36} -?\d+ -?\d+|K [0-9a-f-]{36} \S+)$'$$,
	'every line is one of those that are documented');

-- More than the ring holds ----------------------------------------------------------------------------------

SELECT count(necp.push('/topic/server/announcements', 'FLOOD', json_build_object('x', repeat('x', 7000))))
FROM generate_series(1, pg_size_bytes(current_setting('necpgame.push_ring_kb')) / 6000) \g /dev/null
SELECT ok(pg_temp.hear('R *'), 'R: what did not fit is lost, and everybody is told to read again');
SELECT pg_temp.run('hand', pg_temp.say('{"a":10}')) \g /dev/null
SELECT ok(pg_temp.hear('%{"a":10}'), 'then it goes on');
SELECT dblink_disconnect('ear') \g /dev/null
SELECT * FROM finish();
