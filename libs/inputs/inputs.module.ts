/**
 * Inputs as Nest providers: one of each enabled table of the configuration, and the list of them under {@link INPUTS}. Opening
 * and closing is the server's business, which keeps them in order.
 */
import { type DynamicModule, Module } from '@nestjs/common';
import type { Input, InputContext, InputDefinition } from './shared/input.js';

/** Token of the list of inputs. */
export const INPUTS = Symbol('inputs');
/** Token of what inputs are given. */
const INPUT_CONTEXT = Symbol('inputs.context');

/** A table of the configuration and the kind of input it is for. */
export interface ConfiguredInput {
  readonly definition: InputDefinition;
  readonly config: Parameters<InputDefinition['create']>[0];
}

/** Makes inputs. */
@Module({})
export class InputsModule {
  static forInputs(configured: readonly ConfiguredInput[], context: InputContext): DynamicModule {
    const inputs = configured.map(({ definition, config }) => ({
      provide: Symbol(definition.section.name),
      inject: [INPUT_CONTEXT],
      useFactory: (given: InputContext): Input => definition.create(config, given),
    }));
    return {
      module: InputsModule,
      providers: [
        { provide: INPUT_CONTEXT, useValue: context },
        ...inputs,
        {
          provide: INPUTS,
          inject: inputs.map(({ provide }) => provide),
          useFactory: (...made: Input[]): readonly Input[] => made,
        },
      ],
      exports: [INPUTS],
    };
  }
}
