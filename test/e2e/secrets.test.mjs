// SPDX-License-Identifier: PostgreSQL
//
// Where passwords and tokens are not. PostgreSQL logs every statement meanwhile, with all that is
// bound. First a canary is planted in every kind of place that is searched, and found there: a
// search that cannot find anything proves nothing.
import './lib/suite.mjs';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { call, nobody } from './lib/api.mjs';
import { mailedToken } from './lib/mail.mjs';
import { findOperation } from './lib/openapi.mjs';
import { answers, cluster, filesWith, lookEverywhere, lookIntoFiles, noteAnswers, placesOf, rarePassword, rareWord } from './lib/places.mjs';
import { rawHttp, RawStomp } from './lib/raw.mjs';
import { holding, pause, rows, sql, until } from './lib/sql.mjs';
import { realtime } from './lib/stomp.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { base32Bytes, calmStep, stepNow, totp } from './lib/totp.mjs';
import { Player, unique } from './lib/world.mjs';

noteAnswers();

const LOGGED = { log_statement: 'all', log_min_duration_statement: '0', log_parameter_max_length: '-1', log_parameter_max_length_on_error: '-1' };
const ROLE = ['log_parameter_max_length', 'log_parameter_max_length_on_error'];
const skip = cluster ? false : 'it needs the cluster\'s folder (NECP_DIR)';

// Words by what they are; each is looked for in the end.
const passwords = [];
const tokens = []; // never anywhere but in the answer that gives them
const mailed = []; // in private tables and in the mail as well

const canaries = {};
const canary = (place) => (canaries[place] = rareWord());

function password() {
	const word = rareWord();
	passwords.push(word);
	return rarePassword(word);
}

// An access token is looked for by its signature, as claims have much in common.
function noteTokens({ access_token, refresh_token, reconnect_token }) {
	tokens.push(access_token.split('.')[2], refresh_token, reconnect_token);
}

const factors = []; // in the answer, and the secret as it is in its private table

const has = (method, path) => findOperation(method, path) !== undefined;

// Settings of a role hold from the next connection on.
async function reconnectServers() {
	await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'necp_edge'`;
	await pause(300);
	await until(async () => (await call('GET', '/characters/catalog').catch(() => undefined))?.status === 200, 'the edge to be back', 15000);
	await until(async () => (await fetch(`http://${new URL(realtime).host}/ready`)).ok, 'the realtime server to be back', 15000);
}

before(async () => {
	for (const [name, value] of Object.entries(LOGGED)) await sql([`ALTER SYSTEM SET ${name} = '${value}'`]);
	await sql`SELECT pg_reload_conf()`;
});

after(async () => {
	await sql`DROP TABLE IF EXISTS game.e2e_canaries`;
	await sql`DROP FUNCTION IF EXISTS game.e2e_fail CASCADE`;
	await sql`DROP FUNCTION IF EXISTS game.e2e_fail_mail CASCADE`;
	await sql`DELETE FROM game.game_events WHERE type = 'E2E_CANARY'`;
	await sql`DELETE FROM game.idempotency_keys WHERE request_hash = ''`;
	for (const name of Object.keys(LOGGED)) await sql([`ALTER SYSTEM RESET ${name}`]);
	await sql`SELECT pg_reload_conf()`;
	for (const name of ROLE) await sql([`ALTER ROLE necp_edge SET ${name} = 0`]);
	await reconnectServers();
});

const isRefusal = (frames) => frames.startsWith('ERROR') || frames.includes('urn:necp:error:');

async function stomp(token) {
	const socket = await RawStomp.open();
	socket.socket.on('message', (data) => answers.push({ ok: !isRefusal(String(data)), text: String(data) }));
	const { headers } = await socket.connect(token);
	tokens.push(headers['reconnect-token']);
	for (const queue of ['replies', 'errors']) socket.frame('SUBSCRIBE', { id: queue, destination: `/user/queue/${queue}` });
	return socket;
}

async function takeUp(token) {
	const body = { reconnect_token: token };
	const back = await until(async () => {
		const { status, body: answer } = await call('POST', '/session/reconnect', { body, expect: null });
		return status === 200 && answer;
	}, 'the session to be lost');
	tokens.push(back.reconnect_token, back.access_token.split('.')[2]);
	return back;
}

async function say(socket, destination, body, headers = {}) {
	const id = randomUUID();
	socket.frame('SEND', { destination, 'content-type': 'application/json', 'correlation-id': id, ...headers }, body);
	await socket.frames.find((item) => item.headers['correlation-id'] === id || item.command === 'ERROR', `an answer to ${destination}`);
}

