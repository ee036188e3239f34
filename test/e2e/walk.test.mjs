// SPDX-License-Identifier: PostgreSQL
//
// A client that does anything at any time and knows what it has to be told: it holds a model of its
// accounts, sessions, tokens and characters, and checks each answer against it. The seed of a walk is
// printed; NECP_WALK_SEED walks it again, NECP_WALK_SECONDS sets how long.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { call } from './lib/api.mjs';
import { mailedToken } from './lib/mail.mjs';
import { findOperation } from './lib/openapi.mjs';
import { sql } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { PASSWORD, unique } from './lib/world.mjs';

const SEED = Number(process.env.NECP_WALK_SEED ?? randomBytes(4).readUInt32LE());
const SECONDS = Number(process.env.NECP_WALK_SECONDS ?? 8);
const ACCOUNTS = 4;

// mulberry32
let state = SEED;
function random() {
	state = (state + 0x6d2b79f5) | 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

// The model --------------------------------------------------------------------------------------

const accounts = [];
const trail = []; // what was done, the last few of it are shown where it goes wrong

const all = (name) => accounts.flatMap((account) => account[name]);

function makeSession(account, family, answer) {
	for (const session of account.sessions) session.alive = false;
	const session = { account, family, id: answer.session_id, token: answer.access_token, reconnect: answer.reconnect_token, alive: true, selected: null };
	account.sessions.push(session);
	return session;
}

function takeRefresh(family, token) {
	family.live = token;
	family.given.push(token);
}

// Steps: each asks the API and changes the model; they return what is wrong by assertion -----------

async function ask(method, path, options, wanted) {
	trail.push(`${method} ${path} ${JSON.stringify(options.body ?? '')} wants ${wanted}`);
	const { status, body } = await call(method, path, { ...options, expect: null });
	const got = status < 300 ? status : body.code;
	assert.equal(got, wanted, `step ${trail.length} of seed ${SEED}: ${method} ${path} → ${JSON.stringify(body)}\n${trail.slice(-12).join('\n')}`);
	return body;
}

const post = (path, body, wanted, more) => ask('POST', path, { body, ...more }, wanted);

async function register() {
	const username = unique('w');
	const account = { username, email: `${username}@example.com`, passwords: [PASSWORD], verified: false, sessions: [], families: [], characters: [], slots: 3, premium: 700 };
	const taken = accounts.length > 0 && random() < 0.3 ? pick(accounts) : undefined;
	if (taken && random() < 0.5) return post('/auth/register', { email: taken.email.toUpperCase(), username, password: PASSWORD }, 'EMAIL_TAKEN');
	if (taken) return post('/auth/register', { email: account.email, username: taken.username, password: PASSWORD }, 'USERNAME_TAKEN');
	if (accounts.length >= ACCOUNTS) return undefined;
	const { account_id } = await post('/auth/register', { email: account.email, username, password: PASSWORD }, 201);
	account.id = account_id;
	await sql`SELECT necp.ledger_mint('PREMIUM', ${account_id}, 'premium', 700, 'E2E')`;
	account.mailed = await mailedToken(account.email, 'VERIFY_EMAIL');
	accounts.push(account);
}

async function verify() {
	const account = pick(accounts);
	await post('/auth/verify-email', { token: account.mailed }, account.verified ? 'TOKEN_USED' : 200);
	account.verified = true;
}

async function login() {
	const account = pick(accounts);
	const email = random() < 0.3 ? account.email.toUpperCase() : account.email;
	if (random() < 0.1) return post('/auth/login', { email, password: 'Wrong-Horse-7' }, 'INVALID_CREDENTIALS');
	const answer = await post('/auth/login', { email, password: account.passwords.at(-1) }, 200);
	const family = { account, given: [], revoked: false };
	takeRefresh(family, answer.refresh_token);
	account.families.push(family);
	makeSession(account, family, answer);
}

function end(session) {
	session.alive = false;
	session.family.revoked = true;
}

async function refresh() {
	const family = pick(all('families'));
	if (!family || random() < 0.05) return post('/auth/refresh', { refresh_token: unique('nothing') }, 'UNAUTHENTICATED');
	const token = random() < 0.8 ? family.live : pick(family.given);
	if (family.revoked && token === family.live) return post('/auth/refresh', { refresh_token: token }, 'UNAUTHENTICATED');
	if (token !== family.live) {
		await post('/auth/refresh', { refresh_token: token }, 'REFRESH_REUSED');
		family.revoked = true;
		for (const session of family.account.sessions.filter((it) => it.family === family)) session.alive = false;
		return undefined;
	}
	const answer = await post('/auth/refresh', { refresh_token: token }, 200);
	takeRefresh(family, answer.refresh_token);
	const session = family.account.sessions.find((it) => it.alive && it.family === family);
	assert.equal(answer.session_id === session?.id, session !== undefined, 'a live session goes on, else there is a new one');
	if (session) Object.assign(session, { token: answer.access_token, reconnect: answer.reconnect_token });
	else makeSession(family.account, family, answer);
}

// Asks as a session, which may be over; the rest is done where it is not.
async function as(method, path, wanted, options = {}) {
	const session = options.session ?? pick(all('sessions'));
	if (!session) return undefined;
	const done = await ask(method, path, { token: session.token, ...options }, session.alive ? wanted(session) : 'UNAUTHENTICATED');
	return session.alive ? { session, body: done } : undefined;
}

async function logout() {
	const it = await as('POST', '/auth/logout', () => 200);
	if (it) end(it.session);
}

async function look() {
	const it = await as('GET', '/auth/me', () => 200);
	if (it) assert.deepEqual([it.body.account_id, it.body.email_verified], [it.session.account.id, it.session.account.verified]);
}

async function lookAtSession() {
	const it = await as(...pick([['GET', '/session'], ['POST', '/session/heartbeat']]), () => 200);
	if (it) assert.deepEqual([it.body.session_id, it.body.character_id], [it.session.id, it.session.selected]);
}

const NAMES = ['ab', 'x'.repeat(21), 'a--b', ' ab', 'a\u200bb'];
const kept = (account) => account.characters.filter((it) => !it.deleted);
const used = (account) => kept(account).length;

async function create() {
	const name = random() < 0.1 ? pick(NAMES) : random() < 0.15 && all('characters').length > 0 ? pick(all('characters')).name.toUpperCase() : unique('w');
	const taken = all('characters').some((it) => it.name.toUpperCase() === name.toUpperCase());
	const it = await as('POST', '/characters', ({ account }) => (NAMES.includes(name) ? 'INVALID_NAME' : used(account) >= account.slots ? 'NO_FREE_SLOT' : taken ? 'NAME_TAKEN' : 201),
		{ body: { name, class: 'breaker', origin: 'street' } });
	if (it?.body.character_id) it.session.account.characters.push({ account: it.session.account, id: it.body.character_id, name });
}

async function list() {
	const it = await as('GET', '/characters', () => 200);
	if (it) assert.deepEqual(it.body.items.map((one) => one.character_id).sort(), kept(it.session.account).map((one) => one.id).sort());
}

const owns = (session, character) => character.account === session.account && !character.deleted;

async function readCharacter() {
	const character = pick(all('characters'));
	if (character) await as('GET', `/characters/${character.id}`, (session) => (owns(session, character) ? 200 : 'NOT_FOUND'));
}

async function select() {
	const character = pick(all('characters'));
	if (!character) return;
	const it = await as('POST', `/characters/${character.id}/select`, (session) => (owns(session, character) ? 200 : 'NOT_FOUND'));
	if (it && owns(it.session, character)) it.session.selected = character.id;
}

async function remove() {
	const character = pick(all('characters'));
	if (!character) return;
	const wanted = (session) => (!owns(session, character) ? 'NOT_FOUND' : used(session.account) <= 1 ? 'LAST_CHARACTER' : session.selected === character.id ? 'BUSY' : 200);
	const session = pick(all('sessions'));
	if (await as('DELETE', `/characters/${character.id}`, wanted, { session }) && wanted(session) === 200) character.deleted = true;
}

async function restore() {
	const character = pick(all('characters'));
	if (!character) return;
	const wanted = ({ account }) => (character.account !== account ? 'NOT_FOUND' : !character.deleted ? 'CONFLICT' : used(account) >= account.slots ? 'NO_FREE_SLOT' : 200);
	const session = pick(all('sessions'));
	if (session && await as('POST', `/characters/${character.id}/restore`, wanted, { session }) && wanted(session) === 200) character.deleted = false;
}

async function act() {
	const it = await as('GET', '/inventory/wallet', (session) => (session.selected ? 200 : 'NO_ACTIVE_CHARACTER'));
	if (it?.session.selected) assert.equal(it.body.credits, 500);
}

async function buySlot() {
	const wanted = ({ account }) => (account.slots >= 5 ? 'CONFLICT' : account.premium < 500 ? 'INSUFFICIENT_FUNDS' : 200);
	const key = randomUUID();
	const it = await as('POST', '/characters/slots/purchase', wanted, { key });
	if (!it?.body.slots) return;
	const { account } = it.session;
	account.slots++;
	account.premium -= 500;
	assert.deepEqual([it.body.slots, it.body.premium, it.body.used], [account.slots, account.premium, used(account)]);
	const again = await as('POST', '/characters/slots/purchase', () => 200, { key, session: it.session });
	assert.deepEqual(again.body, it.body);
}

async function endAnother() {
	const target = pick(all('sessions'));
	if (!target) return;
	const it = await as('DELETE', `/account/sessions/${target.id}`, ({ account }) => (account === target.account ? 200 : 'NOT_FOUND'));
	if (it && it.session.account === target.account) end(target);
}

async function listSessions() {
	const it = await as('GET', '/account/sessions?limit=100', () => 200);
	if (it) assert.deepEqual(it.body.items.filter((one) => one.closed_at === null).map((one) => [one.session_id, one.current]), [[it.session.id, true]]);
}

async function keepState() {
	const state = { at: trail.length };
	const it = await as('PUT', '/session/state', () => 200, { body: { state } });
	if (it) assert.deepEqual(it.body.state, state);
}

let chosen = 0;

async function changePassword() {
	const session = pick(all('sessions'));
	if (!session) return;
	const { account } = session;
	const wrong = random() < 0.2;
	const again = random() < 0.3;
	const next = again ? pick(account.passwords.slice(-3)) : `Walk-Horse-${++chosen}`;
	const wanted = () => (wrong ? 'INVALID_CREDENTIALS' : again ? 'WEAK_PASSWORD' : 200);
	const body = { current_password: wrong ? 'Wrong-Horse-7' : account.passwords.at(-1), new_password: next };
	if (!await as('POST', '/auth/change-password', wanted, { session, body }) || wanted() !== 200) return;
	account.passwords.push(next);
	for (const it of account.sessions) it.alive = false;
	for (const it of account.families) it.revoked = true;
}

// Nobody's session is lost in this walk.
async function reconnect() {
	const session = pick(all('sessions'));
	if (session) await post('/session/reconnect', { reconnect_token: session.reconnect }, session.alive ? 'NOT_DISCONNECTED' : 'RECONNECT_WINDOW_EXPIRED');
}

async function ticket() {
	await as('POST', '/session/ws-ticket', () => 200);
}

const STEPS = [[register, 2], [verify, 1], [login, 3], [refresh, 6], [logout, 1], [look, 4], [lookAtSession, 4], [create, 4], [list, 3],
	[readCharacter, 4], [select, 5], [act, 4], [buySlot, 2], [ticket, 1], [endAnother, 1],
	[listSessions, 2], [keepState, 2],
	[changePassword, 1], [reconnect, 2],
	...(findOperation('DELETE', '/characters/1') ? [[remove, 3], [restore, 3]] : [])].flatMap(([step, weight]) => Array.from({ length: weight }, () => step));

test('a walk over accounts, sessions and characters meets nothing that the model does not foresee', async (t) => {
	t.diagnostic(`seed ${SEED}`);
	t.after(await setConfig('character.switch_s', 0));
	const deadline = performance.now() + SECONDS * 1000;
	const taken = new Map();
	while (accounts.length === 0) await register();
	while (performance.now() < deadline) {
		const step = pick(STEPS);
		await step();
		taken.set(step.name, (taken.get(step.name) ?? 0) + 1);
	}
	t.diagnostic(`${trail.length} requests; ${[...taken].map((it) => it.join(' ')).join(', ')}`);
	assert.ok(trail.length > 50);
});

nothingIsLost();
