// SPDX-License-Identifier: PostgreSQL
//
// Notes which routes have answered well and which error codes have been seen; ../coverage.mjs adds
// up what the files of a run have noted.
import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Beside the cluster, so that every run starts with an empty one.
export const notesFile = join(process.env.NECP_DIR ?? tmpdir(), 'e2e-coverage.ndjson');

const notes = new Set();

export function noteRoute(method, path, status) {
	notes.add(JSON.stringify({ route: `${method} ${path}`, status }));
}

export function noteCode(code) {
	notes.add(JSON.stringify({ code }));
}

process.on('exit', () => {
	if (notes.size > 0) appendFileSync(notesFile, [...notes].join('\n') + '\n');
});
