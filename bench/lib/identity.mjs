// SPDX-License-Identifier: PostgreSQL
//
// Logins against what Argon2id costs by itself, what they cost others, what they give away, and what
// every command pays to be somebody's.
import { execFile, execFileSync } from 'node:child_process';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, result } from './report.mjs';

const PASSWORD = 'Correct-Horse-7';
const ACCOUNTS = 256;
const CONNECTIONS = 64;

const config = (stack, key) => stack.psql(`SELECT value FROM game.config WHERE key = '${key}'`);
const cost = (stack) => [config(stack, 'edge.argon2_memory_kib'), config(stack, 'edge.argon2_ops')];

/*
 * Accounts with a real password. They are not the players of other cases, whose sessions their logins
 * would end. What keeps strangers from guessing is not what is measured.
 */
function makeAccounts(stack) {
	if (stack.accounts) return;
	const hash = execFileSync('build/argon2', ['hash', PASSWORD, ...cost(stack)]).toString().trim();
	stack.psql(`SET necpgame.rehearsal = on;
		DO $$ BEGIN FOR i IN 1..${ACCOUNTS} LOOP
			PERFORM necp.auth_register(email => 'login' || i || '@bench', username => 'login' || i, password_hash => '${hash}', client_ip => NULL);
		END LOOP; END $$;`);
	stack.psql('VACUUM ANALYZE game.accounts');
	stack.accounts = ACCOUNTS;
}

// Every thread of wrk has accounts of its own, so that none is logged in twice at a time.
function loginScript(stack) {
	return stack.file('login.lua', `
local threads = 0
function setup(thread) thread:set('id', threads); threads = threads + 1 end
function init() n = 0 end
function request()
	n = n + 1
	local account = id * ${ACCOUNTS / 2} + n % ${ACCOUNTS / 2} + 1
	return wrk.format('POST', nil, {['Content-Type'] = 'application/json'}, '{"email":"login' .. account .. '@bench","password":"${PASSWORD}"}')
end
`);
}

// Passwords whose clients have hung up are still checked: the next round must not queue behind them.
async function drain(stack) {
	while (!/^necp_edge_password_waiting 0$/m.test(execFileSync('curl', ['-sS', `${stack.edge}/metrics`]).toString())) await sleep(50);
}

const ROUNDS = 4;
const SECONDS = 5;

async function login(stack) {
	makeAccounts(stack);
	const script = loginScript(stack);
	const threads = config(stack, 'edge.password_threads');
	const logins = [];
	const limit = [];
	let p99;
	for (let round = 0; round < ROUNDS; round++) {
		const seen = stack.wrk(script, '/api/v1/auth/login', { connections: CONNECTIONS, seconds: SECONDS });
		logins.push(seen.rate);
		p99 = seen.p99_ms;
		await drain(stack);
		limit.push(Number(execFileSync('build/argon2', ['rate', threads, SECONDS, ...cost(stack)]).toString()));
	}
	return [result('login', median(logins), 'logins/s', median(limit), median(logins.map((it, i) => it / limit[i])), 0.8, { p99_ms: p99 })];
}

/*
 * Reads beside a storm of logins that are all right. The reads are asked from 16 connections: fewer than
 * there are logins, and enough to keep the machine busy alone.
 */
async function loginReads(stack) {
	makeAccounts(stack);
	const me = stack.players[0];
	const reads = stack.file('reads.lua', `request = function() return wrk.format('GET', nil, {['Authorization'] = 'Bearer ${me.token}'}) end\n`);
	const path = `/api/v1/characters/${me.character}`;
	const alone = [];
	const beside = [];
	const storm = [];
	for (let round = 0; round < 7; round++) {
		alone.push(stack.wrk(reads, path, { connections: 16, seconds: 3 }).rate);
		const logins = stack.wrkInBackground(loginScript(stack), '/api/v1/auth/login', { connections: CONNECTIONS, seconds: 4 });
		await sleep(500);
		beside.push((await stack.wrkInBackground(reads, path, { connections: 16, seconds: 3 })).rate);
		storm.push((await logins).rate);
		await drain(stack);
	}
	return [result('login_reads', median(beside), 'reads/s', median(alone), median(beside.map((it, i) => it / alone[i])), 0.8,
		{ logins_per_second: median(storm) })];
}

function post(agent, url, body) {
	return new Promise((resolve, reject) => {
		const text = JSON.stringify(body);
		const start = process.hrtime.bigint();
		const request = http.request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (response) => {
			response.resume();
			response.on('end', () => resolve({ status: response.statusCode, ms: Number(process.hrtime.bigint() - start) / 1e6 }));
		});
		request.on('error', reject);
		request.end(text);
	});
}

const ATTEMPTS = 200; // of each kind

/*
 * Whether the time of a refusal tells an address that is known from one that is not: single requests,
 * one after the other, a different account each.
 */
async function loginTiming(stack) {
	makeAccounts(stack);
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const times = { known: [], unknown: [] };
	const attempt = async (kind, n) => {
		const email = kind === 'known' ? `login${n + 1}@bench` : `other${n + 1}@bench`;
		const { status, ms } = await post(agent, `${stack.edge}/api/v1/auth/login`, { email, password: 'Wrong-Horse-77' });
		if (status !== 401) throw new Error(`a wrong password is answered with ${status}`);
		times[kind].push(ms);
	};
	for (let n = 0; n < ATTEMPTS; n++)
		for (const kind of n % 2 === 0 ? ['known', 'unknown'] : ['unknown', 'known']) await attempt(kind, n);
	agent.destroy();
	const [known, unknown] = [median(times.known), median(times.unknown)];
	return [result('login_timing', unknown, 'ms', known, Math.min(known, unknown) / Math.max(known, unknown), 0.95)];
}

const CALLS = 200000;
const TRACE = "'11111111-1111-4111-8111-111111111111'::uuid";
const ENTER_US = 5;

/*
 * necp.enter as a route of an account has it, against a function of the same arguments that does nothing;
 * both are called in a loop of the executor, which is taken off with the second. The settings are those
 * that the servers' connections have.
 */
async function sessionEnter(stack) {
	const session = `'${stack.players[0].session}'::uuid`;
	stack.psql(`CREATE SCHEMA IF NOT EXISTS bench;
		CREATE OR REPLACE FUNCTION bench.nothing(uuid, uuid, bytea, uuid, "char", int) RETURNS int LANGUAGE internal AS 'pg_backend_pid'`);
	const microseconds = (fn) => Number(stack.psql(`SET search_path = pg_catalog, pg_temp; SET jit = off; SET necpgame.rehearsal = on;
		EXPLAIN (ANALYZE, TIMING OFF, FORMAT json) SELECT FROM generate_series(1, ${CALLS}) i
			WHERE CASE WHEN ${fn}(${session}, NULL, NULL, ${TRACE}, 'a', -1) IS NULL THEN i < 0 END`).match(/"Execution Time": ([\d.]+)/)[1]) * 1000 / CALLS;
	const enter = [];
	const nothing = [];
	for (let round = 0; round < 9; round++) {
		enter.push(microseconds('necp.enter'));
		nothing.push(microseconds('bench.nothing'));
	}
	const price = median(enter.map((it, i) => it - nothing[i]));
	return [result('session_enter', price, 'µs per request', ENTER_US, ENTER_US / price, 1)];
}

export const identityCases = {
	login,
	login_reads: loginReads,
	login_timing: loginTiming,
	session_enter: sessionEnter,
};
