// SPDX-License-Identifier: PostgreSQL
let count = 0;
let failed = 0;

export function note(text) {
	for (const line of String(text).split('\n')) console.log(`# ${line}`);
}

// Prints a test; what explains a failure is a string, a list (its head is shown), or anything else.
export function ok(good, name, why = '', { todo = false } = {}) {
	count++;
	console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}${todo ? ' # TODO' : ''}`);
	if (good) return;
	if (!todo) failed++;
	if (Array.isArray(why)) note(why.slice(0, 12).map((w) => (typeof w === 'string' ? w : JSON.stringify(w))).join('\n') + (why.length > 12 ? `\n… ${why.length} in all` : ''));
	else if (why !== '') note(typeof why === 'string' ? why : JSON.stringify(why));
}

export const none = (list, name, options) => ok(list.length === 0, name, list, options);

export function finish() {
	console.log(`1..${count}`);
	return failed > 0 ? 1 : 0;
}
