/** What series must have in a tag, decided by the tag's value alone. */
import { compileRegex } from '#influxql';
import type { TagRequirement } from './ports.js';

/** Whether a value, '' for none, is one that is asked for. */
export function requirementTest(requirement: TagRequirement): (value: string) => boolean {
  if ('value' in requirement) return (value) => value === requirement.value;
  const matches = compileRegex(requirement.pattern);
  return (value) => matches(value) === requirement.isWanted;
}
