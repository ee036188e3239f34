-- Parties (DOMAIN §17): who may do what, and what the tables refuse whatever the code does.
\ir ../helpers.psql
SELECT plan(120);
SELECT pg_temp.player(n) FROM unnest('{ann,bob,cat,dan,eve,fay,guy,hal}'::text[]) n \g /dev/null
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null
CREATE TEMP TABLE told (n serial, line text);

CREATE FUNCTION pg_temp.party(who text) RETURNS json LANGUAGE sql RETURN pg_temp.call(who, 'GET', '/party');
CREATE FUNCTION pg_temp.create_party(who text) RETURNS bigint LANGUAGE sql
	RETURN (pg_temp.call(who, 'POST', '/party') ->> 'party_id')::bigint;
CREATE FUNCTION pg_temp.invite(host text, guest text) RETURNS bigint LANGUAGE sql
	RETURN (pg_temp.call(host, 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c(guest))) ->> 'invite_id')::bigint;
CREATE FUNCTION pg_temp.no_invite(host text, guest text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(host, 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c(guest)));
CREATE FUNCTION pg_temp.accept(who text, id bigint) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id', id));
CREATE FUNCTION pg_temp.no_accept(who text, id bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id', id));
CREATE FUNCTION pg_temp.join_party(host text, guest text) RETURNS json LANGUAGE sql
	RETURN pg_temp.accept(guest, pg_temp.invite(host, guest));
CREATE FUNCTION pg_temp.whom(path text, who text, target text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', path, jsonb_build_object('character_id', pg_temp.c(target)));
CREATE FUNCTION pg_temp.not_whom(path text, who text, target text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', path, jsonb_build_object('character_id', pg_temp.c(target)));
CREATE FUNCTION pg_temp.names(party json) RETURNS text LANGUAGE sql
	RETURN (SELECT string_agg(w.name, ' ' ORDER BY n) FROM json_array_elements(party -> 'members') WITH ORDINALITY j (m, n)
	        JOIN pg_temp.who w ON w.character_id = (m ->> 'character_id')::bigint);
CREATE FUNCTION pg_temp.leads(party bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT w.name FROM game.parties p JOIN pg_temp.who w ON w.character_id = p.leader_id WHERE p.id = party);
CREATE FUNCTION pg_temp.member(who text) RETURNS game.party_members LANGUAGE sql
	RETURN (SELECT m FROM game.party_members m WHERE m.character_id = pg_temp.c(who));
CREATE FUNCTION pg_temp.last_event(party bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT e.type || ' ' || coalesce(w.name, '?') || coalesce(' ' || (e.data ->> 'reason'), '') FROM game.game_events e
	        LEFT JOIN pg_temp.who w ON w.character_id = e.character_id
	        WHERE e.aggregate_type = 'PARTY' AND e.aggregate_id = party ORDER BY e.id DESC LIMIT 1);
CREATE FUNCTION pg_temp.events(party bigint) RETURNS text[] LANGUAGE sql
	RETURN (SELECT array_agg(e.type ORDER BY e.id) FROM game.game_events e WHERE e.aggregate_type = 'PARTY' AND e.aggregate_id = party);
-- Has such a line been published?
CREATE FUNCTION pg_temp.hear(pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 50 LOOP
		PERFORM * FROM public.dblink('ear', 'SELECT 1') d (x int);
		INSERT INTO pg_temp.told (line) SELECT l FROM public.dblink_get_notify('ear') g, string_to_table(g.extra, E'\n') l;
		IF EXISTS (SELECT FROM pg_temp.told t WHERE t.line LIKE pattern) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN false;
END
$$;

-- Forming one ------------------------------------------------------------------------------------

SELECT is(pg_temp.refusal('ann', 'GET', '/party'), 'NC401', 'NOT_FOUND: who is in no party');
SELECT is(pg_temp.refusal('ann', 'POST', p), 'NC401', 'NOT_FOUND: ' || p) FROM unnest('{/party/leave,/party/ready-check,/party/convert-raid}'::text[]) p;
SELECT is(pg_temp.refusal('ann', 'DELETE', '/party'), 'NC401', 'NOT_FOUND: nothing to disband');
SELECT is(pg_temp.no_invite('ann', 'bob'), 'NC401', 'NOT_FOUND: nothing to invite into');
SELECT pg_temp.create_party('ann') AS party \gset
SELECT is(pg_temp.party('ann')::jsonb - 'members' - 'created_at' - 'party_id', jsonb_build_object('leader_id', pg_temp.c('ann'), 'raid', false, 'capacity', 5,
	'frozen', false, 'loot', '{"mode": "NEED_GREED", "threshold": "UNCOMMON", "master_looter_id": null}'::jsonb, 'ready_check', null, 'version', 2), 'a party begins by need and greed, from UNCOMMON');
SELECT is((pg_temp.party('ann')::jsonb #> '{members,0}') - 'joined_at' - 'name', jsonb_build_object('character_id', pg_temp.c('ann'), 'level', 1, 'role', 'DPS',
	'assistant', false, 'hp', 100, 'max_hp', 100, 'place_id', null, 'online', true, 'afk', false, 'ready', null), 'with who formed it');
SELECT is(pg_temp.events(:party), '{PARTY_CREATED,PLAYER_JOINED_PARTY}', 'PARTY_CREATED, PLAYER_JOINED_PARTY');
SELECT is(pg_temp.refusal('ann', 'POST', '/party'), 'NC980', 'ALREADY_IN_PARTY: a second one');

-- Invitations ------------------------------------------------------------------------------------

SELECT pg_temp.invite('ann', 'bob') AS invite \gset
SELECT is((pg_temp.call('bob', 'GET', '/party/invites')::jsonb #> '{items,0}') - 'created_at' - 'expires_at', jsonb_build_object('invite_id', :invite, 'party_id', :party,
	'character_id', pg_temp.c('bob'), 'invited_by', pg_temp.c('ann'), 'invited_by_name', 'ann' || :'tag'), 'who is invited sees by whom');
SELECT is(expires_at - created_at, '60 seconds'::interval, 'it has 60 seconds') FROM game.party_invites WHERE id = :invite;
SELECT is(pg_temp.last_event(:party), 'PLAYER_INVITED_TO_PARTY ann', 'PLAYER_INVITED_TO_PARTY');
SELECT is((SELECT message FROM game.notifications WHERE account_id = pg_temp.a('bob') AND type = 'PARTY_INVITE'), 'ann' || :'tag' || ' invites you to a party.', 'and is told');
SELECT is(json_array_length(pg_temp.call('cat', 'GET', '/party/invites') -> 'items'), 0, 'others see nothing');
SELECT is(pg_temp.no_invite('ann', 'bob'), 'NC901 character_id', 'CONFLICT: one invitation at a time');
SELECT is(pg_temp.no_accept('cat', :invite), 'NC401 invite_id', 'NOT_FOUND: another''s');
SELECT is(pg_temp.refusal('cat', 'POST', '/party/invites/{invite_id}/decline', jsonb_build_object('invite_id', :invite)), 'NC401 invite_id', 'NOT_FOUND: nor to decline');
SELECT is(pg_temp.no_accept('bob', 999999999), 'NC401 invite_id', 'NOT_FOUND: nobody''s');
SELECT is(pg_temp.no_accept('bob', 0), 'NC001 invite_id', 'VALIDATION: no id');
SELECT is(pg_temp.refusal('ann', 'POST', '/party/invite', '{"character_id": 999999999}'), 'NC401 character_id', 'NOT_FOUND: nobody to invite');
SELECT is(pg_temp.no_invite('ann', 'ann'), 'NC982 character_id', 'TARGET_IN_PARTY: oneself');
SELECT pg_temp.call('bob', 'POST', '/party/invites/{invite_id}/decline', jsonb_build_object('invite_id', :invite)) \g /dev/null
SELECT is(pg_temp.no_accept('bob', :invite), 'NC901 invite_id', 'CONFLICT: it was declined');
SELECT pg_temp.invite('ann', 'bob') AS invite \gset
SELECT necp.clock_advance('59 seconds') \g /dev/null
SELECT matches(pg_temp.no_accept('bob', :invite), '^ok', 'short of 60 seconds it can be accepted');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT is(pg_temp.no_accept('bob', :invite), 'NCA80 invite_id', 'INVITE_EXPIRED: then not');
SELECT is(pg_temp.refusal('bob', 'POST', '/party/invites/{invite_id}/decline', jsonb_build_object('invite_id', :invite)), 'NCA80 invite_id', 'INVITE_EXPIRED: nor declined');
SELECT is(json_array_length(pg_temp.call('bob', 'GET', '/party/invites') -> 'items'), 0, 'nor is it shown');
SELECT pg_temp.invite('ann', 'bob') AS invite \gset
SELECT is(pg_temp.names(pg_temp.accept('bob', :invite)), 'ann bob', 'another one is');
SELECT is(pg_temp.last_event(:party), 'PLAYER_JOINED_PARTY bob ACCEPTED', 'PLAYER_JOINED_PARTY');
SELECT is(pg_temp.no_accept('bob', :invite), 'NC901 invite_id', 'CONFLICT: once');
SELECT ok(pg_temp.hear(format('M %% PARTY_STATE /topic/party/%s/state {"party_id":%s,%%"members":[%%"character_id":%s,%%]%%', :party, :party, pg_temp.c('bob'))), 'the party is told');
SELECT is(pg_temp.refusal('bob', 'POST', '/party'), 'NC980', 'ALREADY_IN_PARTY: a member forms none');
SELECT pg_temp.create_party('cat') AS other \gset
SELECT is(pg_temp.no_invite('ann', 'cat'), 'NC982 character_id', 'TARGET_IN_PARTY');
SELECT pg_temp.invite('cat', 'dan') AS first, pg_temp.invite('ann', 'dan') AS second \gset
SELECT pg_temp.accept('dan', :second) \g /dev/null
SELECT is(pg_temp.no_accept('dan', :first), 'NC980', 'ALREADY_IN_PARTY: the other invitation');
SELECT pg_temp.invite('cat', 'eve') AS invite \gset
SELECT pg_temp.call('cat', 'DELETE', '/party') \g /dev/null
SELECT is(pg_temp.no_accept('eve', :invite), 'NCA80 invite_id', 'INVITE_EXPIRED: the party is gone');

-- Who may ----------------------------------------------------------------------------------------

SELECT is(pg_temp.no_invite('bob', 'eve'), 'NC380', 'NOT_LEADER: a member invites nobody');
SELECT is(pg_temp.refusal('bob', m, p, b::jsonb), 'NC380', format('NOT_LEADER: %s %s', m, p)) FROM (VALUES
	('DELETE', '/party', '{}'), ('POST', '/party/kick', jsonb_build_object('character_id', pg_temp.c('ann'))::text),
	('POST', '/party/leader', jsonb_build_object('character_id', pg_temp.c('bob'))::text), ('PUT', '/party/loot', '{"mode": "PERSONAL"}'),
	('POST', '/party/ready-check', '{}'), ('POST', '/party/convert-raid', '{}'),
	('PUT', '/party/role', jsonb_build_object('role', 'TANK', 'character_id', pg_temp.c('ann'))::text), ('PUT', '/party/role', '{"assistant": true}')) r (m, p, b);
SELECT pg_temp.call('ann', 'PUT', '/party/role', jsonb_build_object('character_id', pg_temp.c('bob'), 'assistant', true)) \g /dev/null
SELECT is(pg_temp.names(pg_temp.join_party('bob', 'eve')), 'ann bob dan eve', 'an assistant invites');
SELECT is(pg_temp.not_whom('/party/kick', 'bob', 'eve'), 'NC380', 'NOT_LEADER: but kicks nobody');
SELECT is(pg_temp.refusal('ann', 'PUT', '/party/role', '{}'), 'NC001 role', 'VALIDATION: nothing is named');
SELECT is(pg_temp.refusal('ann', 'PUT', '/party/role', '{"role": "CLOWN"}'), 'NC001 role', 'VALIDATION: no such role');
SELECT pg_temp.call('eve', 'PUT', '/party/role', '{"role": "HEALER"}') \g /dev/null
SELECT is((pg_temp.member('eve')).role, 'HEALER', 'everybody has a role of his own choice');
SELECT pg_temp.call('ann', 'PUT', '/party/role', jsonb_build_object('role', 'TANK', 'character_id', pg_temp.c('eve'))) \g /dev/null
SELECT is(((pg_temp.member('eve')).role, (pg_temp.member('bob')).assistant)::text, '(TANK,t)', 'or of the leader''s');

-- Seats ------------------------------------------------------------------------------------------

SELECT pg_temp.invite('ann', 'fay') AS sixth \gset
SELECT pg_temp.join_party('ann', 'guy') \g /dev/null
SELECT is(pg_temp.no_invite('ann', 'hal'), 'NC981', 'PARTY_FULL: there is no seat to offer');
SELECT is(pg_temp.no_accept('fay', :sixth), 'NC981', 'PARTY_FULL: nor to take');
SELECT pg_temp.call('ann', 'POST', '/party/convert-raid') \g /dev/null
SELECT is((SELECT row(raid, capacity, (SELECT min(m.capacity) FROM game.party_members m WHERE m.party_id = p.id))::text FROM game.parties p WHERE id = :party), '(t,15,15)', 'a raid has 15');
SELECT is(pg_temp.refusal('ann', 'POST', '/party/convert-raid'), 'NC901', 'CONFLICT: it is one');
SELECT is(pg_temp.names(pg_temp.accept('fay', :sixth)), 'ann bob dan eve fay guy', 'now there is a seat');
CREATE FUNCTION pg_temp.corrupt(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	named text;
BEGIN
	EXECUTE sql;
	SET CONSTRAINTS ALL IMMEDIATE;
	RAISE EXCEPTION USING ERRCODE = 'OK000';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS named = CONSTRAINT_NAME;
	RETURN named;
END
$$;
SELECT is(pg_temp.corrupt(c), k, 'the tables refuse ' || what) FROM (VALUES
	('a member of two parties', format('INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at) VALUES (%s, %s, 15, 9, now())', pg_temp.c('bob'), :party), 'party_members_pkey'),
	('two members of one seat', format('INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at) VALUES (%s, %s, 15, 1, now())', pg_temp.c('hal'), :party), 'party_members_seat_key'),
	('a seat too many', format('INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at) VALUES (%s, %s, 15, 16, now())', pg_temp.c('hal'), :party), 'party_members_seat_range'),
	('another capacity', format('INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at) VALUES (%s, %s, 25, 16, now())', pg_temp.c('hal'), :party), 'party_members_party_fkey'),
	('fewer seats than members', format('UPDATE game.parties SET capacity = 5 WHERE id = %s', :party), 'party_members_seat_range'),
	('a member of what is disbanded', format('INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at) VALUES (%s, %s, 5, 1, now())', pg_temp.c('hal'), :other), 'party_members_party_fkey'),
	('a leader who is no member', format('UPDATE game.parties SET leader_id = %s WHERE id = %s', pg_temp.c('hal'), :party), 'parties_leader_fkey'),
	('a party without its leader', format('DELETE FROM game.party_members WHERE character_id = %s', pg_temp.c('ann')), 'parties_leader_fkey'),
	('a party without a leader', format('UPDATE game.parties SET leader_id = NULL WHERE id = %s', :party), 'parties_led'),
	('a master looter who is no member', format('UPDATE game.parties SET loot_mode = ''MASTER_LOOTER'', master_looter_id = %s WHERE id = %s', pg_temp.c('hal'), :party), 'parties_master_looter_fkey')) v (what, c, k);

-- Loot -------------------------------------------------------------------------------------------

SELECT pg_temp.lay_drop(1, '[]', 'NEED_GREED', 0, 0, 0, ARRAY[pg_temp.c('ann'), pg_temp.c('bob')]) AS drop \gset
SELECT is(pg_temp.refusal('ann', 'PUT', '/party/loot', b::jsonb), e, 'VALIDATION: ' || b) FROM (VALUES ('{}', 'NC001 mode'), ('{"mode": "MINE"}', 'NC001 mode'),
	('{"threshold": "SHINY"}', 'NC001 threshold'), ('{"master_looter_id": 1}', 'NC001 master_looter_id'), ('{"mode": "MASTER_LOOTER", "master_looter_id": 999999999}', 'NC401 master_looter_id')) v (b, e);
SELECT is((pg_temp.call('ann', 'PUT', '/party/loot', '{"mode": "MASTER_LOOTER", "threshold": "RARE"}') -> 'loot')::jsonb,
	jsonb_build_object('mode', 'MASTER_LOOTER', 'threshold', 'RARE', 'master_looter_id', pg_temp.c('ann')), 'the leader gives out, unless another is named');
SELECT is(pg_temp.last_event(:party), 'PARTY_LOOT_CHANGED ann', 'PARTY_LOOT_CHANGED');
SELECT is((pg_temp.call('ann', 'PUT', '/party/loot', jsonb_build_object('master_looter_id', pg_temp.c('guy'))) #>> '{loot,master_looter_id}')::bigint, pg_temp.c('guy'), 'guy is');
SELECT pg_temp.whom('/party/kick', 'ann', 'guy') \g /dev/null
SELECT is(pg_temp.last_event(:party), 'PLAYER_LEFT_PARTY guy KICKED', 'PLAYER_LEFT_PARTY');
SELECT is((pg_temp.party('ann') #>> '{loot,master_looter_id}')::bigint, pg_temp.c('ann'), 'who goes gives out nothing');
SELECT is((SELECT mode || count(*) FROM game.world_drops d JOIN game.drop_eligible e ON e.drop_id = d.id WHERE d.id = :drop GROUP BY mode), 'NEED_GREED2', 'what lies there keeps its mode and whose it is');
SELECT is(pg_temp.call('ann', 'PUT', '/party/loot', '{"mode": "FREE_FOR_ALL"}') -> 'loot' ->> 'master_looter_id', NULL, 'another mode knows no such thing');
DELETE FROM game.drop_eligible WHERE drop_id = :drop;
DELETE FROM game.world_drops WHERE id = :drop;

-- Kicking and leading ------------------------------------------------------------------------------

SELECT ok(pg_temp.hear(format('U /topic/party/%s/%s character %s', :party, t, pg_temp.c('guy'))), 'who was kicked hears no more of ' || t) FROM unnest('{state,loot,chat}'::text[]) t;
SELECT is(pg_temp.not_whom('/party/kick', 'ann', 'guy'), 'NC401 character_id', 'NOT_FOUND: no member');
SELECT is(pg_temp.not_whom('/party/kick', 'ann', 'ann'), 'NC001 character_id', 'VALIDATION: oneself');
SELECT is(pg_temp.not_whom('/party/leader', 'ann', 'guy'), 'NC401 character_id', 'NOT_FOUND: nor a leader');
SELECT pg_temp.whom('/party/leader', 'ann', 'eve') \g /dev/null
SELECT is(pg_temp.leads(:party), 'eve', 'the lead is handed on');
SELECT is(pg_temp.last_event(:party), 'PARTY_LEADER_CHANGED eve', 'PARTY_LEADER_CHANGED');
SELECT is(pg_temp.not_whom('/party/kick', 'ann', 'bob'), 'NC380', 'NOT_LEADER: no more');
SELECT pg_temp.call('eve', 'POST', '/party/leave') \g /dev/null
SELECT is(pg_temp.leads(:party), 'ann', 'after the leader the longest present leads');

-- Ready checks -------------------------------------------------------------------------------------

SELECT is(pg_temp.refusal('bob', 'POST', '/party/ready-check/respond', '{"ready": true}'), 'NC901', 'CONFLICT: nobody asks');
SELECT is(pg_temp.call('bob', 'POST', '/party/ready-check') #>> '{ready_check,status}', 'RUNNING', 'an assistant asks who is ready');
SELECT is((SELECT (m ->> 'ready')::boolean FROM json_array_elements(pg_temp.party('ann') -> 'members') m WHERE (m ->> 'character_id')::bigint = pg_temp.c('bob')), true, 'who asks is');
SELECT is(pg_temp.refusal('ann', 'POST', '/party/ready-check'), 'NC901', 'CONFLICT: one at a time');
SELECT is(pg_temp.refusal('ann', 'POST', '/party/ready-check/respond', '{}'), 'NC001 ready', 'VALIDATION: no answer');
SELECT pg_temp.call(w, 'POST', '/party/ready-check/respond', '{"ready": true}') FROM unnest('{ann,dan}'::text[]) w \g /dev/null
SELECT is(pg_temp.call('fay', 'POST', '/party/ready-check/respond', '{"ready": true}') #>> '{ready_check,status}', 'READY', 'the last answer ends it');
SELECT is(pg_temp.refusal('fay', 'POST', '/party/ready-check/respond', '{"ready": false}'), 'NC901', 'CONFLICT: it is over');
SELECT pg_temp.call('ann', 'POST', '/party/ready-check') \g /dev/null
SELECT is(ready_until - necp.now() BETWEEN '29 seconds' AND '30 seconds', true, 'it has 30 seconds') FROM game.parties WHERE id = :party;
SELECT pg_temp.call('bob', 'POST', '/party/ready-check/respond', '{"ready": true}') \g /dev/null
SELECT necp.clock_advance('30 seconds') \g /dev/null
SELECT is(pg_temp.party('ann') #>> '{ready_check,status}', 'NOT_READY', 'who does not answer is not ready');
SELECT is(pg_temp.refusal('dan', 'POST', '/party/ready-check/respond', '{"ready": true}'), 'NC901', 'CONFLICT: too late');
SELECT ok(pg_temp.wait_for(format('NOT (SELECT ready_open FROM game.parties WHERE id = %s)', :party)), 'the sweeper ends it');

-- Frozen -------------------------------------------------------------------------------------------

SELECT pg_temp.invite('ann', 'hal') AS invite \gset
SELECT necp.party_freeze(:party, 'MATCH') \g /dev/null
SELECT is(pg_temp.party('bob') ->> 'frozen', 'true', 'members see that nobody comes or goes');
SELECT is(pg_temp.no_accept('hal', :invite), 'NC983', 'FROZEN: nobody joins');
SELECT is(pg_temp.no_invite('ann', 'guy'), 'NC983', 'FROZEN: nobody is invited');
SELECT is(pg_temp.refusal('bob', 'POST', '/party/leave'), 'NC983', 'FROZEN: nobody leaves');
SELECT is(pg_temp.not_whom('/party/kick', 'ann', 'bob'), 'NC983', 'FROZEN: nobody is kicked');
SELECT is(pg_temp.refusal('ann', 'DELETE', '/party'), 'NC983', 'FROZEN: it is not disbanded');
SELECT is(pg_temp.refusal_of(format('SELECT necp.party_freeze(%s, ''AGAIN'')', :party)), 'NC983', 'FROZEN: nor frozen twice');
SELECT is(pg_temp.refusal_of(format('SELECT necp.party_freeze(%s, ''MATCH'')', :other)), 'NC401 party_id', 'NOT_FOUND: what is gone');
SELECT matches(pg_temp.not_whom('/party/leader', 'ann', 'bob'), '^ok', 'the lead may change');
SELECT necp.party_freeze(:party, NULL) \g /dev/null
SELECT matches(pg_temp.no_accept('hal', :invite), '^ok', 'afterwards everything goes on');
SELECT matches(pg_temp.refusal_of(format('SELECT necp.party_freeze(%s, NULL)', :other)), '^ok', 'to thaw what is gone is harmless');

-- Topics -------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.listen(who text, topic text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal_of(format('SELECT necp.subscribe(%L, %L)', pg_temp.s(who), topic));
SELECT matches(pg_temp.listen('bob', format('/topic/party/%s/%s', :party, t)), '^ok', 'members listen to ' || t) FROM unnest('{state,loot}'::text[]) t;
SELECT is(pg_temp.listen('guy', format('/topic/party/%s/state', :party)), 'NC301 topic', 'FORBIDDEN: who was kicked');
SELECT is(pg_temp.listen('hal', format('/topic/party/%s/loot', :party)), 'NC301 topic', 'FORBIDDEN: a stranger');

-- The end ------------------------------------------------------------------------------------------

SELECT pg_temp.call('dan', 'POST', '/party/leave') \g /dev/null
SELECT pg_temp.whom('/party/kick', 'ann', 'fay') \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/party/leave') \g /dev/null
SELECT is((SELECT status FROM game.parties WHERE id = :party), 'DISBANDED', 'nobody is in a party alone');
SELECT is(pg_temp.last_event(:party), 'PARTY_DISBANDED ann ALONE', 'PARTY_DISBANDED');
SELECT is(pg_temp.refusal('bob', 'GET', '/party'), 'NC401', 'NOT_FOUND: the last one is in none');
SELECT ok(pg_temp.hear(format('U /topic/party/%s/state all 0', :party)), 'and hears no more of it');
SELECT pg_temp.create_party('bob') AS party \gset
SELECT pg_temp.join_party('bob', 'ann') \g /dev/null
SELECT pg_temp.call('bob', 'DELETE', '/party') \g /dev/null
SELECT is((pg_temp.events(:party))[5:], '{PLAYER_LEFT_PARTY,PLAYER_LEFT_PARTY,PARTY_DISBANDED}', 'everybody leaves what is disbanded');
SELECT necp.clock_advance('25 hours') \g /dev/null
SELECT necp.run_job('party_purge') \g /dev/null
SELECT is((SELECT count(*) FROM game.party_invites WHERE party_id = :party), 0::bigint, 'invitations are forgotten after a day');
SELECT necp.clock_reset() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
