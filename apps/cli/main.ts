#!/usr/bin/env node
/** The `tidegate` command. */
import 'reflect-metadata';
import { createProgram } from './program.js';
import { longFlags } from './long-flags.js';

const [command = 'run'] = process.argv.slice(2);
const program = createProgram(process.env);
const known = ['help', ...program.commands.map((each) => each.name())];
if (!command.startsWith('-') && !known.includes(command)) {
  process.stderr.write(`unknown command "${command}"\nRun 'tidegate help' for usage\n`);
  process.exit(1);
}
await program.parseAsync(longFlags(process.argv.slice(2)), { from: 'user' });
process.exit();
