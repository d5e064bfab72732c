import { existsSync, readFileSync } from 'node:fs';

// Says which tests did not pass, then `N passed, N failed` as the last line; ends with 1 where anything failed or nothing ran.
const [file, ...steps] = process.argv.slice(2);
const suites = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).testResults : [];
const tests = suites.flatMap(({ name, assertionResults }) => assertionResults.map((test) => ({ ...test, file: name })));
const broken = suites.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'));
const passed = tests.filter(({ status }) => status === 'passed').length;
const others = tests.filter(({ status }) => status !== 'passed');
for (const { status, fullName, file } of others) console.log(`${status}: ${fullName} (${file})`);
for (const { name, message } of broken) console.log(`failed: ${name}: ${message}`);
// The step of the tests is told by its tests, unless none was.
const told = others.length + broken.length > 0;
const failedSteps = steps.filter((step) => !(step === 'npm test' && told));
for (const step of failedSteps) console.log(`failed: ${step}`);
const failed = others.length + broken.length + failedSteps.length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
