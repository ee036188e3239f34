// SPDX-License-Identifier: PostgreSQL
//
// SQL as superuser through psql, where the harness says (PGHOST and the like).
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { noteCode } from './coverage.mjs';

const [command, ...flags] = (process.env.NECP_PSQL ?? 'psql -XqAt -v ON_ERROR_STOP=1').split(' ');

function literal(value) {
	if (value === null || value === undefined) return 'NULL';
	if (typeof value === 'number' || typeof value === 'bigint') return String(value);
	if (typeof value === 'boolean') return value ? 'true' : 'false';
	const text = typeof value === 'string' ? value : JSON.stringify(value);
	return `'${text.replaceAll("'", "''")}'`;
}

function compose(strings, values) {
	return strings.reduce((text, part, i) => text + literal(values[i - 1]) + part);
}

async function run(text, ...more) {
	const { stdout } = await promisify(execFile)(command, [...flags, ...more, '-c', text], { maxBuffer: 1 << 26 });
	return stdout.trimEnd();
}

// Rows as objects: await rows`SELECT id, name FROM game.characters WHERE id = ${id}`.
export async function rows(strings, ...values) {
	return JSON.parse(await run(`SELECT coalesce(json_agg(r), '[]') FROM (${compose(strings, values)}) r`));
}

// The first row, or undefined.
export async function row(strings, ...values) {
	return (await rows(strings, ...values))[0];
}

// Runs a statement for its effect; what it prints comes back as text.
export async function sql(strings, ...values) {
	return run(compose(strings, values));
}

// The error code that a statement is refused with.
export async function sqlRefusal(strings, ...values) {
	const { stderr } = await run(compose(strings, values), '-v', 'VERBOSITY=sqlstate').then(() => ({ stderr: 'nothing' }), (error) => error);
	const [, state] = /^ERROR: +(\w{5})$/m.exec(stderr) ?? [];
	const known = await row`SELECT code FROM necp.error_codes() WHERE state = ${state}`;
	if (!known) throw new Error(`refused with ${stderr}`);
	noteCode(known.code);
	return known.code;
}

// A transaction that stays open until it is told to end: to hold a lock.
export async function holding(strings, ...values) {
	const child = spawn(command, [...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
	const started = new Promise((resolve, reject) => {
		child.stdout.on('data', (data) => String(data).includes('held') && resolve());
		child.on('exit', (code) => reject(new Error(`psql ended with ${code}`)));
	});
	child.stdin.write(`BEGIN;\n${compose(strings, values)};\nSELECT 'held';\n`);
	await started;
	return async function release() {
		const ended = new Promise((resolve) => child.on('exit', resolve));
		child.stdin.end('ROLLBACK;\n');
		await ended;
	};
}

// Polls until the condition yields something true, and returns that.
export async function until(condition, what, milliseconds = 5000) {
	const deadline = Date.now() + milliseconds;
	for (;;) {
		const value = await condition();
		if (value) return value;
		if (Date.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain: ${what}`);
		await pause(25);
	}
}

export function pause(milliseconds) {
	return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
