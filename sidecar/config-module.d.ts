// The config that a sidecar is told to use, by the name under which the bundler knows it (bundle.ts).

declare module "hearback-sidecar-config" {
  /** What `defineGateway` has made; the bundler does not look. */
  const config: unknown;
  export default config;
}
