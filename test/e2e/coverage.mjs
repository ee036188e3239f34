// SPDX-License-Identifier: PostgreSQL
//
// After a run of all files: which routes never answered well, which error codes were never seen?
// Prints both lists and ends with 1 if either has something in it.
import { readFileSync } from 'node:fs';
import { notesFile } from './lib/coverage.mjs';
import { rows } from './lib/sql.mjs';

const notes = readFileSync(notesFile, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const routes = new Set(notes.map((note) => note.route));
const codes = new Set(notes.map((note) => note.code));

const all = {
	routes: (await rows`SELECT method || ' ' || path AS name FROM necp.edge_routes() ORDER BY path, method`).map((it) => it.name),
	codes: (await rows`SELECT code AS name FROM necp.error_codes() ORDER BY state`).map((it) => it.name),
};
const missing = {
	routes: all.routes.filter((name) => !routes.has(name)),
	codes: all.codes.filter((name) => !codes.has(name)),
};

console.log(`# routes that answered well: ${all.routes.length - missing.routes.length} of ${all.routes.length}`);
for (const name of missing.routes) console.log(`# never: ${name}`);
console.log(`# error codes seen: ${all.codes.length - missing.codes.length} of ${all.codes.length}`);
for (const name of missing.codes) console.log(`# never: ${name}`);
process.exit(missing.routes.length + missing.codes.length > 0 ? 1 : 0);
