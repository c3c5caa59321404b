/**
 * Names of result columns. Same as InfluxDB 1.x: aliases first, then generated names made distinct with `_1`, `_2` …
 */
import { walkExpr, type Expr, type Field } from '#influxql';

/** The name a field gives its column before names are made distinct. */
export function fieldName({ expr, alias }: Field): string {
  return alias || exprName(expr);
}

function exprName(expr: Expr): string {
  switch (expr.kind) {
    case 'varRef':
    case 'call':
      return expr.name;
    case 'distinct':
      return 'distinct';
    case 'paren':
      return exprName(expr.expr);
    case 'binary': {
      const names: string[] = [];
      walkExpr(expr, (node) => {
        if (node.kind === 'varRef' || node.kind === 'call') names.push(node.name);
        return node.kind !== 'call';
      });
      return names.join('_');
    }
    default:
      return '';
  }
}

/** Distinct names of the columns of these fields, in order. */
export function columnNames(fields: readonly Field[]): readonly string[] {
  const uses = new Map<string, number>();
  for (const { alias } of fields) if (alias !== '') uses.set(alias, 1);
  return fields.map((field) => {
    if (field.alias !== '') return field.alias;
    let name = fieldName(field);
    let count = uses.get(name);
    if (count !== undefined) {
      while (uses.has(`${name}_${count}`)) count++;
      uses.set(name, count + 1);
      name = `${name}_${count}`;
    }
    uses.set(name, 1);
    return name;
  });
}
