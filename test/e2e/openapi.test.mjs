// SPDX-License-Identifier: PostgreSQL
//
// The API's own description.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { call } from './lib/api.mjs';
import { document } from './lib/openapi.mjs';
import { row, rows } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
	Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })));

test('redocly finds nothing to say against it', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'necp-openapi-'));
	const file = join(folder, 'openapi.json');
	await writeFile(file, JSON.stringify(document));
	const { stdout } = await promisify(execFile)('node_modules/.bin/redocly', ['lint', '--config', 'redocly.yaml', '--format', 'json', file],
		{ cwd: fileURLToPath(new URL('..', import.meta.url)), env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } });
	await rm(folder, { recursive: true });
	assert.deepEqual(JSON.parse(stdout).problems, []);
});

test('is served like any other answer', async () => {
	const { body } = await call('GET', '/openapi.json');
	assert.deepEqual(body, document);
	assert.equal(body.info.version, (await row`SELECT extversion AS version FROM pg_extension WHERE extname = 'necpgame'`).version);
});

test('describes every route that the servers load, and no other', async () => {
	const routes = await rows`SELECT method, path FROM necp.edge_routes()`;
	const name = ({ method, path }) => `${method} ${path}`;
	assert.deepEqual(operations.map(name).sort(), routes.map(name).sort());
});

test('asks for exactly what the routes ask for', async () => {
	const routes = await rows`SELECT method, path, auth, idempotent, params FROM necp.edge_routes()`;
	for (const { method, path, auth, idempotent, params } of routes) {
		const { operation } = operations.find((it) => it.method === method && it.path === path);
		const resolved = (operation.parameters ?? []).map((it) => (it.$ref ? document.components.parameters[it.$ref.split('/').pop()] : it));
		const body = operation.requestBody?.content['application/json'].schema;
		const wanted = (source) => params.filter((it) => it.source === source).map((it) => it.name).sort();
		const what = `${method} ${path}`;
		assert.deepEqual(resolved.filter((it) => it.in === 'path').map((it) => it.name).sort(), wanted('path'), what);
		assert.deepEqual(resolved.filter((it) => it.in === 'query').map((it) => it.name).sort(), wanted('query'), what);
		assert.deepEqual(Object.keys(body?.properties ?? {}).filter((it) => !it.includes('password')).sort(), wanted('body'), what);
		assert.equal(resolved.some((it) => it.name === 'Idempotency-Key'), idempotent, what);
		assert.equal(operation.security.length > 0, auth !== 'public', what);
		assert.ok(!JSON.stringify(operation).match(/password_hash|verified_hash|client_ip"|user_agent"/), `${what} tells what the edge fills in`);
	}
});

test('lists every error code and every topic', async () => {
	const codes = await rows`SELECT code FROM necp.error_codes()`;
	assert.deepEqual(document.components.schemas.Problem.properties.code.enum.slice().sort(), codes.map((it) => it.code).sort());
	const topics = await rows`SELECT pattern AS topic, description FROM necp.topics ORDER BY pattern`;
	assert.deepEqual(document['x-topics'].slice().sort((a, b) => (a.topic < b.topic ? -1 : 1)), topics.slice().sort((a, b) => (a.topic < b.topic ? -1 : 1)));
});

test('documents every operation, every schema and every member', () => {
	for (const { operation } of operations) assert.ok(operation.summary && operation.description, operation.operationId);
	for (const [name, schema] of Object.entries(document.components.schemas)) {
		assert.ok(schema.description, name);
		for (const [member, { description }] of Object.entries(schema.properties ?? {})) assert.ok(description, `${name}.${member}`);
	}
});

nothingIsLost();
