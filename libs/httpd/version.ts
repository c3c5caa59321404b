/** Which version Tidegate says it is. */

/** The version of InfluxDB whose behaviour clients get; they read it from X-Influxdb-Version. */
export const INFLUXDB_VERSION = '1.6.7';

/** Tidegate's own version. Equal to package.json's. */
export const TIDEGATE_VERSION = '0.1.0';

/** Value of X-Influxdb-Version: what clients compare, then who answers. */
export const REPORTED_VERSION = `${INFLUXDB_VERSION}+tidegate.${TIDEGATE_VERSION}`;
