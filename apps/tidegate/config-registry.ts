/** Every section that a Tidegate configuration may have, in the sample's order and the order of their checks. */
import type { ConfigOf } from '#config';
import { coordinatorSection } from '#coordinator';
import { httpSection, tlsSection } from '#httpd';
import {
  collectdSection,
  deadLettersSection,
  graphiteSection,
  opentsdbSection,
  pluginSection,
  prometheusSection,
  udpSection,
} from '#inputs';
import { continuousQueriesSection, precreationSection, retentionSection } from '#jobs';
import { metaSection } from '#meta';
import { cardinalitySection, monitorSection } from '#monitor';
import { subscriberSection } from '#subscriber';
import { dataSection } from '#tsdb';
import {
  adminSection,
  fluxControllerSection,
  ifqlSection,
  loggingSection,
  storageSection,
  topSection,
} from './server.config.js';

/** The sections by the name that code uses. */
export const configRegistry = {
  top: topSection,
  meta: metaSection,
  data: dataSection,
  coordinator: coordinatorSection,
  retention: retentionSection,
  precreation: precreationSection,
  monitor: monitorSection,
  cardinality: cardinalitySection,
  http: httpSection,
  logging: loggingSection,
  subscriber: subscriberSection,
  graphite: graphiteSection,
  collectd: collectdSection,
  opentsdb: opentsdbSection,
  udp: udpSection,
  prometheus: prometheusSection,
  plugin: pluginSection,
  deadLetters: deadLettersSection,
  continuousQueries: continuousQueriesSection,
  tls: tlsSection,
  ifql: ifqlSection,
  storage: storageSection,
  fluxController: fluxControllerSection,
  admin: adminSection,
} as const;

/** The typed configuration of the server. */
export type ServerConfig = ConfigOf<typeof configRegistry>;
