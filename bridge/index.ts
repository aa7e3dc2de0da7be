// What tests and dev tools outside this folder may use of the bridge: the log, its parts, and the server.

export * from "./embedded/embedded-log.ts";
export * from "./log.ts";
export * from "./embedded/log-files.ts";
export * from "./produce-once.ts";
export * from "./http/server.ts";
export * from "./http/access.ts";
export * from "./http/credentials.ts";
export * from "./http/credentials-file.ts";
export * from "./http/metrics.ts";
export * from "./http/password-hash.ts";
