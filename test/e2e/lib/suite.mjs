// SPDX-License-Identifier: PostgreSQL
//
// What every file of tests begins and ends with.
import assert from 'node:assert/strict';
import { openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { pause, row, rows, sql } from './sql.mjs';

const lock = join(tmpdir(), `necp-e2e-${new URL(process.env.NECP_EDGE_URL ?? 'http://127.0.0.1:8080').port}.lock`);

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

/*
 * Files share one cluster, and some of them break it on purpose: they take turns, also where the
 * runner starts several at once.
 */
async function takeTurn() {
	for (;;) {
		try {
			writeFileSync(openSync(lock, 'wx'), String(process.pid));
			process.on('exit', () => unlinkSync(lock));
			return;
		} catch (error) {
			if (error.code !== 'EEXIST') throw error;
		}
		try {
			const owner = Number(readFileSync(lock, 'utf8'));
			if (owner > 0 && !isAlive(owner)) unlinkSync(lock);
		} catch (error) {
			if (error.code !== 'ENOENT') throw error;
		}
		await pause(100);
	}
}

const PLENTY = { count: 1000000, seconds: 60 };
const GENEROUS = ['rate.public', 'rate.public_burst', 'rate.account', 'rate.register', 'rate.login', 'rate.forgot', 'rate.resend', 'rate.password', 'rate.combat'];
// All tests fail to log in from one address, some of them often.
const LENIENT = ['auth.email_lock_1_failures', 'auth.email_lock_2_failures', 'auth.email_lock_3_failures',
	'auth.address_lock_1_failures', 'auth.address_lock_2_failures', 'auth.address_lock_3_failures', 'auth.address_lock_4_failures'];

// Who moves the game's clock does not want to be found idle meanwhile; session.test.mjs sets what is set by default.
export const PATIENT = ['session.idle_s', 'session.afk_s', 'session.afk_warn_s', 'session.afk_close_s', 'session.silence_s', 'session.reconnect_s'];

// Changes a setting, which need not be in the table; resolves to what undoes it.
export async function setConfig(key, value) {
	const former = await row`SELECT value FROM game.config WHERE key = ${key}`;
	const set = async (to) => {
		await sql`SELECT necp.config_set(${key}, ${JSON.stringify(to)})`;
		await pause(200); // until the servers have heard of it
	};
	if (!former) await sql`INSERT INTO game.config (key, value, description) VALUES (${key}, '0', 'Of a test.')`;
	await set(value);
	return async () => {
		if (former) return set(former.value);
		await sql`DELETE FROM game.config WHERE key = ${key}`;
		await sql`NOTIFY necp_config`;
		return pause(200);
	};
}

await takeTurn();

before(async () => {
	for (const key of GENEROUS) await sql`SELECT necp.config_set(${key}, ${PLENTY})`;
	for (const key of LENIENT) await sql`SELECT necp.config_set(${key}, '1000000')`;
	for (const key of PATIENT) await sql`SELECT necp.config_set(${key}, '1000000000')`;
	await sql`SELECT necp.run_job('session_sweep')`;
	await pause(300);
});

// The last test of a file.
export function nothingIsLost() {
	test('necp.integrity_check() finds nothing', async () => {
		assert.deepEqual(await rows`SELECT * FROM necp.integrity_check()`, []);
	});
}
