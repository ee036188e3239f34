// SPDX-License-Identifier: PostgreSQL
//
// Everywhere a secret could have been left: tables, catalogs that quote statements or values, logs,
// mail, metrics, answers and the cluster's files.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { edge } from './openapi.mjs';
import { rows, sql } from './sql.mjs';
import { realtime } from './stomp.mjs';

const run = promisify(execFile);
export const cluster = process.env.NECP_DIR;

// What answered: texts of answers with their headers, and STOMP frames.
export const answers = [];

// Notes every answer that this process gets over HTTP.
export function noteAnswers() {
	const real = globalThis.fetch;
	globalThis.fetch = async (...args) => {
		const response = await real(...args);
		const text = await response.clone().text();
		answers.push({ url: args[0], ok: response.ok, text: `${[...response.headers].join('\n')}\n${text}` });
		return response;
	};
}

/*
 * A word that occurs nowhere else. It is of letters and digits, which JSON, URLs and SQL leave as
 * they are: whoever finds it has found every such form of the text around it.
 */
export function rareWord() {
	return `Zq${randomBytes(9).toString('hex')}`;
}

// A password around a rare word, with what the encodings treat differently.
export function rarePassword(word = rareWord()) {
	return `aB3-"\\ %&${word}`;
}

// Base64 of the word wherever in a text it begins; the ends depend on the neighbours and are cut off.
function base64Forms(word) {
	return [0, 1, 2].map((shift) => {
		const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(word)]).toString('base64').replace(/=+$/, '');
		return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + word.length) * 8) / 6));
	});
}

function forms(word) {
	const base64 = base64Forms(word);
	const hex = Buffer.from(word).toString('hex');
	const reversible = [word, word.toLowerCase(), word.toUpperCase(), hex, hex.toUpperCase(), ...base64];
	return [...new Set([...reversible, ...base64.map((it) => it.replaceAll('+', '-').replaceAll('/', '_'))])];
}

async function tableTexts(found) {
	const tables = await rows`SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('game', 'necp', 'live', 'bench') AND c.relkind IN ('r', 'm', 'v', 'f') ORDER BY 1, 2`;
	await Promise.all(tables.map(async ({ schema, name }) => {
		// an alias that no column has, or the column would be shown instead of the row
		const { stdout } = await run('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', `SELECT "the row"::text FROM "${schema}"."${name}" "the row"`],
			{ maxBuffer: 1 << 29 });
		found.set(`${schema}.${name}`, stdout);
	}));
}

async function catalogTexts(found) {
	const query = (text) => run('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', text], { maxBuffer: 1 << 29 });
	found.set('pg_stat_activity', (await query('SELECT t::text FROM pg_stat_activity t WHERE pid <> pg_backend_pid()')).stdout);
	for (const { name } of await rows`SELECT oid::regclass::text AS name FROM pg_class WHERE relname = 'pg_stat_statements'`)
		found.set('pg_stat_statements', (await query(`SELECT query FROM ${name}`)).stdout);
	for (const { name } of await rows`SELECT DISTINCT format('%s.%s', schemaname, tablename) AS name FROM pg_stats WHERE schemaname IN ('game', 'necp')`)
		found.set(`pg_stats ${name}`, (await query(`SELECT t::text FROM pg_stats t WHERE format('%s.%s', schemaname, tablename) = '${name}'`)).stdout);
}

// Place → text, of logs and mails.
export async function lookIntoFiles(found = new Map()) {
	for (const folder of ['log', 'spool']) {
		const names = await readdir(join(cluster, folder), { recursive: true, withFileTypes: true }).catch(() => []);
		for (const entry of names.filter((it) => it.isFile())) {
			const path = join(entry.path, entry.name);
			const text = await readFile(path, 'latin1');
			// mails are quoted-printable: a line may break within a word
			found.set(`${folder}/${entry.name}`, folder === 'spool' ? text.replace(/=\r?\n/g, '') : text);
		}
	}
	return found;
}

// Place → all the text that is there now.
export async function lookEverywhere() {
	const found = new Map();
	await tableTexts(found);
	await catalogTexts(found);
	await lookIntoFiles(found);
	found.set('edge /metrics', await (await fetch(`${edge}/metrics`)).text());
	const { host } = new URL(realtime);
	found.set('realtime /metrics', await (await fetch(`http://${host}/metrics`)).text());
	found.set('answers', answers.map((it) => it.text).join('\n'));
	found.set('refusals', answers.filter((it) => !it.ok).map((it) => it.text).join('\n'));
	return found;
}

// The places where a word is, in any of its forms.
export function placesOf(word, found) {
	const wanted = forms(word);
	return [...found].filter(([, text]) => wanted.some((form) => text.includes(form))).map(([place]) => place);
}

// Files of the cluster, its write-ahead log too, that contain one of the words as it is.
export async function filesWith(words) {
	await sql`CHECKPOINT`;
	const patterns = words.flatMap((word) => ['-e', word]);
	const search = run('grep', ['-rlaF', '--exclude-dir=bin', '--exclude-dir=docs-viewer', ...patterns, cluster]);
	const { stdout } = await search.catch((error) => {
		if (error.code <= 2 && error.stdout !== undefined) return error; // 1: none; 2: a file went while it looked
		throw error;
	});
	return stdout.split('\n').filter(Boolean).map((path) => path.slice(cluster.length + 1));
}
