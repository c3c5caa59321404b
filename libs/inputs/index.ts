export { type CollectdConfig, collectdSection } from './collectd/collectd.config.js';
export { type GraphiteConfig, graphiteSection } from './graphite/graphite.config.js';
export { type OpentsdbConfig, opentsdbSection } from './opentsdb/opentsdb.config.js';
export { type UdpConfig, udpSection } from './udp/udp.config.js';
