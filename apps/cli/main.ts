#!/usr/bin/env node
/** The `tidegate` command. */
import 'reflect-metadata';
import { createProgram } from './program.js';
import { longFlags } from './long-flags.js';

await createProgram(process.env).parseAsync(longFlags(process.argv.slice(2)), { from: 'user' });
process.exit();
