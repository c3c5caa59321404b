/**
 * Minimises a function of several variables by the Nelder-Mead simplex method. Takes the same steps as InfluxDB 1.x, since
 * where such a search ends depends on each of them.
 */

const REFLECT = 1;
const EXPAND = 2;
const CONTRACT = 0.5;
const ITERATIONS_MAX = 1000;

/** The least value found and where. `of` may change the point it is given in place. */
export function minimize(
  of: (point: Float64Array) => number,
  start: Float64Array,
  epsilon: number,
): { readonly value: number; readonly point: Float64Array } {
  const simplex = new Simplex(of, start);
  for (let round = 1; round <= ITERATIONS_MAX; round++) {
    simplex.improve();
    if (simplex.deviation() < epsilon) break;
  }
  const point = simplex.best().slice();
  return { value: of(point.slice()), point };
}

class Simplex {
  readonly #of: (point: Float64Array) => number;
  readonly #corners: Float64Array[];
  readonly #values: number[];
  readonly #n: number;

  /** A regular simplex of edge 1 with a corner at `start`. */
  constructor(of: (point: Float64Array) => number, start: Float64Array) {
    const n = start.length;
    const far = (Math.sqrt(n + 1) - 1 + n) / (n * Math.SQRT2);
    const near = (Math.sqrt(n + 1) - 1) / (n * Math.SQRT2);
    this.#of = of;
    this.#n = n;
    this.#corners = [start.slice()];
    for (let i = 0; i < n; i++) this.#corners.push(start.map((x, j) => (i === j ? far : near) + x));
    this.#values = this.#corners.map(of);
  }

  /** One step: reflection, expansion, contraction or shrinking. */
  improve(): void {
    const values = this.#values;
    const { least, second, greatest } = this.#ranks();
    const worst = this.#corners[greatest] as Float64Array;
    const centre = this.#centreWithout(greatest);
    const reflected = centre.map((x, i) => x + REFLECT * (x - (worst[i] as number)));
    const value = this.#of(reflected);
    const [leastValue, secondValue] = [values[least] as number, values[second] as number];
    if (value < secondValue && value >= leastValue) this.#replace(greatest, reflected, value);
    if (value < leastValue) {
      const expanded = centre.map((x, i) => x + EXPAND * ((reflected[i] as number) - x));
      const further = this.#of(expanded);
      if (further < value) this.#replace(greatest, expanded, further);
      else this.#replace(greatest, reflected, value);
    }
    // Asked of the values as they are now, hence also after a reflection.
    if (value >= (values[second] as number))
      this.#contract({ least, second, greatest }, centre, { reflected, value });
  }

  #contract(
    {
      least,
      second,
      greatest,
    }: { readonly least: number; readonly second: number; readonly greatest: number },
    centre: Float64Array,
    { reflected, value }: { readonly reflected: Float64Array; readonly value: number },
  ): void {
    const values = this.#values;
    const worst = this.#corners[greatest] as Float64Array;
    const isOutside = value < (values[greatest] as number);
    const contracted = centre.map((x, i) =>
      isOutside
        ? x + CONTRACT * ((reflected[i] as number) - x)
        : x - CONTRACT * (x - (worst[i] as number)),
    );
    const nearer = this.#of(contracted);
    if (nearer < (values[greatest] as number)) {
      this.#replace(greatest, contracted, nearer);
      return;
    }
    const best = this.#corners[least] as Float64Array;
    this.#corners.forEach((corner, c) => {
      if (c !== least)
        corner.forEach((x, i) => (corner[i] = (best[i] as number) + (x - (best[i] as number)) / 2));
    });
    for (const c of [greatest, second]) values[c] = this.#of(this.#corners[c] as Float64Array);
  }

  /** Corners with the least, the second greatest and the greatest value. */
  #ranks(): { readonly least: number; readonly second: number; readonly greatest: number } {
    const values = this.#values;
    let least = 0;
    let greatest = 0;
    values.forEach((value, i) => {
      if (value > (values[greatest] as number)) greatest = i;
      if (value < (values[least] as number)) least = i;
    });
    let second = least;
    values.forEach((value, i) => {
      if (value > (values[second] as number) && value < (values[greatest] as number)) second = i;
    });
    return { least, second, greatest };
  }

  #centreWithout(excluded: number): Float64Array {
    const centre = new Float64Array(this.#n);
    this.#corners.forEach((corner, c) => {
      if (c !== excluded) corner.forEach((x, i) => (centre[i] = (centre[i] as number) + x));
    });
    return centre.map((x) => x / this.#n);
  }

  #replace(corner: number, point: Float64Array, value: number): void {
    this.#corners[corner] = point;
    this.#values[corner] = value;
  }

  /** Standard deviation of the corners' values. */
  deviation(): number {
    const mean = this.#values.reduce((sum, value) => sum + value, 0) / (this.#n + 1);
    return Math.sqrt(this.#values.reduce((sum, value) => sum + (value - mean) ** 2 / this.#n, 0));
  }

  best(): Float64Array {
    let best = 0;
    this.#values.forEach((value, i) => {
      if (value < (this.#values[best] as number)) best = i;
    });
    return this.#corners[best] as Float64Array;
  }
}
