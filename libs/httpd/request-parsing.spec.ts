import zlib from 'node:zlib';
import { redactTarget } from './access-log.js';
import { gunzip } from './body-reader.js';
import { readCredentials } from './credentials.js';
import { parseParameters } from './json-parameters.js';
import { parseMultipart } from './multipart.js';
import { newRequestId } from './request-id.js';
import { Throttle } from './throttle.js';
import { UrlValues } from './url-values.js';

const textOf = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return (error as Error).message;
  }
};

describe('UrlValues', () => {
  it.each([
    ['a=1&b=2&a=3', 'a', '1'],
    ['q=a+b%20c', 'q', 'a b c'],
    ['q=a%zz&q=b', 'q', 'b'],
    ['q=a;b', 'q', ''],
    ['q', 'q', ''],
    ['=x&q=%C3%A4', 'q', 'ä'],
    ['q=a=b', 'q', 'a=b'],
  ])('of %s has %s = %j', (text, name, value) => {
    expect(UrlValues.parse(text).get(name)).toBe(value);
  });
});

// Texts as observed on InfluxDB 1.6.7.
describe('parseParameters', () => {
  it.each<[string, unknown]>([
    ['{"a":1', 'error parsing query parameters: unexpected EOF'],
    [
      '{"a":01}',
      "error parsing query parameters: invalid character '1' after object key:value pair",
    ],
    [
      '"x"',
      'error parsing query parameters: json: cannot unmarshal string into Go value of type map[string]interface {}',
    ],
    [
      '5',
      'error parsing query parameters: json: cannot unmarshal number into Go value of type map[string]interface {}',
    ],
    [
      '[]',
      'error parsing query parameters: json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
    [
      'not json',
      "error parsing query parameters: invalid character 'o' in literal null (expecting 'u')",
    ],
    [
      '{a:1}',
      "error parsing query parameters: invalid character 'a' looking for beginning of object key string",
    ],
    ['[1', 'error parsing query parameters: unexpected EOF'],
    [
      '{"a":tru}',
      "error parsing query parameters: invalid character '}' in literal true (expecting 'e')",
    ],
    ['{"a":"x', 'error parsing query parameters: unexpected EOF'],
    [
      '{"a":99999999999999999999}',
      'error parsing json value: strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    ['{"a":1e5}', 'error parsing json value: strconv.ParseInt: parsing "1e5": invalid syntax'],
    ['', new Map()],
    ['null', new Map()],
    ['{}', new Map()],
    [
      '{"i":9223372036854775807,"f":1.5,"s":"\\u00e4","b":true,"n":null,"l":[1],"o":{"regex":"a"}} x',
      new Map<string, unknown>([
        ['i', 9223372036854775807n],
        ['f', 1.5],
        ['s', 'ä'],
        ['b', true],
        ['n', null],
        ['l', [1n]],
        ['o', { regex: 'a' }],
      ]),
    ],
  ])('%s', (text, value) => {
    expect(textOf(() => parseParameters(text))).toEqual(value);
  });
});

describe('readCredentials', () => {
  const unreadable = 'unable to parse authentication credentials';
  const basic = `Basic ${Buffer.from('u:p:q').toString('base64')}`;
  it.each<[string, string | undefined, unknown]>([
    ['u=a&p=b', basic, { kind: 'password', username: 'a', password: 'b' }],
    ['u=a', basic, { kind: 'password', username: 'u', password: 'p:q' }],
    ['u=a&p=', undefined, unreadable],
    ['', basic.replace('Basic', 'basic'), { kind: 'password', username: 'u', password: 'p:q' }],
    ['', basic.replace(' ', '  '), unreadable],
    ['', basic.replace(/=+$/, ''), unreadable],
    ['', 'Bearer x.y.z', { kind: 'bearer', token: 'x.y.z' }],
    ['', 'bearer x.y.z', unreadable],
    ['', 'Token a:b', unreadable],
    ['', undefined, unreadable],
  ])('%s %s', (url, header, value) => {
    expect(textOf(() => readCredentials(UrlValues.parse(url), header, false))).toEqual(value);
  });

  it('takes a token where 2.x has it', () => {
    expect(readCredentials(new UrlValues(), 'Token a:b', true)).toEqual({
      kind: 'password',
      username: 'a',
      password: 'b',
    });
  });
});

describe('gunzip', () => {
  const failure = (bytes: Uint8Array, max = 100): Promise<string> =>
    gunzip(bytes, max).then(
      (plain) => Buffer.from(plain).toString(),
      (error: Error) => error.message,
    );
  const packed = zlib.gzipSync('hello');

  it('reads one or more members', async () => {
    expect(await failure(packed)).toBe('hello');
    expect(await failure(Buffer.concat([packed, zlib.gzipSync(' world')]))).toBe('hello world');
  });

  it('refuses with the texts of Go', async () => {
    expect(await failure(new Uint8Array(0))).toBe('EOF');
    expect(await failure(Buffer.from('m f=1 1'))).toBe('unexpected EOF');
    expect(await failure(Buffer.from('cpu value=1 1000'))).toBe('gzip: invalid header');
    expect(await failure(packed.subarray(0, packed.length - 3))).toBe('unexpected EOF');
    const broken = Buffer.from(packed);
    broken[broken.length - 6] ^= 1;
    expect(await failure(broken)).toBe('gzip: invalid checksum');
  });

  it('stops at the limit, small or large', async () => {
    expect(await failure(zlib.gzipSync(Buffer.alloc(101)))).toBe('Request Entity Too Large');
    expect(await failure(zlib.gzipSync(Buffer.alloc(200_000_000)), 1000)).toBe(
      'Request Entity Too Large',
    );
    expect(await failure(zlib.gzipSync(Buffer.alloc(100)))).toHaveLength(100);
  });
});

describe('parseMultipart', () => {
  it('reads fields and files', () => {
    const body =
      '--X\r\nContent-Disposition: form-data; name="q"; filename="a.iql"\r\nContent-Type: text/plain\r\n\r\nSHOW\r\nDATABASES\r\n--X\r\nContent-Disposition: form-data; name="epoch"\r\n\r\ns\r\n--X--\r\n';
    const values = parseMultipart('multipart/form-data; boundary=X', Buffer.from(body));
    expect([values?.get('q'), values?.get('epoch')]).toEqual(['SHOW\r\nDATABASES', 's']);
    expect(parseMultipart('multipart/form-data', Buffer.from(body))).toBeNull();
  });
});

describe('redactTarget', () => {
  it.each([
    ['/query?u=a&p=secret&q=x', '/query?u=a&p=%5BREDACTED%5D&q=x'],
    [
      "/query?q=CREATE+USER+a+WITH+PASSWORD+'secret'&db=d",
      '/query?q=CREATE+USER+a+WITH+PASSWORD+%5BREDACTED%5D&db=d',
    ],
    [
      '/query?q=SET%20PASSWORD%20FOR%20a%20%3D%20%27secret%27',
      '/query?q=SET%20PASSWORD%20FOR%20a%20%3D%20%5BREDACTED%5D',
    ],
    ['/write?db=d&precision=s', '/write?db=d&precision=s'],
  ])('%s', (target, text) => {
    expect(redactTarget(target)).toBe(text);
  });
});

describe('newRequestId', () => {
  it('gives distinct UUIDs of version 1 that grow with time', () => {
    const ids = Array.from({ length: 1000 }, () => newRequestId(1_500_000_000_000));
    expect(new Set(ids).size).toBe(1000);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-0{12}$/);
  });
});

describe('Throttle', () => {
  const outcome = (promise: Promise<void>): Promise<string> =>
    promise.then(
      () => 'begun',
      (error: Error) => error.message,
    );

  it('bounds tasks and those that wait', async () => {
    const throttle = new Throttle({ activeMax: 1, waitingMax: 1, waitTimeoutMs: 0 });
    await throttle.enter();
    const second = outcome(throttle.enter());
    expect(await outcome(throttle.enter())).toBe('request throttled, queue full');
    throttle.leave();
    expect(await second).toBe('begun');
    throttle.leave();
    expect(await outcome(throttle.enter())).toBe('begun');
  });

  it('ends waits that are too long', async () => {
    const throttle = new Throttle({ activeMax: 1, waitingMax: 0, waitTimeoutMs: 1 });
    await throttle.enter();
    expect(await outcome(throttle.enter())).toBe('request throttled, exceeds timeout');
  });
});
