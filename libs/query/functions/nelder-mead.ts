/**
 * Minimises a function of several variables by the Nelder-Mead simplex method.
 */

const REFLECT = 1;
const EXPAND = 2;
const CONTRACT = 0.5;
const SHRINK = 0.5;
const ITERATIONS_MAX = 1000;

/** The least value found and where. `of` may clamp the point it is given in place. */
export function minimize(
  of: (point: Float64Array) => number,
  start: Float64Array,
  epsilon: number,
): { readonly value: number; readonly point: Float64Array } {
  const n = start.length;
  const simplex = firstSimplex(start);
  const values = simplex.map(of);
  const along = (from: Float64Array, to: Float64Array, scale: number): Float64Array =>
    from.map((x, i) => x + scale * ((to[i] as number) - x));
  for (let round = 0; round < ITERATIONS_MAX; round++) {
    const order = values
      .map((_, i) => i)
      .sort((a, b) => (values[a] as number) - (values[b] as number));
    const least = order[0] as number;
    const greatest = order[n] as number;
    const second = order[n - 1] as number;
    const centre = new Float64Array(n);
    for (const i of order.slice(0, n)) {
      const vertex = simplex[i] as Float64Array;
      for (let j = 0; j < n; j++) centre[j] = (centre[j] as number) + (vertex[j] as number) / n;
    }
    const worst = simplex[greatest] as Float64Array;
    let candidate = along(centre, worst, -REFLECT);
    let value = of(candidate);
    if (value < (values[least] as number)) {
      const further = along(centre, candidate, EXPAND);
      const furtherValue = of(further);
      if (furtherValue < value) [candidate, value] = [further, furtherValue];
    } else if (value >= (values[second] as number)) {
      const isOutside = value < (values[greatest] as number);
      const nearer = along(centre, isOutside ? candidate : worst, CONTRACT);
      const nearerValue = of(nearer);
      if (nearerValue < (isOutside ? value : (values[greatest] as number))) {
        [candidate, value] = [nearer, nearerValue];
      } else {
        shrink(simplex, values, least, of);
        continue;
      }
    }
    simplex[greatest] = candidate;
    values[greatest] = value;
    if (deviation(values) < epsilon) break;
  }
  let best = 0;
  for (let i = 1; i <= n; i++) if ((values[i] as number) < (values[best] as number)) best = i;
  return { value: values[best] as number, point: simplex[best] as Float64Array };
}

/** A regular simplex of edge 1 with a corner at `start`. */
function firstSimplex(start: Float64Array): Float64Array[] {
  const n = start.length;
  const q = (Math.sqrt(n + 1) - 1) / (n * Math.SQRT2);
  const p = q + 1 / Math.SQRT2;
  const corners = [start.slice()];
  for (let i = 0; i < n; i++) corners.push(start.map((x, j) => x + (i === j ? p : q)));
  return corners;
}

function shrink(
  simplex: Float64Array[],
  values: number[],
  least: number,
  of: (point: Float64Array) => number,
): void {
  const best = simplex[least] as Float64Array;
  for (let i = 0; i < simplex.length; i++) {
    if (i === least) continue;
    const vertex = simplex[i] as Float64Array;
    simplex[i] = vertex.map((x, j) => (best[j] as number) + SHRINK * (x - (best[j] as number)));
    values[i] = of(simplex[i] as Float64Array);
  }
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(square / (values.length - 1));
}
