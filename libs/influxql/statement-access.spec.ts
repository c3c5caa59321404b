import {
  isReadOnly,
  namedDatabase,
  parseStatement,
  requiredPrivileges,
  type RequiredPrivilege,
} from './index.js';

function shown({ isAdmin, database, privilege }: RequiredPrivilege): string {
  return isAdmin ? 'admin' : `${privilege} on ${database}`;
}

describe('statement access', () => {
  it.each([
    ['SELECT f FROM m', ['READ on '], true],
    ['SELECT f FROM d..m, (SELECT g FROM e.r.n)', ['READ on d', 'READ on e'], true],
    ['SELECT f INTO d.r.x FROM m', ['READ on ', 'WRITE on d'], false],
    ['EXPLAIN SELECT f FROM m', ['READ on '], true],
    ['SHOW DATABASES', [], true],
    ['SHOW MEASUREMENTS ON d', ['READ on d'], true],
    ['SHOW SERIES EXACT CARDINALITY ON d', ['READ on d'], true],
    ['SHOW QUERIES', ['READ on '], true],
    ['SHOW USERS', ['admin'], true],
    ['DELETE FROM m', ['WRITE on '], true],
    ['DROP SERIES FROM m', ['WRITE on '], false],
    ['DROP MEASUREMENT m', ['admin'], false],
    ['DROP RETENTION POLICY r ON d', ['WRITE on d'], false],
    ['DROP CONTINUOUS QUERY c ON d', ['WRITE on d'], false],
    ['CREATE DATABASE d', ['admin'], false],
    ['KILL QUERY 1', ['admin'], true],
    ["CREATE USER u WITH PASSWORD 'x'", ['admin'], false],
    [
      'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(f) INTO e.r.x FROM m GROUP BY time(1h) END',
      ['READ on d', 'WRITE on e'],
      false,
    ],
  ])('%s', (text, privileges, readOnly) => {
    const statement = parseStatement(text);
    expect([requiredPrivileges(statement).map(shown), isReadOnly(statement)]).toEqual([
      privileges,
      readOnly,
    ]);
  });

  it('names the database of a statement', () => {
    expect(
      ['SHOW SERIES ON d', 'SHOW SERIES', 'SHOW USERS'].map((text) =>
        namedDatabase(parseStatement(text)),
      ),
    ).toEqual(['d', '', '']);
  });
});
