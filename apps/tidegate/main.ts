/** The server on its own: `node dist/apps/tidegate/main.js [-config FILE] [-pidfile FILE]`. */
import { run } from './run.js';

const flag = (name: string): string | undefined => {
  const i = process.argv.findIndex((argument) => argument.replace(/^-+/, '') === name);
  return i < 0 ? undefined : process.argv[i + 1];
};

process.exitCode = await run({ config: flag('config'), pidfile: flag('pidfile') }, process.env);
process.exit();
