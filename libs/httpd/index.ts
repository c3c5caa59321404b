export { type HttpConfig, type TlsConfig, httpSection, tlsSection } from './httpd.config.js';