/*
 * Makes the rules fail where a character has a certain name: with an error that nobody foresaw, which
 * the servers log, or with a refusal, which the client is told.
 */
async function failOnNames({ logged, told }) {
	await sql([`CREATE FUNCTION game.e2e_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF new.name LIKE 'Logged%' THEN RAISE EXCEPTION '${logged}'; END IF;
		IF new.name LIKE 'Told%' THEN RAISE EXCEPTION '${told}' USING ERRCODE = 'NC921'; END IF;
		RETURN new; END $$`]);
	await sql`CREATE TRIGGER e2e_fail BEFORE INSERT ON game.characters FOR EACH ROW EXECUTE FUNCTION game.e2e_fail()`;
}

// A mail that the database does not give out at first, which its sender logs, and that then leaves.
async function plantMail() {
	await sql([`CREATE FUNCTION game.e2e_fail_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${canary('log/mailer.log')}'; END $$`]);
	await sql`CREATE TRIGGER e2e_fail_mail BEFORE UPDATE ON game.email_outbox FOR EACH ROW WHEN (new.recipient LIKE 'canary%')
		EXECUTE FUNCTION game.e2e_fail_mail()`;
	const body = { email: `canary${unique()}@example.com`, username: unique('p'), password: password(), display_name: canary('spool/') };
	await nobody.post('/auth/register', body);
	const holds = (place) => until(async () => placesOf(canaries[place], await lookIntoFiles()).some((it) => it.startsWith(place)), `a canary in ${place}`, 15000);
	await holds('log/mailer.log');
	await sql`DROP FUNCTION game.e2e_fail_mail CASCADE`;
	await sql`NOTIFY necp_email`;
	await holds('spool/');
}

async function plant() {
	const player = await Player.register();
	const character = (name) => ({ name: `${name} ${unique('').slice(0, 8)}`, class: 'breaker', origin: 'street' });
	const column = {
		text: canary('game.e2e_canaries'), json: rareWord(), jsonb: rareWord(), bytea: rareWord(), 'text[]': rareWord(), varchar: rareWord(),
	};
	for (const [type, word] of Object.entries(column)) canaries[`game.e2e_canaries (${type})`] = word;
	await sql([`CREATE TABLE game.e2e_canaries AS SELECT '${column.text}'::text AS t, '{"a": ["${column.json}"]}'::json AS j,
		'{"${column.jsonb}": 1}'::jsonb AS b, '${column.bytea}'::bytea AS y, ARRAY['${column['text[]']}'] AS l, '${column.varchar}'::varchar AS v`]);
	canaries['game.e2e_canaries (base64)'] = rareWord();
	canaries['game.e2e_canaries (hex)'] = rareWord();
	for (const [word, form] of [[canaries['game.e2e_canaries (base64)'], 'base64'], [canaries['game.e2e_canaries (hex)'], 'hex']])
		for (const before of ['', 'x', 'xx'])
			await sql`INSERT INTO game.e2e_canaries (t) VALUES (${Buffer.from(`${before}${word}, and more`).toString(form)})`;
	await sql`INSERT INTO game.game_events (type, aggregate_type, aggregate_id, occurred_at, data)
		VALUES ('E2E_CANARY', 'E2E', 0, clock_timestamp(), json_build_object('word', ${canary('game.game_events')}::text))`;
	await sql`INSERT INTO game.idempotency_keys (account_id, key, request_hash, response, created_at)
		VALUES (${player.account_id}, ${randomUUID()}, '', json_build_object('word', ${canary('game.idempotency_keys')}::text), clock_timestamp())`;
	await failOnNames({ logged: canary('log/edge.log'), told: canary('refusals') });
	await player.post('/characters', character('Logged'), { expect: 'INTERNAL' });
	await player.post('/characters', character('Told'), { expect: 'NAME_TAKEN' });
	await sql([`CREATE OR REPLACE FUNCTION game.e2e_fail() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION '${canary('log/realtime.log')}'; END $$`]);
	const socket = await stomp(player.token);
	await say(socket, '/app/characters', JSON.stringify(character('Logged')));
	await socket.end();
	await nobody.post('/auth/login', { email: `${canary('log/postgresql.log')}@example.com`, password: password() }, { expect: 'INVALID_CREDENTIALS' });
	await plantMail();
	return holding([`SET application_name = '${canary('pg_stat_activity')}'`]);
}

