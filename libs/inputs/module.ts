export { type ConfiguredInput, INPUTS, InputsModule } from './inputs.module.js';
