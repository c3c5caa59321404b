/** InfluxDB's flags have one dash (`-config FILE`); commander wants two. */

/** The arguments with two dashes before every flag of more than one letter. What follows `--` stays. */
export function longFlags(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((argument, i) =>
    (end < 0 || i < end) && /^-[a-zA-Z][a-zA-Z-]+(=|$)/.test(argument) ? `-${argument}` : argument,
  );
}
