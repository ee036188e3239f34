// SPDX-License-Identifier: PostgreSQL
//
// The API's own description, as the judge of every answer.
import './suite.mjs'; // no file talks to the servers before its turn
import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export const edge = process.env.NECP_EDGE_URL ?? 'http://127.0.0.1:8080';
export const api = `${edge}/api/v1`;

const answer = await fetch(`${api}/openapi.json`);
assert.equal(answer.status, 200, 'the API describes itself');
export const document = await answer.json();

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(document, 'api');

// Paths with fewer parameters first: a literal segment wins.
const templates = Object.keys(document.paths)
	.map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }))
	.sort((a, b) => a.path.split('{').length - b.path.split('{').length);

// The operation that serves a path, or undefined.
export function findOperation(method, path) {
	const template = templates.find(({ pattern }) => pattern.test(path))?.path;
	const operation = template && document.paths[template][method.toLowerCase()];
	return operation && { template, operation };
}

function resolve(object) {
	return object.$ref ? resolve(object.$ref.slice(2).split('/').reduce((at, name) => at[name], document)) : object;
}

const validators = new Map();

function validator(pointer) {
	if (!validators.has(pointer)) validators.set(pointer, ajv.compile({ $ref: `api#${pointer}` }));
	return validators.get(pointer);
}

function escape(name) {
	return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function check(pointer, body, what) {
	const validate = validator(pointer);
	assert.ok(validate(body), `${what} is not as described: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body)}`);
}

export function checkProblem(body, what) {
	check('/components/schemas/Problem', body, what);
}

export function checkSchema(name, body) {
	check(`/components/schemas/${name}`, body, name);
}

// Fails where the operation's description does not foresee this status, type or body.
export function checkAnswer(method, { template, operation }, status, type, body) {
	const what = `${method} ${template} → ${status} ${body?.code ?? ''}`;
	const reference = operation.responses[status];
	assert.ok(reference, `${what} is not described: ${JSON.stringify(body)}`);
	const content = resolve(reference).content;
	assert.ok(type in content, `${what} has the type ${type}`);
	const base = reference.$ref ? reference.$ref.slice(1)
		: `/paths/${escape(template)}/${method.toLowerCase()}/responses/${status}`;
	check(`${base}/content/${escape(type)}/schema`, body, what);
}
