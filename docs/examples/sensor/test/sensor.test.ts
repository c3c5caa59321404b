/** The checks that every input has to pass, and what is special about this one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchInput, conformanceChecks, sendTcp, until } from 'tidegate/inputs/testing';
import { input } from '../src/index.js';

const LISTEN = 'bind-address = "127.0.0.1:0"';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const checks = conformanceChecks({
  definition: input,
  toml: LISTEN,
  transport: 'tcp',
  database: 'sensors',
  encode(first, count) {
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    return bytes(numbers.map((n) => `t${n};kitchen;${n}.5;1700000000\n`).join(''));
  },
  garbage: bytes('no reading\n'),
  counters: ['pointsRx', 'bytesRx', 'pointsParseFail', 'batchesTx', 'pointsTx', 'batchesTxFail'],
  badConfigs: [{ toml: 'database = ""', text: 'database must not be empty' }],
});
for (const { name, run } of checks) void test(name, run);

void test('a line becomes a point, and a bad one says what is wrong', async () => {
  const bench = benchInput(input, `${LISTEN}\nbatch-timeout = "5ms"`);
  await bench.input.open();
  const [address = ''] = bench.input.addresses();
  await sendTcp(address, bytes('t1;living room;21.5;1700000000\nt1;attic;warm\n'));
  await until('both to be done with', () => {
    const { stored, rejected } = bench.input.ledger.snapshot();
    return stored === 1 && rejected.length === 1;
  });
  await bench.input.close();
  assert.deepEqual(bench.sink.lines('sensors'), [
    'sensor,name=t1,room=living\\ room value=21.5 1700000000000000000',
  ]);
  assert.equal(bench.rejected[0]?.text, 'bad value "warm"');
});
