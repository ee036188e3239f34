-- Lines of text that people write (DOMAIN §33, abuse case 38), by the display name of an account.
\ir ../helpers.psql
SELECT plan(32);
CREATE FUNCTION pg_temp.named(name text) RETURNS text LANGUAGE sql
	RETURN regexp_replace(pg_temp.refusal(NULL, 'POST', '/auth/register', jsonb_build_object('email', 'x' || current_setting('test.tag') || '@example.com',
		'username', 'x' || current_setting('test.tag'), 'password_hash', 'hash', 'display_name', name)), '^ok: .*"display_name":"(([^"\\]|\\.)*)".*$', '\1');
SELECT is(pg_temp.named('Zażółć gęślą jaźń 東京 שלום'), 'Zażółć gęślą jaźń 東京 שלום', 'people write in many scripts');
SELECT is(pg_temp.named('<script>alert(1)</script>'), '<script>alert(1)</script>', 'markup is text like any other');
SELECT is(pg_temp.named(U&'e\0301'), U&'\00E9', 'text is normalised (NFC)');
SELECT is(pg_temp.named(U&'\212B'), U&'\00C5', 'one character has one form');
SELECT is(pg_temp.named(U&'\00A0 a\3000b\2003 '), 'a b', 'blanks are blanks, and none stands at an end');
SELECT is(pg_temp.named(U&'\2764\FE0F \+01F600'), U&'\2764\FE0F \+01F600', 'emojis may');
SELECT is(pg_temp.named(U&'\2764\FE0E'), 'NC001 display_name', 'VALIDATION: another variation selector');
SELECT is(pg_temp.named(repeat('x', 100)), repeat('x', 100), 'as long as it may be');
SELECT is(pg_temp.named(repeat(U&'e\0301', 100)), repeat(U&'\00E9', 100), 'the length is counted after that');
SELECT is(pg_temp.named(repeat('x', 101)), 'NC001 display_name', 'VALIDATION: too long');
SELECT is(pg_temp.named(repeat(U&'\0301', 1000000)), 'NC001 display_name', 'VALIDATION: far too long');
SELECT is(pg_temp.named(U&'\00A0 \3000'), 'NC001 display_name', 'VALIDATION: nothing but blanks');
SELECT is(pg_temp.named(text), 'NC001 display_name', 'VALIDATION: ' || what) FROM (VALUES
	('a line break', E'a\nb'), ('a tabulator', E'a\tb'), ('escape', E'a\x1bb'), ('delete', E'a\x7f'), ('a control of Latin-1', U&'a\0085b'),
	('right-to-left override', U&'a\202Eb'), ('left-to-right isolate', U&'a\2066b'), ('Arabic letter mark', U&'a\061Cb'),
	('zero-width space', U&'a\200Bb'), ('zero-width joiner', U&'a\200Db'), ('byte order mark', U&'\FEFFa'), ('soft hyphen', U&'a\00ADb'),
	('a line separator', U&'a\2028b'), ('a tag character', U&'a\+0E0041b'), ('a Hangul filler', U&'\3164'), ('a character of nobody', U&'a\0378b'),
	('a noncharacter', U&'a\FFFFb'), ('private use', U&'a\E000b')) t (what, text);
SELECT is(pg_temp.named(U&'x\0316\0317\0318\0319y'), U&'x\0316\0317\0318\0319y', 'four marks stand over a character');
SELECT is(pg_temp.named(U&'x\0316\0317\0318\0319\031Cy'), 'NC001 display_name', 'VALIDATION: a pile of marks');
SELECT * FROM finish();