test('the search finds what is planted, wherever', { skip }, async () => {
	for (const name of ROLE) await sql([`ALTER ROLE necp_edge RESET ${name}`]);
	await reconnectServers();
	const release = await plant();
	await pause(300);
	const found = await lookEverywhere();
	await release();
	for (const [place, word] of Object.entries(canaries)) {
		const where = place.replace(/ .*/, '');
		assert.ok(placesOf(word, found).some((it) => it === where || it.startsWith(where.endsWith('/') ? where : `${where}_`)), `a canary in ${place} is found: ${placesOf(word, found)}`);
	}
	const files = await filesWith([canaries['game.e2e_canaries']]);
	assert.ok(files.some((it) => it.startsWith('data/base/')) && files.some((it) => it.startsWith('data/pg_wal/')), `the files are searched: ${files}`);
	assert.deepEqual(placesOf(rareWord(), found), []);
});

// What a client may do with a password that is not foreseen -------------------------------------

// Places that the edge must refuse before anything is bound.
function misplaced(secret) {
	const body = (value) => JSON.stringify(value);
	const email = `${unique()}@example.com`;
	const username = unique('p');
	const encoded = encodeURIComponent(secret);
	return [
		['POST', '/auth/login', { raw: body({ email, password: [secret] }) }],
		['POST', '/auth/login', { raw: body({ email, password: { secret } }) }],
		['POST', '/auth/login', { raw: body({ email, password: 12345678, pass: secret }) }],
		['POST', '/auth/login', { raw: body({ email, passwd: secret }) }],
		['POST', '/auth/login', { raw: body([email, secret]) }],
		['POST', '/auth/login', { raw: body(secret) }],
		['POST', '/auth/login', { raw: `{"email":"${email}","password":${body(secret)}` }],
		['POST', '/auth/login', { raw: `{"email":"${email}","password":${body(secret)},"password":${body(secret)}}` }],
		['POST', '/auth/login', { raw: `email=${email}&password=${encoded}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
		['POST', `/auth/login?password=${encoded}`, { raw: body({ email }) }],
		['POST', `/auth/login?email=${email}&password=${encoded}`, {}],
		['POST', '/auth/login', { raw: body({ email, password: secret + 'x'.repeat(4000) }) }],
		['POST', '/auth/login', { raw: body({ email, password: secret, note: 'x'.repeat(70000) }) }],
		['GET', `/auth/login?password=${encoded}`, {}],
		['GET', `/auth/me?password=${encoded}`, {}],
		['GET', '/auth/me', { headers: { authorization: `Basic ${Buffer.from(`${email}:${secret}`).toString('base64')}` } }],
		['GET', '/auth/me', { headers: { authorization: `Bearer ${encoded}`, 'x-password': encoded, cookie: `password=${encoded}` } }],
		['GET', `/auth/me/${encoded}`, {}],
		['POST', '/auth/register', { raw: body({ email, username, password: secret + 'x'.repeat(200) }) }],
		['POST', '/auth/register', { raw: body({ email, username, password: secret, password_hash: secret }) }],
		['POST', '/auth/register', { raw: body({ email, username, password: secret, verified_hash: secret, role: secret }) }],
		['POST', '/auth/register', { raw: body({ email, username, password: `${secret}\u0000` }) }],
		['POST', '/auth/register', { raw: Buffer.concat([Buffer.from(`{"email":"${email}","username":"${username}","password":${body(secret).slice(0, -1)}`), Buffer.from([0xc3, 0x28, 0x22, 0x7d])]) }],
	];
}

async function misplace(secret) {
	for (const [method, path, options] of misplaced(secret)) {
		const { status } = await call(method, path, { ...options, expect: null });
		assert.ok(status >= 400, `${method} ${path.split('?')[0]} takes it`);
	}
	const { responses } = await rawHttp(`POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nPassword: ${encodeURIComponent(secret)}\r\nContent-Length: 5\r\n\r\n{"a"\r`, { wanted: 1 });
	answers.push(...responses.map((it) => ({ ok: false, text: it.body })));
}

// Places where a text belongs, only not this one: it is bound, and may still not be kept or logged.
async function confuse(secret) {
	const mixed = [
		['/auth/login', { email: secret, password: secret }],
		['/auth/register', { email: secret, username: unique('p'), password: secret }],
		['/auth/register', { email: `${unique()}@example.com`, username: secret, password: secret }],
		['/auth/verify-email', { token: secret }],
		['/auth/refresh', { refresh_token: secret }],
		['/auth/forgot-password', { email: secret }],
		['/auth/resend-verification', { email: secret }],
		['/auth/reset-password', { token: secret, new_password: secret }],
		['/session/reconnect', { reconnect_token: secret }],
	];
	for (const [path, body] of mixed.filter(([path]) => has('POST', path))) {
		const { status } = await call('POST', path, { body, expect: null });
		assert.ok(status >= 400 || status === 202, `${path} takes it: ${status}`);
	}
}

async function sendOverStomp(token, email, secret) {
	const socket = await stomp(token);
	const body = JSON.stringify({ email, password: secret });
	await say(socket, '/app/auth/login', body);
	await say(socket, '/app/auth/register', JSON.stringify({ email: `${unique()}@example.com`, username: unique('p'), password: secret }));
	if (has('POST', '/auth/change-password')) await say(socket, '/app/auth/change-password', JSON.stringify({ current_password: secret, new_password: secret }));
	await say(socket, '/app/session/heartbeat', body);
	await say(socket, '/app/session/heartbeat', body, { password: encodeURIComponent(secret) });
	await say(socket, `/app/session/heartbeat?password=${encodeURIComponent(secret)}`, '');
	await say(socket, '/app/input', body);
	await say(socket, '/app/nowhere', body);
	socket.frame('SEND', { destination: '/elsewhere' }, body);
	socket.frame('BECOME', { login: email, passcode: encodeURIComponent(secret) }, body);
	await socket.closed;
	for (const headers of [{ login: email, passcode: encodeURIComponent(secret) }, { Authorization: `Bearer ${encodeURIComponent(secret)}`, passcode: 'x' }]) {
		const unknown = await RawStomp.open({ query: `?password=${encodeURIComponent(secret)}` });
		unknown.socket.on('message', (data) => answers.push({ ok: false, text: String(data) }));
		unknown.frame('CONNECT', { 'accept-version': '1.2', host: 'x', ...headers });
		await unknown.closed;
	}
}

// The ways of a password through the API ---------------------------------------------------------

async function login(player, secret, more = {}) {
	const given = await nobody.post('/auth/login', { email: player.email, password: secret, ...more });
	noteTokens(given);
	Object.assign(player, { token: given.access_token, refresh_token: given.refresh_token });
	return given;
}

async function liveThrough() {
	const player = new Player();
	const first = password();
	Object.assign(player, { username: unique('p'), email: `${unique()}@example.com` });
	const { account_id } = await nobody.post('/auth/register', { email: player.email, username: player.username, password: first });
	await nobody.post('/auth/register', { email: player.email, username: unique('p'), password: password() }, { expect: 'EMAIL_TAKEN' });
	await nobody.post('/auth/register', { email: `${unique()}@example.com`, username: unique('p'), password: rareWordOnly() }, { expect: 'WEAK_PASSWORD' });
	const verification = await mailedToken(player.email, 'VERIFY_EMAIL');
	mailed.push(verification);
	await nobody.post('/auth/verify-email', { token: verification });
	await nobody.post('/auth/login', { email: player.email, password: password() }, { expect: 'INVALID_CREDENTIALS' });
	await nobody.post('/auth/login', { email: `${unique()}@example.com`, password: password() }, { expect: 'INVALID_CREDENTIALS' });
	await login(player, first);
	noteTokens(await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }));
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'REFRESH_REUSED' });
	await login(player, first);
	tokens.push((await player.post('/session/ws-ticket')).ticket);
	await sendOverStomp(player.token, player.email, first);
	player.token = (await takeUp(tokens.findLast((it) => it))).access_token;
	return { player, account_id, current: first };
}

// A weak one: nothing but letters and digits.
function rareWordOnly() {
	const word = rareWord();
	passwords.push(word);
	return word;
}

async function change(life) {
	const { player } = life;
	const next = password();
	await player.post('/auth/change-password', { current_password: password(), new_password: password() }, { expect: 'INVALID_CREDENTIALS' });
	await player.post('/auth/change-password', { current_password: life.current, new_password: rareWordOnly() }, { expect: 'WEAK_PASSWORD' });
	await player.post('/auth/change-password', { current_password: life.current, new_password: life.current }, { expect: 'WEAK_PASSWORD' });
	await player.post('/auth/change-password', { current_password: life.current, new_password: next });
	life.current = next;
	await login(player, next);
}

async function reset(life) {
	await nobody.post('/auth/forgot-password', { email: life.player.email });
	const token = await mailedToken(life.player.email, 'RESET_PASSWORD');
	const next = password();
	mailed.push(token);
	await nobody.post('/auth/reset-password', { token, new_password: rareWordOnly() }, { expect: 'WEAK_PASSWORD' });
	await nobody.post('/auth/reset-password', { token, new_password: next });
	await nobody.post('/auth/reset-password', { token, new_password: password() }, { expect: 'TOKEN_USED' });
	life.current = next;
	await login(life.player, next);
}

// The secret may be kept, but not told again: in hexadecimal it is in the table, in base32 nowhere.
async function guard(life) {
	const { player } = life;
	await player.post('/auth/2fa/enable', { password: password() }, { expect: 'INVALID_CREDENTIALS' });
	const { secret } = await player.post('/auth/2fa/enable', { password: life.current });
	factors.push(secret, base32Bytes(secret).toString('hex'));
	await calmStep();
	const { backup_codes } = await player.post('/auth/2fa/verify', { code: totp(secret) });
	factors.push(...backup_codes, ...backup_codes.map((code) => code.replaceAll('-', '')));
	const credentials = { email: player.email, password: life.current };
	await nobody.post('/auth/login', credentials, { expect: 'TWO_FACTOR_REQUIRED' });
	await nobody.post('/auth/login', { ...credentials, code: backup_codes[0].replace(/[A-Z]/, '0') }, { expect: 'INVALID_2FA_CODE' });
	noteTokens(await nobody.post('/auth/login', { ...credentials, code: totp(secret, stepNow() + 1) }));
	await login(player, life.current, { code: backup_codes[1] });
	await player.post('/auth/2fa/disable', { password: life.current, code: backup_codes[2] });
}

async function move(life) {
	const email = `${unique()}@example.com`;
	const put = (body, expect) => call('PUT', '/account', { token: life.player.token, body, expect });
	await put({ email, password: password() }, 'INVALID_CREDENTIALS');
	await put({ email, password: life.current });
	await put({ display_name: life.current.slice(0, 3), password: life.current });
}

async function remove(life) {
	const gone = (body, options) => call('DELETE', '/account', { token: life.player.token, body, ...options });
	await gone({ password: password() }, { expect: 'INVALID_CREDENTIALS' });
	await gone({ password: life.current });
}

// The rest of the ways, where the API has them.
async function goOn(life) {
	if (has('POST', '/auth/change-password')) await change(life);
	if (has('POST', '/auth/forgot-password')) await reset(life);
	if (has('POST', '/auth/2fa/enable')) await guard(life);
	if (has('PUT', '/account')) await move(life);
	if (has('DELETE', '/account')) await remove(life);
}

async function privateTables() {
	const names = (await rows`SELECT table_name AS name FROM necp.private_tables`).map((it) => `game.${it.name}`);
	return new Set(names.flatMap((name) => [name, `pg_stats ${name}`]));
}

const short = (word) => `${word.slice(0, 6)}…`;

function assertNowhere(words, found, allowed = () => false) {
	for (const word of words) {
		const places = placesOf(word, found).filter((place) => !allowed(place));
		assert.deepEqual(places, [], `${short(word)} is left behind`);
	}
}

test('with all that is bound in the log, no password is anywhere', { skip }, async () => {
	await misplace(password());
	await goOn(await liveThrough());
	await pause(300);
	const found = await lookEverywhere();
	assert.ok(passwords.length >= 7);
	assertNowhere(passwords, found);
	assert.deepEqual(await filesWith(passwords), []);
});

test('with the servers as they are installed, no secret is in a log, whatever the database logs', { skip }, async () => {
	for (const name of ROLE) await sql([`ALTER ROLE necp_edge SET ${name} = 0`]);
	await reconnectServers();
	tokens.length = 0;
	mailed.length = 0;
	factors.length = 0;
	const unlogged = rareWord();
	await nobody.post('/auth/login', { email: `${unlogged}@example.com`, password: password() }, { expect: 'INVALID_CREDENTIALS' });
	await misplace(password());
	await confuse(password());
	await goOn(await liveThrough());
	await pause(300);
	const found = await lookEverywhere();
	const mayKeep = await privateTables();
	assertNowhere(passwords, found);
	assert.deepEqual(await filesWith(passwords), []);
	assert.ok(!placesOf(unlogged, found).includes('log/postgresql.log'), 'what is bound is not logged');
	assert.ok(tokens.length >= 7 && mailed.length >= 1);
	assertNowhere(tokens, found, (place) => place === 'answers');
	assertNowhere(factors, found, (place) => place === 'answers' || mayKeep.has(place));
	assertNowhere(mailed, found, (place) => mayKeep.has(place) || place.startsWith('spool/'));
});

nothingIsLost();
