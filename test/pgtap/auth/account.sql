-- What an account sees of itself (DOMAIN §3); lists and their cursors (DOMAIN §0).
\ir ../helpers.psql
SELECT plan(13);
SELECT pg_temp.account('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
SELECT pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('ann'), 'client_ip', '2001:db8::1', 'user_agent', 'Guess/1.0')) \g /dev/null
SELECT pg_temp.login('ann') FROM generate_series(1, 3) \g /dev/null
CREATE FUNCTION pg_temp.logins(params jsonb DEFAULT '{}', who text DEFAULT 'ann') RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'GET', '/account/login-history', params);
SELECT pg_temp.logins() AS all \gset
SELECT is((SELECT array_agg(i ->> 'outcome') FROM json_array_elements(:'all'::json -> 'items') i), '{SUCCESS,SUCCESS,SUCCESS,WRONG_PASSWORD,SUCCESS}', 'attempts, newest first');
SELECT is((:'all'::jsonb #> '{items,3}') - 'login_id' - 'at', '{"outcome": "WRONG_PASSWORD", "client_ip": "2001:db8::1", "user_agent": "Guess/1.0"}', 'with their origin');
SELECT is(:'all'::json ->> 'next_cursor', NULL, 'that is all');
SELECT pg_temp.logins('{"limit": 2}') AS page \gset
SELECT is(json_array_length(:'page'::json -> 'items'), 2, 'a page is as long as its limit');
SELECT is(:'page'::json ->> 'next_cursor', :'page'::json #>> '{items,1,login_id}', 'its cursor is its last item');
SELECT is(pg_temp.logins(jsonb_build_object('limit', 3, 'cursor', :'page'::json -> 'next_cursor'))::jsonb,
	jsonb_build_object('items', (:'all'::jsonb -> 'items') - 1 - 0, 'next_cursor', NULL), 'the next page goes on behind it; a full last page has no next');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"limit": 0}'), 'NC001 limit', 'VALIDATION: no page');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"limit": 101}'), 'NC001 limit', 'VALIDATION: a long page');
SELECT matches(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"limit": 100}'), '^ok', 'a hundred are a page');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"cursor": 0}'), 'NC001 cursor', 'VALIDATION: no cursor');
SELECT is(pg_temp.logins('{"cursor": 1}')::jsonb, '{"items": [], "next_cursor": null}', 'behind the end there is nothing');
SELECT is((SELECT count(*) FROM json_array_elements(pg_temp.logins('{}', 'bob') -> 'items')), 1::bigint, 'others'' attempts are not listed');
SELECT is(pg_temp.refusal(NULL, 'GET', '/account/login-history'), 'NC101', 'UNAUTHENTICATED: nor anybody''s to nobody');
SELECT * FROM finish();
